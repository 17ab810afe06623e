//! How a value is read from one field of JSON, and the errors of that.

use std::borrow::Cow;

use serde_json::Value;

use super::language::Sentence;

/// A value that one field of JSON holds.
pub trait Field: Sized {
    fn read(value: Value) -> Result<Self, FieldError>;
}

impl Field for bool {
    fn read(value: Value) -> Result<Self, FieldError> {
        value.as_bool().ok_or_else(|| FieldError::wrong_type("harus true atau false", "must be true or false"))
    }
}

/// How a request changes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patch<T> {
    Keep,
    Remove,
    Set(T),
}

/// The change that a new version of the whole object makes: an absent value is removed.
impl<T> From<Option<T>> for Patch<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Remove, Self::Set)
    }
}

/// Why a value was refused.
pub enum FieldError {
    /// The wrong JSON type.
    Type(Sentence),
    /// The right type, but a rule forbids it.
    Rule(Sentence),
}

impl FieldError {
    pub fn wrong_type(id: &'static str, en: &'static str) -> Self {
        Self::Type(Sentence::new(id, en))
    }

    pub fn rule(id: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Self::Rule(Sentence { id: id.into(), en: en.into() })
    }
}

/// Gives a value its name and schema in the documentation.
macro_rules! documented {
    ($($value:ident: $schema:expr;)*) => {$(
        impl utoipa::ToSchema for $value {}

        impl utoipa::PartialSchema for $value {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $schema.build().into()
            }
        }
    )*};
}
pub(super) use documented;
