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
    let may_be_secret = text.contains('\\') || SECRET_NAMES.iter().any(|name| contains(text, name));
    if !may_be_secret {
        return Some(text.into());
    }
    let mut value: Value = serde_json::from_str(text).ok()?;
    hide_members(&mut value);
    Some(value.to_string().into())
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
    fn what_is_long_or_not_json_is_not_kept() {
        assert_eq!(hide(b""), None);
        assert_eq!(hide(b"password=rahasia"), None);
        assert_eq!(hide(br#"{"password": "rahasia""#), None);
        assert_eq!(hide(b"{\"name\": \"\xff\"}"), None);
        let long = format!("{{\"name\":\"{}\"}}", "x".repeat(MAX_KEPT_BYTES));
        assert_eq!(hide(long.as_bytes()), None);
    }
}
