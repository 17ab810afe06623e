//! Ids: one type for each kind of entity, so that the compiler refuses one id where another is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::field::{Field, FieldError, documented};
use super::number::{integer, integer_schema};

/// That a text is not the id of anything.
#[derive(Debug)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a positive 64-bit number")
    }
}

impl std::error::Error for InvalidId {}

/// Declares the types of ids: positive 64-bit numbers.
macro_rules! ids {
    ($($(#[$doc:meta])* $id:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $id(i64);

            impl $id {
                /// An id that a database or another service has assigned.
                pub const fn new(id: i64) -> Self {
                    Self(id)
                }

                pub const fn get(self) -> i64 {
                    self.0
                }
            }

            /// Reads an id as paths write it: digits without sign or leading zeros.
            impl FromStr for $id {
                type Err = InvalidId;

                fn from_str(text: &str) -> Result<Self, InvalidId> {
                    parse(text).map(Self).ok_or(InvalidId)
                }
            }

            impl fmt::Display for $id {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }

            impl Field for $id {
                fn read(value: Value) -> Result<Self, FieldError> {
                    integer(&value, 1, i64::MAX).map(Self)
                }
            }
        )*

        documented! {
            $($id: integer_schema(1, i64::MAX);)*
        }
    };
}

ids! {
    /// A user, who may have an account.
    UserId;
    ProductId;
    OrderId;
    PaymentId;
}

fn parse(text: &str) -> Option<i64> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_in_a_path_is_a_canonical_positive_64_bit_number() {
        let parse = |text: &str| text.parse::<OrderId>().ok().map(OrderId::get);
        assert_eq!(parse("9223372036854775807"), Some(i64::MAX));
        for text in ["", "0", "01", "+1", "-1", "1.0", "9223372036854775808", "१", "1 "] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
