//! The one clock: every deadline is compared with it, so that tests can move time instead of waiting.
//!
//! It follows the system's wherever that is set, as its times are stored, shown to people and shared with other
//! processes. So what is stored as a time to wait for is never waited for longer than it takes at the most: a lease, a
//! retry or a deadline further ahead than that was written before the clock was set back, and is brought forward by
//! whoever looks for what is due. A clock that is set back by an hour delays these by no more than one that is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use crate::domain::Timestamp;

/// Tells the time. Clones tell the same time.
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
