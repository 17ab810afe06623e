//! E-mail addresses.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use serde::Serialize;
use serde_json::Value;

use super::field::{Field, FieldError, documented};
use super::text::{DECEPTIVE, SPACE, line, text_schema};

/// The longest address, in characters. RFC 5321, 4.5.3.1.3, allows 256 octets with the two brackets.
const MAX_EMAIL_CHARS: usize = 254;

/// An e-mail address. The checks catch typing errors; only a mail server knows whether the address exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two addresses are compared: before the `@` as Unicode compares identifiers
    /// (NFKC_Casefold), after it as the DNS writes the domain (UTS #46).
    pub fn key(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        let nfkc = ComposingNormalizer::new_nfkc();
        let fold = |text: &str| CaseMapper::new().fold_string(&nfkc.normalize(text)).into_owned();
        // Twice: each of the two may undo the other.
        let local = fold(&fold(local));
        let shown = |c: &char| !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(*c);
        let local: String = nfkc.normalize(&local).chars().filter(shown).collect();
        // A domain that is not a name of the DNS is compared in lower case.
        let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_lowercase());
        format!("{local}@{domain}")
    }
}

impl Field for Email {
    fn read(value: Value) -> Result<Self, FieldError> {
        let text = line(value, MAX_EMAIL_CHARS)?;
        let well_formed = text.rsplit_once('@').is_some_and(|(local, domain)| {
            let labels = domain.split('.').all(|label| !label.is_empty());
            (1..=64).contains(&local.chars().count())
                && labels
                && !text.contains(char::is_whitespace)
                && !local.contains('@')
        });
        if well_formed {
            Ok(Self(text))
        } else {
            Err(FieldError::rule("bukan alamat email", "is not an e-mail address"))
        }
    }
}

documented! {
    Email: text_schema(
        MAX_EMAIL_CHARS,
        format!("[^@{SPACE}{DECEPTIVE}]{{1,64}}@[^@.{SPACE}{DECEPTIVE}]+(\\.[^@.{SPACE}{DECEPTIVE}]+)*"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
}
