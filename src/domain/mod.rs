//! The values of the shop, without HTTP or SQL. Each is checked when it is made, and never again.

mod email;
pub mod epoch_millis;
mod field;
mod id;
mod language;
mod number;
mod order_status;
mod text;
mod timestamp;
mod unknown_name;

pub use email::Email;
pub use field::{Field, FieldError, Patch};
pub use id::{InvalidId, OrderId, PaymentId, ProductId, UserId};
pub use language::{Language, Sentence};
pub use number::{Change, OutOfRange, Quantity, Rupiah, Stock, integer};
pub use order_status::OrderStatus;
pub use text::{Image, Name, Phone, Text, is_name};
pub use timestamp::Timestamp;
pub use unknown_name::UnknownName;
