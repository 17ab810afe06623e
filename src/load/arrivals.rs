//! When customers arrive.
//!
//! At a rate, the moments are fixed beforehand (an open loop). If all customers are busy, an arrival waits, and its
//! latency counts from the moment it was meant to begin: slow answers do not hide the arrivals behind them (coordinated
//! omission).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::settings::Settings;

pub struct Arrivals {
    rate: Option<f64>,
    begin: Instant,
    pub duration: Duration,
    stopped: watch::Receiver<bool>,
    /// Arrivals that were given to customers, those that came after the end included.
    given: AtomicU64,
    /// Arrivals that a customer began.
    begun: AtomicU64,
}

impl Arrivals {
    pub fn begin(settings: &Settings, stopped: watch::Receiver<bool>) -> Self {
        let &Settings { rate, duration, .. } = settings;
        Self { rate, begin: Instant::now(), duration, stopped, given: AtomicU64::new(0), begun: AtomicU64::new(0) }
    }

    /// Waits for the next arrival, and returns the moment from which its latency counts. `None` after the last one.
    pub async fn next(&self) -> Option<Instant> {
        let at = match self.rate {
            None => Instant::now(),
            Some(rate) => {
                let number = self.given.fetch_add(1, Ordering::Relaxed);
                // More than a century is never waited for: the end comes first.
                self.begin + Duration::try_from_secs_f64(number as f64 / rate).unwrap_or(Duration::MAX / 4)
            }
        };
        let end = self.begin + self.duration;
        let mut stopped = self.stopped.clone();
        tokio::select! {
            biased;
            // An error means that nobody can stop it any more.
            Ok(_) = stopped.wait_for(|stopped| *stopped) => return None,
            () = tokio::time::sleep_until(at.min(end).into()) => {}
        }
        if at >= end || Instant::now() >= end {
            return None;
        }
        self.begun.fetch_add(1, Ordering::Relaxed);
        Some(at)
    }

    /// The time since the first arrival, up to the end.
    pub fn ran(&self) -> Duration {
        self.begin.elapsed().min(self.duration)
    }

    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Arrivals that were meant to begin in the first `ran`, but found no customer free.
    pub fn missed(&self, ran: Duration) -> u64 {
        let planned = self.rate.map_or(0, |rate| (ran.as_secs_f64() * rate).ceil() as u64);
        planned.saturating_sub(self.begun())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(rate: Option<f64>, duration: Duration) -> Settings {
        let mix = "order=1".parse().unwrap();
        Settings { rate, customers: 1, duration, mix, json: false, auth_required: false }
    }

    #[tokio::test]
    async fn arrivals_at_a_rate_begin_when_they_are_meant_to_and_the_rest_is_counted() {
        let (_sender, stopped) = watch::channel(false);
        let arrivals = Arrivals::begin(&settings(Some(1000.0), Duration::from_millis(50)), stopped);
        let mut before = None;
        while let Some(at) = arrivals.next().await {
            assert!(at <= Instant::now() && before.is_none_or(|before| before < at));
            before = Some(at);
        }
        assert_eq!(arrivals.begun() + arrivals.missed(Duration::from_millis(50)), 50);
    }

    #[tokio::test]
    async fn nobody_arrives_after_the_stop() {
        let (sender, stopped) = watch::channel(false);
        let arrivals = Arrivals::begin(&settings(None, Duration::from_secs(3600)), stopped);
        assert!(arrivals.next().await.is_some());
        sender.send(true).unwrap();
        assert!(arrivals.next().await.is_none());
        let (sender, stopped) = watch::channel(false);
        let arrivals = Arrivals::begin(&settings(Some(0.001), Duration::from_secs(3600)), stopped);
        assert!(arrivals.next().await.is_some());
        sender.send(true).unwrap();
        assert!(arrivals.next().await.is_none(), "the second would arrive after a quarter of an hour");
    }
}
