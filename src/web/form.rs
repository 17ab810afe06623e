//! Bodies, read field by field into types that can't be wrong.
//!
//! [`Json`](super::Json) receives a body; a type that implements [`Body`] takes its fields out of [`Fields`], which
//! collects every error, so that one answer names all. `body!` declares such a type.

use std::collections::BTreeMap;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::domain::{Field, FieldError, Patch, Sentence};
use crate::error::{BAD_JSON, Error, INVALID_FIELDS, Result, WRONG_TYPE};

/// A request body of one form.
pub trait Body: Sized {
    /// Takes the fields; `None` if one of them is not valid, which `fields` has recorded.
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// The fields of a JSON object that are not taken yet, and the errors found so far.
pub struct Fields {
    left: BTreeMap<String, Value>,
    wrong_types: Vec<(String, Sentence)>,
    broken_rules: Vec<(String, Sentence)>,
}

impl Fields {
    /// Takes a field that must be present and not null.
    pub fn required<T: Field>(&mut self, name: &str) -> Option<T> {
        match self.left.remove(name) {
            Some(value) => self.check(name, value),
            None => {
                self.broken_rules.push((name.to_owned(), Sentence::new("wajib diisi", "is required")));
                None
            }
        }
    }

    /// Takes a field that may be absent or null, which mean the same. The outer `None` is an error.
    pub fn optional<T: Field>(&mut self, name: &str) -> Option<Option<T>> {
        match self.left.remove(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => self.check(name, value).map(Some),
        }
    }

    /// Takes the new value of a field that can't be removed; absent: keep. The outer `None` is an error.
    pub fn replace<T: Field>(&mut self, name: &str) -> Option<Option<T>> {
        if self.has(name) { self.required(name).map(Some) } else { Some(None) }
    }

    /// Takes the change of a field that can be removed: `null` removes it, absent keeps it (RFC 7396). The outer
    /// `None` is an error.
    pub fn patch<T: Field>(&mut self, name: &str) -> Option<Patch<T>> {
        match self.left.remove(name) {
            None => Some(Patch::Keep),
            Some(Value::Null) => Some(Patch::Remove),
            Some(value) => self.check(name, value).map(Patch::Set),
        }
    }

    /// Whether there is a field of this name that is not taken yet.
    pub fn has(&self, name: &str) -> bool {
        self.left.contains_key(name)
    }

    fn check<T: Field>(&mut self, name: &str, value: Value) -> Option<T> {
        match T::read(value) {
            Ok(value) => return Some(value),
            Err(FieldError::Type(why)) => self.wrong_types.push((name.to_owned(), why)),
            Err(FieldError::Rule(why)) => self.broken_rules.push((name.to_owned(), why)),
        }
        None
    }

    fn finish<T>(mut self, value: Option<T>) -> Result<T> {
        for name in self.left.into_keys() {
            self.broken_rules.push((name, Sentence::new("tidak dikenal", "is not a known field")));
        }
        let (code, errors) = if self.wrong_types.is_empty() {
            (&INVALID_FIELDS, self.broken_rules)
        } else {
            (&WRONG_TYPE, self.wrong_types)
        };
        match value {
            Some(value) if errors.is_empty() => Ok(value),
            _ => Err(errors.into_iter().fold(Error::new(code), |error, (name, why)| error.field(name, why))),
        }
    }
}

/// The error of entry `number` of an array.
fn entry_error(number: usize, error: &Error) -> FieldError {
    let say = |pick: fn(&Sentence) -> &str| {
        let errors = error.fields().iter().map(|(name, why)| format!("[{number}].{name} {}", pick(why)));
        errors.collect::<Vec<_>>().join("; ")
    };
    let sentence = Sentence { id: say(|why| &why.id).into(), en: say(|why| &why.en).into() };
    if error.is(&WRONG_TYPE) { FieldError::Type(sentence) } else { FieldError::Rule(sentence) }
}

/// Reads an array of 1 to `most` bodies of the form `T`; each error names its entry.
pub fn array<T: Body>(value: Value, most: usize) -> Result<Vec<T>, FieldError> {
    let Value::Array(values) = value else {
        return Err(FieldError::wrong_type("harus larik", "must be an array"));
    };
    if values.is_empty() || values.len() > most {
        return Err(FieldError::rule(
            format!("harus berisi 1 sampai {most}"),
            format!("must have 1 to {most} entries"),
        ));
    }
    let entry = |(number, value): (usize, Value)| {
        let Value::Object(object) = value else {
            return Err(FieldError::wrong_type("harus berisi objek", "must hold objects"));
        };
        let mut fields =
            Fields { left: object.into_iter().collect(), wrong_types: Vec::new(), broken_rules: Vec::new() };
        let value = T::read(&mut fields);
        fields.finish(value).map_err(|error| entry_error(number, &error))
    };
    values.into_iter().enumerate().map(entry).collect()
}

/// Reads a body of the form `T`.
pub fn parse<T: Body>(body: &[u8]) -> Result<T> {
    let object = serde_json::from_slice::<Object>(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data if !error.to_string().starts_with(REPEATED) => {
            Error::new(&WRONG_TYPE).detail("the body is not a JSON object")
        }
        // The message of serde_json speaks only of the text of the request.
        _ => Error::new(&BAD_JSON).detail(error.to_string()),
    })?;
    let mut fields = Fields { left: object.0, wrong_types: Vec::new(), broken_rules: Vec::new() };
    let value = T::read(&mut fields);
    fields.finish(value)
}

const REPEATED: &str = "repeated field";

/// A JSON object without repeated keys, in nested objects neither: a plain map would silently keep the last one.
struct Object(BTreeMap<String, Value>);

/// A JSON value without repeated keys.
struct Strict(Value);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, Strict(value))) = map.next_entry::<String, Strict>()? {
                    if fields.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom(REPEATED));
                    }
                }
                Ok(Object(fields))
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_string<E>(self, value: String) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut values = Vec::new();
                while let Some(Strict(value)) = seq.next_element()? {
                    values.push(value);
                }
                Ok(Value::Array(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
                let Object(fields) = Object::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Value::Object(fields.into_iter().collect()))
            }
        }

        deserializer.deserialize_any(Any).map(Self)
    }
}
