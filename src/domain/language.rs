//! The two languages of the shop.

use std::borrow::Cow;

/// A sentence for people in the two languages of the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Indonesian, the default.
    pub id: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

impl Sentence {
    pub const fn new(id: &'static str, en: &'static str) -> Self {
        Self { id: Cow::Borrowed(id), en: Cow::Borrowed(en) }
    }
}

/// The language that an answer is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Indonesian,
    English,
}

impl Language {
    /// The one that an `Accept-Language` header prefers (RFC 9110, 12.5.4); Indonesian unless it is English.
    pub fn preferred(accepted: &str) -> Self {
        let mut best = (0.0, Self::Indonesian);
        for range in accepted.split(',') {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let weight = parameters.trim().strip_prefix("q=").map_or(1.0, |q| q.parse().unwrap_or(0.0));
            let language = match tag.trim().split('-').next().map(str::to_ascii_lowercase).as_deref() {
                Some("en") => Self::English,
                Some("id" | "in" | "*") => Self::Indonesian,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The language with this tag (BCP 47).
    pub fn parse(tag: &str) -> Option<Self> {
        [Self::Indonesian, Self::English].into_iter().find(|language| language.tag() == tag)
    }

    pub fn pick(self, sentence: &Sentence) -> &str {
        match self {
            Self::Indonesian => &sentence.id,
            Self::English => &sentence.en,
        }
    }

    /// The language's tag (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Self::Indonesian => "id",
            Self::English => "en",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_preferred_one_and_indonesian_by_default() {
        for (accepted, expected) in [
            ("", Language::Indonesian),
            ("en", Language::English),
            ("en-GB,en;q=0.9", Language::English),
            ("id,en;q=0.9", Language::Indonesian),
            ("id;q=0.3, en;q=0.9", Language::English),
            ("fr, de;q=0.5", Language::Indonesian),
            ("fr, en;q=0.1", Language::English),
            ("en;q=0", Language::Indonesian),
            ("en;q=nonsense", Language::Indonesian),
        ] {
            assert_eq!(Language::preferred(accepted), expected, "{accepted}");
        }
    }
}
