//! The subscribers of the product service.

use crate::auth::revocations;
use crate::events::Subscriber;

pub const SUBSCRIBERS: &[Subscriber] = &[revocations::subscriber("product.tokens")];
