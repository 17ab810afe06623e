//! Numbers: amounts of money, quantities, stock. Each is checked when it is made, and never again.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::field::{Field, FieldError, documented};

/// The largest price, in rupiah: far above any shop's, and still exact in every client's numbers
/// (JavaScript counts exactly to 2^53).
const MAX_PRICE: i64 = 1_000_000_000_000_000;
/// The most units of a product on one line.
const MAX_QUANTITY: i64 = 1_000_000;
/// The most units of a product in stock.
const MAX_STOCK: i64 = 1_000_000_000;
const _: () = assert!(MAX_PRICE <= 1 << 53, "a client in JavaScript must read every price exactly");
const _: () = assert!(MAX_QUANTITY <= MAX_STOCK, "one line must not ask for more units than a product can have");

/// A non-negative amount of money, in whole rupiah. A sum may exceed the largest price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "i64", try_from = "i64")]
pub struct Rupiah(i64);

impl Rupiah {
    pub const ZERO: Self = Self(0);

    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether the amount can be the price of one unit.
    pub fn is_price(self) -> bool {
        self.0 <= MAX_PRICE
    }

    /// `None` if the sum exceeds 64 bits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The price of so many units; `None` if it exceeds 64 bits.
    pub fn checked_mul(self, quantity: Quantity) -> Option<Self> {
        self.0.checked_mul(quantity.0).map(Self)
    }
}

impl From<Rupiah> for i64 {
    fn from(amount: Rupiah) -> Self {
        amount.0
    }
}

impl TryFrom<i64> for Rupiah {
    type Error = OutOfRange;

    fn try_from(amount: i64) -> Result<Self, OutOfRange> {
        if amount >= 0 { Ok(Self(amount)) } else { Err(OutOfRange(amount)) }
    }
}

impl fmt::Display for Rupiah {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads a price.
impl Field for Rupiah {
    fn read(value: Value) -> Result<Self, FieldError> {
        integer(&value, 0, MAX_PRICE).map(Self)
    }
}

/// A number of units on one line: 1 to 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "i64", try_from = "i64")]
pub struct Quantity(i64);

impl Quantity {
    pub const ONE: Self = Self(1);
    pub const MAX: i64 = MAX_QUANTITY;

    pub const fn get(self) -> i64 {
        self.0
    }

    /// `None` if the sum is too large for one line.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::try_from(self.0 + other.0).ok()
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = OutOfRange;

    fn try_from(quantity: i64) -> Result<Self, OutOfRange> {
        if (1..=MAX_QUANTITY).contains(&quantity) { Ok(Self(quantity)) } else { Err(OutOfRange(quantity)) }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Field for Quantity {
    fn read(value: Value) -> Result<Self, FieldError> {
        integer(&value, 1, MAX_QUANTITY).map(Self)
    }
}

/// That a stored or received number is not within the bounds of its type.
#[derive(Debug)]
pub struct OutOfRange(pub i64);

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is out of range", self.0)
    }
}

impl std::error::Error for OutOfRange {}

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
    fn read(value: Value) -> Result<Self, FieldError> {
        integer(&value, 0, MAX_STOCK).map(Self)
    }
}

/// A change of stock, in units. Below zero, units are taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Change(i64);

impl Change {
    pub fn get(self) -> i64 {
        self.0
    }
}

impl Field for Change {
    fn read(value: Value) -> Result<Self, FieldError> {
        integer(&value, -MAX_STOCK, MAX_STOCK).map(Self)
    }
}

documented! {
    Rupiah: integer_schema(0, MAX_PRICE).description(Some("Whole rupiah."));
    Quantity: integer_schema(1, MAX_QUANTITY);
    Stock: integer_schema(0, MAX_STOCK);
    Change: integer_schema(-MAX_STOCK, MAX_STOCK);
}

pub(super) fn integer_schema(min: i64, max: i64) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(min)).maximum(Some(max))
}

/// Reads a whole number within bounds.
pub fn integer(value: &Value, min: i64, max: i64) -> Result<i64, FieldError> {
    let Value::Number(number) = value else {
        return Err(FieldError::wrong_type("harus bilangan bulat", "must be an integer"));
    };
    let whole = number.as_i64().or_else(|| number.as_f64().filter(|float| float.fract() == 0.0).map(exact));
    match whole {
        Some(number) if (min..=max).contains(&number) => Ok(number),
        Some(_) => {
            Err(FieldError::rule(format!("harus antara {min} dan {max}"), format!("must be between {min} and {max}")))
        }
        None => Err(FieldError::wrong_type("harus bilangan bulat", "must be an integer")),
    }
}

/// JSON does not distinguish 1 from 1.0. A whole number that a float can't hold exactly becomes an extreme, which
/// every bound refuses.
fn exact(float: f64) -> i64 {
    if float.abs() <= 9_007_199_254_740_992.0 { float as i64 } else { i64::MIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_may_exceed_a_price_but_not_64_bits() {
        let [price, quantity] = [MAX_PRICE, MAX_QUANTITY];
        let price = Rupiah::try_from(price).unwrap();
        let quantity = Quantity::try_from(quantity).unwrap();
        assert!(price.is_price());
        let double = price.checked_add(price).unwrap();
        assert!(!double.is_price());
        assert_eq!(double.get(), 2 * MAX_PRICE);
        assert!(price.checked_mul(quantity).is_none());
        assert!(quantity.checked_add(Quantity::ONE).is_none());
    }

    #[test]
    fn an_amount_is_not_negative_and_a_quantity_is_at_least_one() {
        assert!(Rupiah::try_from(-1).is_err());
        assert!(serde_json::from_str::<Rupiah>("-1").is_err());
        assert!(serde_json::from_str::<Quantity>("0").is_err());
        assert_eq!(serde_json::from_str::<Rupiah>("0").ok(), Some(Rupiah::ZERO));
    }
}
