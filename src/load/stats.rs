//! Latencies and counts of calls, in memory that does not grow with their number.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::arrivals::Arrivals;

/// The longest latency that is distinguished from longer ones, in microseconds: an hour.
const MAX_LATENCY_MICROS: u64 = 3_600_000_000;
/// The digits of a latency that are exact.
const DIGITS: u8 = 3;

/// A kind of call, as the report names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Browse,
    Order,
    Pay,
    Confirm,
    Cancel,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Browse, Self::Order, Self::Pay, Self::Confirm, Self::Cancel];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Browse => "browse",
            Self::Order => "order",
            Self::Pay => "pay",
            Self::Confirm => "confirm",
            Self::Cancel => "cancel",
        }
    }
}

/// The calls of one kind.
pub struct CallStats {
    /// Microseconds from the moment a call was meant to begin to its last answer, retries included.
    pub latency: Histogram<u64>,
    /// Refused calls by the code of the refusal.
    pub refused: BTreeMap<&'static str, u64>,
    /// Calls that were given up without a clear answer.
    pub unclear: u64,
    /// Attempts that repeated an earlier one.
    pub retried: u64,
}

pub struct Stats {
    /// In the order of [`Kind::ALL`].
    of_kinds: Vec<CallStats>,
    pub latency: Histogram<u64>,
    /// Why attempts had no clear answer: the code of a temporary refusal, or a symptom.
    pub unclear_attempts: BTreeMap<&'static str, u64>,
    /// When the last customer went: the checks after it do not count.
    ended: Option<Instant>,
}

/// How a call ended.
pub enum Ending {
    Done,
    Refused(&'static str),
    Unclear,
}

/// A run so far.
pub struct Progress {
    pub elapsed: Duration,
    pub duration: Duration,
    pub calls: u64,
    pub refused: u64,
    pub retried: u64,
    /// Of all calls.
    pub p99: Duration,
    /// Whether the customers have gone, and what was acknowledged is being checked.
    pub checking: bool,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, refused, retried, .. } = self;
        let (elapsed, duration) = (self.elapsed.as_secs_f64(), self.duration.as_secs_f64());
        let (rate, p99) = (*calls as f64 / elapsed.max(0.001), self.p99.as_secs_f64() * 1000.0);
        if self.checking {
            return write!(f, "{calls} calls; checking what was acknowledged …");
        }
        write!(
            f,
            "{elapsed:.0} of {duration:.0} s  {calls} calls, {rate:.0} a second, p99 {p99:.1}ms, {refused} refused, \
             {retried} retried"
        )
    }
}

impl Stats {
    pub fn new() -> anyhow::Result<Self> {
        let latency = || Histogram::new_with_bounds(1, MAX_LATENCY_MICROS, DIGITS);
        let of_kind = |_| Ok(CallStats { latency: latency()?, refused: BTreeMap::new(), unclear: 0, retried: 0 });
        let of_kinds = Kind::ALL.iter().map(of_kind).collect::<anyhow::Result<_>>()?;
        Ok(Self { of_kinds, latency: latency()?, unclear_attempts: BTreeMap::new(), ended: None })
    }

    /// The kinds with their calls.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, &CallStats)> {
        Kind::ALL.into_iter().zip(&self.of_kinds)
    }

    fn of(&mut self, kind: Kind) -> Option<&mut CallStats> {
        Kind::ALL.into_iter().zip(&mut self.of_kinds).find(|(one, _)| *one == kind).map(|(_, stats)| stats)
    }

    /// Records a call that was meant to begin at `since`.
    pub fn record(&mut self, kind: Kind, since: Instant, ending: &Ending) {
        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.latency.saturating_record(micros);
        let Some(stats) = self.of(kind) else { return };
        stats.latency.saturating_record(micros);
        match ending {
            Ending::Done => {}
            Ending::Refused(code) => *stats.refused.entry(code).or_default() += 1,
            Ending::Unclear => stats.unclear += 1,
        }
    }

    pub fn record_unclear_attempt(&mut self, symptom: &'static str) {
        *self.unclear_attempts.entry(symptom).or_default() += 1;
    }

    pub fn record_retry(&mut self, kind: Kind) {
        if let Some(stats) = self.of(kind) {
            stats.retried += 1;
        }
    }

    /// Ends the measured time.
    pub fn end(&mut self) {
        self.ended.get_or_insert_with(Instant::now);
    }

    pub fn progress(&self, arrivals: &Arrivals) -> Progress {
        Progress {
            elapsed: arrivals.ran(),
            duration: arrivals.duration,
            calls: self.latency.len(),
            refused: self.of_kinds.iter().flat_map(|stats| stats.refused.values()).sum(),
            retried: self.of_kinds.iter().map(|stats| stats.retried).sum(),
            p99: Duration::from_micros(self.latency.value_at_quantile(0.99)),
            checking: self.ended.is_some(),
        }
    }
}

/// The statistics that customers share. They stay sound whatever panics: each record is complete in itself.
pub fn lock(stats: &Mutex<Stats>) -> MutexGuard<'_, Stats> {
    stats.lock().unwrap_or_else(PoisonError::into_inner)
}
