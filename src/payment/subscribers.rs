//! What the payment service does with events.

use crate::auth::revocations;
use crate::events::Subscriber;

pub const SUBSCRIBERS: &[Subscriber] = &[revocations::subscriber("payment.tokens")];
