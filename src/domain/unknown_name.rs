//! The error of reading a name that a type does not know.

use std::fmt;

/// That a text is not one of the names that a type knows.
#[derive(Debug)]
pub struct UnknownName {
    text: String,
    what: &'static str,
}

impl UnknownName {
    /// `what`: what the text should have been, with its article.
    pub fn new(text: &str, what: &'static str) -> Self {
        Self { text: text.to_owned(), what }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not {}", self.text, self.what)
    }
}

impl std::error::Error for UnknownName {}
