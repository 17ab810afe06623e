//! The circuit breaker of a peer.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Consecutive failures that open the breaker.
pub(super) const MAX_FAILURES: u32 = 5;
/// How often an open breaker lets one call through.
pub(super) const PROBE_PERIOD: Duration = Duration::from_secs(1);

/// After [`MAX_FAILURES`] consecutive failures calls fail at once, except for one probe each [`PROBE_PERIOD`]. This
/// relieves the peer, and spares its callers the wait.
pub(super) struct Breaker {
    started: Instant,
    failures: AtomicU32,
    /// When the peer last answered, in milliseconds since `started`.
    answered_at: AtomicU64,
    /// When the next probe is due, in milliseconds since `started`.
    probe_at: AtomicU64,
}

impl Breaker {
    pub fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self { started: Instant::now(), failures: AtomicU32::new(0), answered_at: zero(), probe_at: zero() }
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    pub fn allows(&self) -> bool {
        if self.failures.load(Ordering::Relaxed) < MAX_FAILURES {
            return true;
        }
        let (now, due) = (self.now(), self.probe_at.load(Ordering::Relaxed));
        // Only one of the callers that find a probe due makes it.
        now >= due
            && self
                .probe_at
                .compare_exchange(due, now + probe_period_ms(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    pub fn record_success(&self) {
        self.answered_at.store(self.now(), Ordering::Relaxed);
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// Records the failure of an attempt that began at `began`. A failure that began before the last answer does not
    /// count: it would open the breaker for a peer that is back.
    pub fn record_failure(&self, began: Instant) {
        let began = began.saturating_duration_since(self.started).as_millis() as u64;
        if began < self.answered_at.load(Ordering::Relaxed) {
            return;
        }
        self.probe_at.store(self.now() + probe_period_ms(), Ordering::Relaxed);
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}

fn probe_period_ms() -> u64 {
    PROBE_PERIOD.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breaker_opens_after_failures_in_a_row_and_closes_with_one_success() {
        let breaker = Breaker::new();
        for _ in 0..MAX_FAILURES - 1 {
            breaker.record_failure(Instant::now());
        }
        assert!(breaker.allows());
        breaker.record_success();
        for _ in 0..MAX_FAILURES {
            assert!(breaker.allows());
            breaker.record_failure(Instant::now());
        }
        assert!(!breaker.allows(), "open");
        breaker.probe_at.store(breaker.now(), Ordering::Relaxed);
        assert!(breaker.allows(), "one probe");
        assert!(!breaker.allows(), "and only one");
        breaker.record_success();
        assert!(breaker.allows(), "closed again");
    }

    #[test]
    fn failures_of_attempts_older_than_the_last_answer_do_not_open_a_breaker() {
        let breaker = Breaker::new();
        let before = Instant::now();
        std::thread::sleep(Duration::from_millis(2));
        breaker.record_success();
        for _ in 0..MAX_FAILURES {
            breaker.record_failure(before);
        }
        assert!(breaker.allows());
    }
}
