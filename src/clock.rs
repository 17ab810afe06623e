//! The one clock: every deadline is compared with it, so that tests can move time instead of waiting.
//!
//! It follows the system's wherever that is set, as its times are stored, shown to people and shared with other
//! processes. So what is stored as a time to wait for is never waited for longer than it takes at the most: a lease, a
//! retry or a deadline further ahead than that was written before the clock was set back, and is brought forward by
//! whoever looks for what is due. A clock that is set back by an hour delays these by no more than one that is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// Tells the time in epoch milliseconds. Clones tell the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// The time of a clock that stands; without it, the system's.
    standing: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `epoch_ms` until it is set anew.
    pub fn standing_at(epoch_ms: i64) -> Self {
        Self { standing: Some(Arc::new(AtomicI64::new(epoch_ms))) }
    }

    /// Sets a standing clock; the system's is not ours to set.
    pub fn set(&self, epoch_ms: i64) {
        if let Some(standing) = &self.standing {
            standing.store(epoch_ms, Ordering::SeqCst);
        }
    }

    /// Now, in epoch milliseconds.
    pub fn now(&self) -> i64 {
        match &self.standing {
            Some(standing) => standing.load(Ordering::SeqCst),
            None => UNIX_EPOCH.elapsed().map_or(0, millis),
        }
    }

    /// The moment that is `time` from now, in epoch milliseconds.
    pub fn after(&self, time: Duration) -> i64 {
        self.now().saturating_add(millis(time))
    }
}

/// A duration in whole milliseconds.
pub fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A moment as the API shows it (RFC 3339, UTC).
pub fn rfc3339(epoch_ms: i64) -> String {
    let since = Duration::from_millis(u64::try_from(epoch_ms).unwrap_or(0));
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

/// The moment that a peer shows, in epoch milliseconds.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let time = humantime::parse_rfc3339(text).ok()?;
    Some(millis(time.duration_since(UNIX_EPOCH).ok()?))
}
