//! How live streams learn that there is something new for them.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::domain::UserId;
use crate::events::Event;

/// Lots of arrivals that a stream may be behind before it is told to look for itself.
const BEHIND: usize = 64;

/// Tells the streams whose notifications have arrived: the users' ids, sorted, each once. Clones share it.
#[derive(Clone)]
pub struct Arrivals(broadcast::Sender<Arc<[UserId]>>);

impl Default for Arrivals {
    fn default() -> Self {
        Self(broadcast::channel(BEHIND).0)
    }
}

impl Arrivals {
    /// What is told from now on.
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
        // Nobody may be listening.
        let _ = self.0.send(users.into());
    }
}
