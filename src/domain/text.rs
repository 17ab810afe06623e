//! Texts: names, descriptions, pictures, telephone numbers. Each is checked when it is made, and never again.

use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::field::{Field, FieldError, documented};

/// The longest text of several lines, in characters.
const MAX_TEXT: usize = 2000;
/// The longest address of a picture, in bytes.
const MAX_IMAGE: usize = 2048;
/// The longest name, in characters.
const MAX_NAME: usize = 255;
/// The longest telephone number, in characters.
const MAX_PHONE: usize = 32;

/// A text of up to 2000 characters that may have several lines, without white space around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Field for Text {
    fn read(value: Value) -> Result<Self, FieldError> {
        text(value, MAX_TEXT, |c| is_deceptive(c) && !matches!(c, '\t' | '\n' | '\r')).map(Self)
    }
}

/// The address of a picture: an `http(s)` URL, or a path on the same server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Image(String);

impl Image {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Field for Image {
    fn read(value: Value) -> Result<Self, FieldError> {
        let Value::String(text) = value else {
            return Err(FieldError::wrong_type("harus teks", "must be a string"));
        };
        let valid = match text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) {
            // Brackets belong to IPv6 addresses, of which few are valid.
            Some(rest) => {
                rest.split(['/', '?', '#']).next().is_some_and(|host| !host.is_empty() && !host.contains(['[', ']']))
            }
            // No `//` alone, which a browser takes for another host; nor any other scheme, such as `javascript:`.
            None => text.strip_prefix('/').is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')),
        };
        if valid && text.len() <= MAX_IMAGE && text.bytes().all(is_url_byte) {
            Ok(Self(text))
        } else {
            Err(FieldError::rule("bukan alamat gambar http(s) atau /…", "is not an http(s) or /… address of a picture"))
        }
    }
}

/// Letters, digits and the marks that a URL is written with (RFC 3986), without quotes of any kind.
fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&()*+,;=%".contains(&byte)
}

/// A name on one line: 1 to 255 visible characters, without white space around them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text from another service can be a name. Only its length is checked.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= MAX_NAME
}

impl Field for Name {
    fn read(value: Value) -> Result<Self, FieldError> {
        line(value, MAX_NAME).map(Self)
    }
}

/// A telephone number as people write it: digits, spaces and `+-().`, at least three digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Phone(String);

impl Phone {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Field for Phone {
    fn read(value: Value) -> Result<Self, FieldError> {
        let text = line(value, MAX_PHONE)?;
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let known = text.bytes().all(|byte| byte.is_ascii_digit() || b" +-().".contains(&byte));
        if known && digits >= 3 {
            Ok(Self(text))
        } else {
            Err(FieldError::rule("bukan nomor telepon", "is not a telephone number"))
        }
    }
}

documented! {
    Text: text_schema(
        MAX_TEXT,
        format!("[^{SPACE}{DECEPTIVE}](([^{DECEPTIVE}]|[\\t\\n\\r])*[^{SPACE}{DECEPTIVE}])?"),
    );
    Image: ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(MAX_IMAGE))
        .pattern(Some(concat!(
            "^(https?://[-A-Za-z0-9._~:@!$&()*+,;=%]+([/?#][-A-Za-z0-9._~:/?#\\[\\]@!$&()*+,;=%]*)?",
            "|/[-A-Za-z0-9._~:?#\\[\\]@!$&()*+,;=%][-A-Za-z0-9._~:/?#\\[\\]@!$&()*+,;=%]*)$"
        )));
    Name: text_schema(MAX_NAME, format!("[^{SPACE}{DECEPTIVE}]([^{DECEPTIVE}]*[^{SPACE}{DECEPTIVE}])?"));
    Phone: text_schema(MAX_PHONE, "[ +().-]*[0-9][ +().-]*[0-9][ +().-]*[0-9][0-9 +().-]*");
}

/// The schema of a text with this pattern, which may have white space around it.
pub(super) fn text_schema(max: usize, pattern: impl std::fmt::Display) -> ObjectBuilder {
    let pattern = format!("^[{SPACE}]*{pattern}[{SPACE}]*$");
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(max)).pattern(Some(pattern))
}

// What `line` checks, for the character classes of a regular expression (ECMA-262).
pub(super) const SPACE: &str =
    "\\u0009-\\u000d\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
pub(super) const DECEPTIVE: &str =
    "\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff";

/// Text on one line, its ends trimmed. Control characters and marks that reorder what people see are
/// refused: they serve to deceive a reader or a terminal, and PostgreSQL can't store NUL.
pub(super) fn line(value: Value, max: usize) -> Result<String, FieldError> {
    text(value, max, is_deceptive)
}

fn text(value: Value, max: usize, refused: fn(char) -> bool) -> Result<String, FieldError> {
    let Value::String(text) = value else {
        return Err(FieldError::wrong_type("harus teks", "must be a string"));
    };
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(FieldError::rule("tidak boleh kosong", "must not be empty"));
    }
    if text.chars().count() > max {
        return Err(FieldError::rule(
            format!("paling banyak {max} karakter"),
            format!("must have at most {max} characters"),
        ));
    }
    if trimmed.chars().any(refused) {
        return Err(FieldError::rule("berisi karakter yang tidak tampak", "has characters that do not show"));
    }
    Ok(if trimmed.len() == text.len() { text } else { trimmed.to_owned() })
}

/// Control characters, line and paragraph separators, and the bidirectional marks of Unicode's UAX #9.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_is_trimmed_and_shows_all_it_has() {
        assert_eq!(Name::read(json!(" Bob\n")).ok().as_ref().map(Name::as_str), Some("Bob"));
        for bad in ["", "  ", "a\0b", "a\nb", "a\u{202e}b", &"x".repeat(256)] {
            assert!(Name::read(json!(bad)).is_err(), "{bad:?}");
        }
    }
}
