//! Query parameters, taken by name like the fields of a body.

use std::borrow::Cow;

use actix_web::HttpRequest;
use serde_json::{Number, Value};

use crate::domain::{Field, FieldError, Sentence};
use crate::error::{BAD_QUERY, Error, Result};

/// The most parameters of a query; no route has nearly as many.
const MAX_PARAMETERS: usize = 32;

/// The parameters of a request that are not taken yet, and the errors found so far.
pub struct Query {
    left: Vec<(String, String)>,
    errors: Vec<(String, Sentence)>,
}

impl Query {
    pub fn of(request: &HttpRequest) -> Self {
        let mut query = Self { left: Vec::new(), errors: Vec::new() };
        for (number, (name, value)) in form_urlencoded::parse(request.query_string().as_bytes()).enumerate() {
            if number == MAX_PARAMETERS {
                query.add_error(name, Sentence::new("terlalu banyak parameter", "is one parameter too many"));
                break;
            }
            if query.left.iter().any(|(known, _)| *known == name) {
                query.add_error(name, Sentence::new("diulang", "is repeated"));
            } else {
                query.left.push((name.into_owned(), value.into_owned()));
            }
        }
        query
    }

    /// Takes a parameter, if it is present and `read` accepts it; otherwise the error is `why`.
    pub fn take<T>(&mut self, name: &str, why: Sentence, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let at = self.left.iter().position(|(known, _)| known == name)?;
        let (_, text) = self.left.swap_remove(at);
        let value = read(&text);
        if value.is_none() {
            self.add_error(Cow::Borrowed(name), why);
        }
        value
    }

    /// Takes a parameter that is read like the field of a body (a number is written as in JSON).
    pub fn field<T: Field>(&mut self, name: &str) -> Option<T> {
        let at = self.left.iter().position(|(known, _)| known == name)?;
        let (_, text) = self.left.swap_remove(at);
        let plain = T::read(Value::String(text.clone()));
        let number = || T::read(text.parse::<Number>().map_or(Value::Null, Value::from));
        let value = plain.or_else(|error| match error {
            FieldError::Type(_) => number(),
            FieldError::Rule(_) => Err(error),
        });
        match value {
            Ok(value) => Some(value),
            Err(FieldError::Type(why) | FieldError::Rule(why)) => {
                self.add_error(Cow::Borrowed(name), why);
                None
            }
        }
    }

    /// Drops a parameter that was read elsewhere.
    pub fn ignore(&mut self, name: &str) {
        self.left.retain(|(known, _)| known != name);
    }

    /// Returns an error if a parameter is repeated, not valid or unknown.
    pub fn finish(mut self) -> Result<()> {
        for (name, _) in std::mem::take(&mut self.left) {
            self.add_error(Cow::Owned(name), Sentence::new("tidak dikenal", "is not a known parameter"));
        }
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(self.errors.into_iter().fold(Error::new(&BAD_QUERY), |error, (name, why)| error.field(name, why)))
    }

    fn add_error(&mut self, name: Cow<'_, str>, why: Sentence) {
        self.errors.push((name.into_owned(), why));
    }
}
