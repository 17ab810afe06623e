//! Who subscribes to events.

use crate::events::Outbox;
use crate::{order, payment, product, user};

/// For the subscribers of all services, whichever process they run in.
pub const OUTBOX: Outbox =
    Outbox::new(&[user::SUBSCRIBERS, product::SUBSCRIBERS, order::SUBSCRIBERS, payment::SUBSCRIBERS]);
