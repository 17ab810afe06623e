//! The subscribers of the user service.

use std::sync::Arc;

use super::arrivals::Arrivals;
use super::store;
use crate::events::{EventKind, LocalSubscribers, Subscriber};

/// None records revoked tokens, because this service has the versions of all credentials.
pub const SUBSCRIBERS: &[Subscriber] = &[Subscriber {
    name: "user.notifications",
    kinds: &[EventKind::OrderCreated, EventKind::OrderStatusChanged],
    effect: store::notify,
    is_needed_to_serve: false,
}];

/// The subscribers of this process, which also wake its live streams.
pub fn local(arrivals: Arrivals) -> LocalSubscribers {
    LocalSubscribers { subscribers: SUBSCRIBERS, after: Some(Arc::new(move |events| arrivals.announce(events))) }
}
