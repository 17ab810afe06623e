//! When the workers behind the services look for something to do.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::storage::Db;

/// How long after a write to look: a request that has written jobs runs them first, and often that is all.
const DELAY: Duration = Duration::from_millis(20);
/// The least time between two looks while requests write. A step takes the writer for some microseconds an event, and
/// for a commit: rarely enough that few requests meet it, and often enough that people don't notice.
const GAP: Duration = Duration::from_millis(100);
/// The longest time between two looks, as other processes on the same database write, too: a token that was revoked
/// there has a second to live.
const IDLE: Duration = Duration::from_millis(500);

/// Paces one worker: it looks soon after this process has written, and twice a second in any case. Requests go first:
/// while they write, what a look has left over waits for the next one.
pub(super) struct Pace {
    db: Db,
    /// Writes of this process up to the last look.
    seen: u64,
    looked: Instant,
    /// Whether the last look left something over.
    pub more: bool,
}

impl Pace {
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone(), seen: 0, looked: Instant::now(), more: false }
    }

    /// Waits until it is time to look.
    pub async fn next(&mut self) {
        // One of the writes was that of the last step itself.
        if !self.more || self.db.writes() > self.seen + 1 {
            if !self.more {
                // After either outcome it is time.
                let _ = timeout_at(self.looked + IDLE, self.db.written_since(self.seen)).await;
            }
            sleep_until((self.looked + GAP).max(Instant::now() + DELAY)).await;
        }
        (self.seen, self.looked) = (self.db.writes(), Instant::now());
    }
}

/// How long to wait after the `attempts`th failure in a row: from half a second, doubling, to `most`.
pub(super) fn backoff(attempts: i64, most: Duration) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 16) - 1).unwrap_or(0);
    Duration::from_millis(500 << doublings).min(most)
}
