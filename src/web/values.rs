//! The values that fields are made of. Each is checked when it is made, and never again.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::fields::{Fault, Field};
use crate::error::Result;

/// The largest price, in rupiah: far above any shop's, and still exact in every client's numbers
/// (JavaScript counts exactly to 2^53).
const MAX_PRICE: i64 = 1_000_000_000_000_000;
/// The most units of a product on one line.
const MAX_QUANTITY: i64 = 1_000_000;

/// The most units of a product in stock.
const MAX_STOCK: i64 = 1_000_000_000;

/// The longest text of several lines, in characters.
const MAX_TEXT: usize = 2000;
const MAX_IMAGE: usize = 2048;
/// The longest name, in characters.
const MAX_NAME: usize = 255;
/// RFC 5321, 4.5.3.1.3: a path has at most 256 octets, two of them its brackets.
const MAX_EMAIL: usize = 254;
const MAX_PHONE: usize = 32;

/// A positive 64-bit id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Id(i64);

impl Id {
    pub fn get(self) -> i64 {
        self.0
    }

    /// An id as it stands in a path: digits without sign or leading zeros.
    pub fn parse(text: &str) -> Option<Self> {
        let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        text.parse().ok().filter(|_| canonical).map(Self)
    }
}

impl Field for Id {
    fn read(value: Value) -> Result<Self, Fault> {
        integer(&value, 1, i64::MAX).map(Self)
    }
}

/// An amount of whole rupiah, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Rupiah(i64);

impl Rupiah {
    pub fn get(self) -> i64 {
        self.0
    }
}

impl Rupiah {
    /// Whether so many rupiah can be a price.
    pub fn allows(rupiah: i64) -> bool {
        (0..=MAX_PRICE).contains(&rupiah)
    }
}

impl Field for Rupiah {
    fn read(value: Value) -> Result<Self, Fault> {
        integer(&value, 0, MAX_PRICE).map(Self)
    }
}

/// A number of units, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantity(i64);

impl Quantity {
    pub const ONE: Self = Self(1);
    pub const MAX: i64 = MAX_QUANTITY;

    pub fn get(self) -> i64 {
        self.0
    }
}

impl Field for Quantity {
    fn read(value: Value) -> Result<Self, Fault> {
        integer(&value, 1, MAX_QUANTITY).map(Self)
    }
}

/// A number of units in stock, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Stock(i64);

impl Stock {
    pub const MAX: i64 = MAX_STOCK;

    pub fn get(self) -> i64 {
        self.0
    }
}

impl Field for Stock {
    fn read(value: Value) -> Result<Self, Fault> {
        integer(&value, 0, MAX_STOCK).map(Self)
    }
}

/// A number of units that come (or, below zero, go).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Change(i64);

impl Change {
    pub fn get(self) -> i64 {
        self.0
    }
}

impl Field for Change {
    fn read(value: Value) -> Result<Self, Fault> {
        integer(&value, -MAX_STOCK, MAX_STOCK).map(Self)
    }
}

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
    fn read(value: Value) -> Result<Self, Fault> {
        text(value, MAX_TEXT, |c| is_deceptive(c) && !matches!(c, '\t' | '\n' | '\r')).map(Self)
    }
}

/// Where a picture is: an `http(s)` URL, or a path on the same server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Image(String);

impl Image {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Field for Image {
    fn read(value: Value) -> Result<Self, Fault> {
        let Value::String(text) = value else {
            return Err(Fault::wrong_type("harus teks", "must be a string"));
        };
        let rest = text.strip_prefix("http:/").or_else(|| text.strip_prefix("https:/")).unwrap_or(&text);
        // No `//` alone, which a browser takes for another host; nor any other scheme, such as `javascript:`.
        let rest = rest.strip_prefix('/').filter(|rest| !rest.is_empty() && !rest.starts_with('/'));
        if text.len() <= MAX_IMAGE && rest.is_some_and(|rest| rest.bytes().all(is_url_byte)) {
            Ok(Self(text))
        } else {
            Err(Fault::rule("bukan alamat gambar http(s) atau /…", "is not an http(s) or /… address of a picture"))
        }
    }
}

/// Letters, digits and the marks that a URL is written with (RFC 3986), without quotes of any kind.
fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&()*+,;=%".contains(&byte)
}

/// A name on one line: 1 to 255 characters that show, without white space around them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// Whether a peer's word can be a name: as long as ours may be, whatever it is made of.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= MAX_NAME
}

impl Field for Name {
    fn read(value: Value) -> Result<Self, Fault> {
        line(value, MAX_NAME).map(Self)
    }
}

/// An e-mail address: enough is checked to catch slips, the rest is for the mail server to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two addresses are compared: before the `@` as Unicode compares identifiers
    /// (NFKC_Casefold), after it as the domain stands in the DNS (UTS #46).
    pub fn key(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        let nfkc = ComposingNormalizer::new_nfkc();
        let fold = |text: &str| CaseMapper::new().fold_string(&nfkc.normalize(text)).into_owned();
        // Twice: each of the two may undo the other.
        let local = fold(&fold(local));
        let shown = |c: &char| !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(*c);
        let local: String = nfkc.normalize(&local).chars().filter(shown).collect();
        // What is no name of the DNS is compared as it is.
        let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_lowercase());
        format!("{local}@{domain}")
    }
}

impl Field for Email {
    fn read(value: Value) -> Result<Self, Fault> {
        let text = line(value, MAX_EMAIL)?;
        let well_formed = text.rsplit_once('@').is_some_and(|(local, domain)| {
            let labels = domain.split('.').all(|label| !label.is_empty());
            (1..=64).contains(&local.chars().count())
                && labels
                && !text.contains(char::is_whitespace)
                && !local.contains('@')
        });
        if well_formed { Ok(Self(text)) } else { Err(Fault::rule("bukan alamat email", "is not an e-mail address")) }
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
    fn read(value: Value) -> Result<Self, Fault> {
        let text = line(value, MAX_PHONE)?;
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let known = text.bytes().all(|byte| byte.is_ascii_digit() || b" +-().".contains(&byte));
        if known && digits >= 3 {
            Ok(Self(text))
        } else {
            Err(Fault::rule("bukan nomor telepon", "is not a telephone number"))
        }
    }
}

/// Gives a value its name and schema in the documentation.
macro_rules! documented {
    ($($value:ident: $schema:expr;)*) => {$(
        impl ToSchema for $value {}

        impl PartialSchema for $value {
            fn schema() -> RefOr<Schema> {
                $schema.build().into()
            }
        }
    )*};
}

documented! {
    Id: integer_schema(1, i64::MAX);
    Rupiah: integer_schema(0, MAX_PRICE).description(Some("Whole rupiah."));
    Quantity: integer_schema(1, MAX_QUANTITY);
    Stock: integer_schema(0, MAX_STOCK);
    Change: integer_schema(-MAX_STOCK, MAX_STOCK);
    Text: text_schema(
        MAX_TEXT,
        format!("[^{SPACE}{DECEPTIVE}](([^{DECEPTIVE}]|[\\t\\n\\r])*[^{SPACE}{DECEPTIVE}])?"),
    );
    Image: ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(MAX_IMAGE))
        .pattern(Some("^(https?:/)?/[-A-Za-z0-9._~:?#\\[\\]@!$&()*+,;=%][-A-Za-z0-9._~:/?#\\[\\]@!$&()*+,;=%]*$"));
    Name: text_schema(MAX_NAME, format!("[^{SPACE}{DECEPTIVE}]([^{DECEPTIVE}]*[^{SPACE}{DECEPTIVE}])?"));
    Email: text_schema(
        MAX_EMAIL,
        format!("[^@{SPACE}{DECEPTIVE}]{{1,64}}@[^@.{SPACE}{DECEPTIVE}]+(\\.[^@.{SPACE}{DECEPTIVE}]+)*"),
    );
    Phone: text_schema(MAX_PHONE, "[ +().-]*[0-9][ +().-]*[0-9][ +().-]*[0-9][0-9 +().-]*");
}

fn integer_schema(min: i64, max: i64) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(min)).maximum(Some(max))
}

/// Text on one line, which may have white space around it.
fn text_schema(max: usize, pattern: impl std::fmt::Display) -> ObjectBuilder {
    let pattern = format!("^[{SPACE}]*{pattern}[{SPACE}]*$");
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(max)).pattern(Some(pattern))
}

// What `line` checks, as parts of a regular expression's classes (ECMA-262).
const SPACE: &str = "\\u0009-\\u000d\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const DECEPTIVE: &str = "\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff";

fn integer(value: &Value, min: i64, max: i64) -> Result<i64, Fault> {
    let Value::Number(number) = value else {
        return Err(Fault::wrong_type("harus bilangan bulat", "must be an integer"));
    };
    let whole = number.as_i64().or_else(|| number.as_f64().filter(|float| float.fract() == 0.0).map(exact));
    match whole {
        Some(number) if (min..=max).contains(&number) => Ok(number),
        Some(_) => {
            Err(Fault::rule(format!("harus antara {min} dan {max}"), format!("must be between {min} and {max}")))
        }
        None => Err(Fault::wrong_type("harus bilangan bulat", "must be an integer")),
    }
}

/// JSON makes no difference between 1 and 1.0. A whole number that a float can't hold exactly is
/// taken for an extreme, which no rule allows.
fn exact(float: f64) -> i64 {
    if float.abs() <= 9_007_199_254_740_992.0 { float as i64 } else { i64::MIN }
}

/// Text on one line, its ends trimmed. Control characters and marks that reorder what people see are
/// refused: they serve to deceive a reader or a terminal, and PostgreSQL can't store NUL.
fn line(value: Value, max: usize) -> Result<String, Fault> {
    text(value, max, is_deceptive)
}

fn text(value: Value, max: usize, refused: fn(char) -> bool) -> Result<String, Fault> {
    let Value::String(text) = value else {
        return Err(Fault::wrong_type("harus teks", "must be a string"));
    };
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(Fault::rule("tidak boleh kosong", "must not be empty"));
    }
    if text.chars().count() > max {
        return Err(Fault::rule(
            format!("paling banyak {max} karakter"),
            format!("must have at most {max} characters"),
        ));
    }
    if trimmed.chars().any(refused) {
        return Err(Fault::rule("berisi karakter yang tidak tampak", "has characters that do not show"));
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
    fn an_id_in_a_path_is_a_canonical_positive_64_bit_number() {
        assert_eq!(Id::parse("9223372036854775807").map(Id::get), Some(i64::MAX));
        for text in ["", "0", "01", "+1", "-1", "1.0", "9223372036854775808", "१", "1 "] {
            assert_eq!(Id::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_email_address_has_a_local_part_and_a_domain() {
        for good in ["john.doe@example.com", "a@localhost", "siti+pasar@mail.co.id"] {
            assert!(Email::read(json!(good)).is_ok(), "{good}");
        }
        for bad in ["", "@", "a@", "@b", "a b@c", "a@b@c", "a@b..c", "a@.b"] {
            assert!(Email::read(json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn spellings_of_one_email_address_are_the_same_and_others_are_not() {
        let key = |text: &str| Email::read(json!(text)).map(|email| email.key()).unwrap_or_default();
        for (one, other) in [
            ("Siti@Example.com", "siti@EXAMPLE.COM"),
            ("\u{ff33}iti@example.com", "siti@example.com"),
            ("jose\u{301}@example.com", "JOS\u{c9}@example.com"),
            ("stra\u{df}e@example.com", "STRASSE@example.com"),
            (
                "\u{3a3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}@example.com",
                "\u{3a3}\u{38a}\u{3a3}\u{3a5}\u{3a6}\u{39f}\u{3a3}@example.com",
            ),
            ("a@b\u{fc}cher.example", "a@xn--bcher-kva.example"),
            ("a@B\u{dc}CHER.example", "a@b\u{fc}cher\u{3002}example"),
            ("\u{fb01}t@example.com", "fit@example.com"),
            ("\u{212a}aren@example.com", "karen@example.com"),
            ("so\u{ad}ft@example.com", "so\u{200b}ft@example.com"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
            assert_ne!(key(one), "", "{one}");
        }
        for (one, other) in [
            ("a@example.com", "a@example.org"),
            ("a.b@example.com", "ab@example.com"),
            ("a+b@example.com", "a@example.com"),
            ("a@stra\u{df}e.example", "a@strasse.example"),
            ("\u{430}@example.com", "a@example.com"),
        ] {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
    }

    #[test]
    fn a_name_is_trimmed_and_shows_all_it_has() {
        assert_eq!(Name::read(json!(" Bob\n")).map(Name::into_string).ok().as_deref(), Some("Bob"));
        for bad in ["", "  ", "a\0b", "a\nb", "a\u{202e}b", &"x".repeat(256)] {
            assert!(Name::read(json!(bad)).is_err(), "{bad:?}");
        }
    }
}
