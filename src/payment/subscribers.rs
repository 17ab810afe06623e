//! The subscribers of the payment service.

use crate::auth::revocations;
use crate::events::Subscriber;

pub const SUBSCRIBERS: &[Subscriber] = &[revocations::subscriber("payment.tokens")];
