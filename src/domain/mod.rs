//! The words of the shop, without HTTP or SQL: values that are checked when they are made, and the languages that the
//! shop speaks.

mod email;
mod field;
mod language;
mod number;
mod order_status;
mod text;
mod unknown_name;

pub use email::Email;
pub use field::{Fault, Field, Patch};
pub use language::{Language, Sentence};
pub use number::{Change, Id, Quantity, Rupiah, Stock};
pub use order_status::OrderStatus;
pub use text::{Image, Name, Phone, Text, is_name};
pub use unknown_name::UnknownName;
