//! The one clock. Every deadline is compared with it, so that tests can move time instead of waiting.
//!
//! It is the system's clock, because its times are stored, shown to people and shared with other processes. Somebody
//! may set that clock back. Then a stored lease, retry or deadline lies further ahead than its longest duration allows.
//! Whoever looks for due work brings it forward, so that a clock that is set back by an hour delays nothing by an hour.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use crate::domain::Timestamp;

/// The source of the present time. Clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// The time of a clock that only tests move, in epoch milliseconds. `None`: the system's clock.
    standing: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that shows `epoch_ms` (epoch milliseconds) until [`Self::set`] changes it.
    pub fn standing_at(epoch_ms: i64) -> Self {
        Self { standing: Some(Arc::new(AtomicI64::new(epoch_ms))) }
    }

    /// Changes the time of a standing clock, in epoch milliseconds. The system's clock stays as it is.
    pub fn set(&self, epoch_ms: i64) {
        if let Some(standing) = &self.standing {
            standing.store(epoch_ms, Ordering::SeqCst);
        }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(match &self.standing {
            Some(standing) => standing.load(Ordering::SeqCst),
            None => UNIX_EPOCH.elapsed().map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
        })
    }

    /// The moment that is `time` from now.
    pub fn after(&self, time: Duration) -> Timestamp {
        self.now() + time
    }
}
