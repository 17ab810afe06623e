//! Ids: a type for each kind of thing, so that one can't be taken for another.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::field::{Fault, Field, documented};
use super::number::{integer, integer_schema};

/// Declares the types of ids: positive 64-bit numbers.
macro_rules! ids {
    ($($(#[$doc:meta])* $id:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $id(i64);

            impl $id {
                /// The id that a database or another service has given out.
                pub const fn new(id: i64) -> Self {
                    Self(id)
                }

                pub const fn get(self) -> i64 {
                    self.0
                }

                /// An id as it stands in a path: digits without sign or leading zeros.
                pub fn parse(text: &str) -> Option<Self> {
                    parse(text).map(Self)
                }
            }

            impl fmt::Display for $id {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }

            impl Field for $id {
                fn read(value: Value) -> Result<Self, Fault> {
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
        assert_eq!(OrderId::parse("9223372036854775807").map(OrderId::get), Some(i64::MAX));
        for text in ["", "0", "01", "+1", "-1", "1.0", "9223372036854775808", "१", "1 "] {
            assert_eq!(OrderId::parse(text), None, "{text:?}");
        }
    }
}
