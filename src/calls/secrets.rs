//! What is kept of a body: short JSON without secrets.

use serde_json::Value;

/// The longest body that is kept, in bytes.
const MAX_KEPT_BYTES: usize = 2048;
/// Members whose name contains one of these are not shown.
const SECRET_NAMES: [&str; 5] = ["password", "token", "ticket", "secret", "jwt"];

/// The JSON of `body` with secrets hidden; `None` if it is empty, too long or not JSON.
pub fn hide(body: &[u8]) -> Option<Box<str>> {
    if body.is_empty() || body.len() > MAX_KEPT_BYTES {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    if !text.starts_with(['{', '[']) {
        return None;
    }
    // An escape may hide a letter of a name. Most bodies have neither, and are kept as they came.
    if !may_name_a_secret(text.as_bytes()) {
        return Some(text.into());
    }
    let mut value: Value = serde_json::from_str(text).ok()?;
    hide_members(&mut value);
    Some(value.to_string().into())
}

/// Whether a text has an escape or the name of a secret, in one pass: each body is looked through.
fn may_name_a_secret(text: &[u8]) -> bool {
    let begins = |rest: &[u8], name: &str| {
        rest.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
    };
    (0..text.len()).any(|at| match text[at].to_ascii_lowercase() {
        b'\\' => true,
        b'p' | b't' | b's' | b'j' => SECRET_NAMES.iter().any(|name| begins(&text[at..], name)),
        _ => false,
    })
}

/// Whether `text` contains `name`, which is in lower case, in any case.
fn contains(text: &str, name: &str) -> bool {
    text.as_bytes().windows(name.len()).any(|found| found.eq_ignore_ascii_case(name.as_bytes()))
}

fn hide_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if is_secret(name) {
                    *value = "hidden".into();
                } else {
                    hide_members(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide_members),
        _ => {}
    }
}

/// Whether the value of a member or a parameter of this name is a secret.
pub fn is_secret(name: &str) -> bool {
    SECRET_NAMES.iter().any(|secret| contains(name, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_however_they_are_written() {
        let hidden = |body: &str| hide(body.as_bytes()).map(String::from);
        for body in [
            r#"{"email":"a@b.c","password":"rahasia"}"#,
            r#"{"email":"a@b.c","pass\u0077ord":"rahasia"}"#,
            r#"{"email":"a@b.c","Current_PASSWORD":"rahasia"}"#,
            r#"[{"user":{"access_token":"rahasia"}}]"#,
            r#"{"ticket":["rahasia"]}"#,
        ] {
            let shown = hidden(body).unwrap();
            assert!(!shown.contains("rahasia"), "{shown}");
            assert!(shown.contains("hidden"), "{shown}");
        }
        let plain = r#"{"items":[{"product_id":1,"quantity":2}]}"#;
        assert_eq!(hidden(plain).as_deref(), Some(plain));
    }

    #[test]
    fn each_name_of_a_secret_is_found() {
        for name in SECRET_NAMES {
            assert!(may_name_a_secret(format!("{{\"x_{}\":1}}", name.to_uppercase()).as_bytes()), "{name}");
        }
        assert!(!may_name_a_secret(br#"{"status":"paid","items":[],"total_price":1}"#));
    }

    #[test]
    fn what_is_long_or_not_json_is_not_kept() {
        assert_eq!(hide(b""), None);
        assert_eq!(hide(b"password=rahasia"), None);
        assert_eq!(hide(br#"{"password": "rahasia""#), None);
        assert_eq!(hide(b"{\"name\": \"\xff\"}"), None);
        let long = format!("{{\"name\":\"{}\"}}", "x".repeat(MAX_KEPT_BYTES));
        assert_eq!(hide(long.as_bytes()), None);
    }
}
