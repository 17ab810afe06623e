//! The words of the shop, without HTTP or SQL: values that are checked when they are made, and the languages that the
//! shop speaks.

mod email;
mod field;
mod language;
mod number;
mod order_status;
mod text;

use std::fmt;

pub use email::Email;
pub use field::{Fault, Field, Patch};
pub use language::{Language, Sentence};
pub use number::{Change, Id, Quantity, Rupiah, Stock};
pub use order_status::OrderStatus;
pub use text::{Image, Name, Phone, Text, is_name};

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
