//! How live streams learn of new notifications.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::domain::UserId;
use crate::events::Event;

/// The most announcements that a stream may be behind. A stream that is further behind reads the database instead.
const MAX_BEHIND: usize = 64;

/// Announces the users who have new notifications: their ids, sorted, each once. Clones share the channel.
#[derive(Clone)]
pub struct Arrivals(broadcast::Sender<Arc<[UserId]>>);

impl Default for Arrivals {
    fn default() -> Self {
        Self(broadcast::channel(MAX_BEHIND).0)
    }
}

impl Arrivals {
    /// Receives all announcements from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<[UserId]>> {
        self.0.subscribe()
    }

    /// Wakes the streams of the users who were notified of `events`.
    pub fn announce(&self, events: &[Event]) {
        let user = |event: &Event| match event {
            Event::OrderCreated { user_id, .. } | Event::OrderStatusChanged { user_id, .. } => Some(*user_id),
            _ => None,
        };
        let mut users: Vec<_> = events.iter().filter_map(user).collect();
        users.sort_unstable();
        users.dedup();
        // An error means that no stream is open.
        let _ = self.0.send(users.into());
    }
}
