//! Numbers: ids, amounts of money, quantities. Each is checked when it is made, and never again.

use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::field::{Fault, Field, documented};

/// The largest price, in rupiah: far above any shop's, and still exact in every client's numbers
/// (JavaScript counts exactly to 2^53).
const MAX_PRICE: i64 = 1_000_000_000_000_000;
/// The most units of a product on one line.
const MAX_QUANTITY: i64 = 1_000_000;
/// The most units of a product in stock.
const MAX_STOCK: i64 = 1_000_000_000;

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

documented! {
    Id: integer_schema(1, i64::MAX);
    Rupiah: integer_schema(0, MAX_PRICE).description(Some("Whole rupiah."));
    Quantity: integer_schema(1, MAX_QUANTITY);
    Stock: integer_schema(0, MAX_STOCK);
    Change: integer_schema(-MAX_STOCK, MAX_STOCK);
}

fn integer_schema(min: i64, max: i64) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(min)).maximum(Some(max))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_in_a_path_is_a_canonical_positive_64_bit_number() {
        assert_eq!(Id::parse("9223372036854775807").map(Id::get), Some(i64::MAX));
        for text in ["", "0", "01", "+1", "-1", "1.0", "9223372036854775808", "१", "1 "] {
            assert_eq!(Id::parse(text), None, "{text:?}");
        }
    }
}
