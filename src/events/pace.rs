//! When a worker looks for work.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::faults;
use crate::storage::Db;

/// How long after a write a worker looks. A request that writes jobs runs them itself, and often nothing is left.
const WRITE_DELAY: Duration = Duration::from_millis(20);
/// The shortest time between two looks. Each step costs the writer some microseconds an event, and a commit. At this
/// pace few requests wait for it, and people notice no delay.
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// The longest time between two looks. Another process on the same database may have written, and a token that it
/// revoked must end within a second.
const MAX_PAUSE: Duration = Duration::from_millis(500);
const _: () = assert!(WRITE_DELAY.as_millis() <= MIN_PAUSE.as_millis(), "the delay must fit between two looks");
const _: () = assert!(MIN_PAUSE.as_millis() <= MAX_PAUSE.as_millis(), "the pauses must be a range");
const _: () = assert!(
    MAX_PAUSE.as_millis() + MIN_PAUSE.as_millis() <= 1000,
    "a token that another process revoked must end within a second"
);

/// The pace of one worker. It looks soon after a write of this process, and at least every [`MAX_PAUSE`]. Requests go
/// first: while they write, the rest of a batch waits for the next look.
pub(super) struct Pace {
    db: Db,
    /// The writes of this process before the last look.
    seen: u64,
    looked: Instant,
    /// Whether the last look left work behind.
    pub more: bool,
}

impl Pace {
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone(), seen: 0, looked: Instant::now(), more: false }
    }

    /// Waits until it is time to look, and while the service is stopped that it looks for.
    pub async fn next(&mut self) {
        // The last step itself wrote once.
        if !self.more || self.db.writes() > self.seen + 1 {
            if !self.more {
                // Both outcomes mean that it is time to look.
                let _ = timeout_at(self.looked + MAX_PAUSE, self.db.written_since(self.seen)).await;
            }
            sleep_until((self.looked + MIN_PAUSE).max(Instant::now() + WRITE_DELAY)).await;
        }
        faults::while_running().await;
        (self.seen, self.looked) = (self.db.writes(), Instant::now());
    }
}

/// The pause after the `attempts`th failure in a row: half a second, doubled each time, at most `most`.
pub(super) fn backoff(attempts: i64, most: Duration) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 16) - 1).unwrap_or(0);
    Duration::from_millis(500 << doublings).min(most)
}
