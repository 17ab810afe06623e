//! What the user service does with events.

use std::sync::Arc;

use super::arrivals::Arrivals;
use super::store;
use crate::events::{EventKind, LocalSubscribers, Subscriber};

/// It needs none for revoked tokens: it knows by itself which are current.
pub const SUBSCRIBERS: &[Subscriber] = &[Subscriber {
    name: "user.notifications",
    kinds: &[EventKind::OrderCreated, EventKind::OrderStatusChanged],
    effect: store::notify,
    is_needed_to_serve: false,
}];

/// Those of this process, which also wake its live streams.
pub fn local(arrivals: Arrivals) -> LocalSubscribers {
    LocalSubscribers { subscribers: SUBSCRIBERS, after: Some(Arc::new(move |events| arrivals.announce(events))) }
}
