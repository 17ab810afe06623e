//! The subscribers of events.

use crate::events::Outbox;
use crate::{order, payment, product, user};

/// The outbox with the subscribers of all services, also of those that run in other processes.
pub const OUTBOX: Outbox =
    Outbox::new(&[user::SUBSCRIBERS, product::SUBSCRIBERS, order::SUBSCRIBERS, payment::SUBSCRIBERS]);
