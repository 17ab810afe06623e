//! What a run came to, for people and as JSON.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::arrivals::Arrivals;
use super::check::Orders;
use super::settings::Settings;
use super::stats::{Kind, Stats};

/// The longest bar of the histogram, in characters.
const BAR: u64 = 40;

#[derive(Debug, Serialize)]
pub struct Report {
    /// The time in which customers arrived.
    pub seconds: f64,
    pub customers: u32,
    /// Arrivals a second that were asked for; absent: as fast as the customers allow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    pub mix: String,
    /// Arrivals that a customer began.
    pub arrivals: u64,
    /// Arrivals at the rate that found no customer free until the end.
    pub missed: u64,
    pub calls: Vec<CallReport>,
    /// Attempts without a clear answer, by the code of the answer or the symptom.
    pub unclear_attempts: BTreeMap<&'static str, u64>,
    /// Latencies of all calls.
    pub histogram: Vec<Bucket>,
    pub orders: Orders,
    /// Whether all orders are what was acknowledged.
    pub complete: bool,
}

/// The calls of one kind. Latencies are in milliseconds.
#[derive(Debug, Serialize)]
pub struct CallReport {
    pub kind: &'static str,
    pub calls: u64,
    pub per_second: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
    /// By the code of the refusal.
    pub refused: BTreeMap<&'static str, u64>,
    /// Attempts that repeated an earlier one.
    pub retried: u64,
    /// Calls that were given up without a clear answer.
    pub unclear: u64,
}

/// Calls whose latency is up to a limit, and above that of the bucket before.
#[derive(Debug, Serialize)]
pub struct Bucket {
    pub up_to_ms: f64,
    pub calls: u64,
}

impl Report {
    pub(super) fn new(settings: &Settings, arrivals: &Arrivals, ran: Duration, stats: &Stats, orders: Orders) -> Self {
        let calls = stats.kinds().map(|(kind, stats)| {
            let latency = &stats.latency;
            let at = |quantile| millis(latency.value_at_quantile(quantile));
            CallReport {
                kind: Kind::name(kind),
                calls: latency.len(),
                per_second: latency.len() as f64 / ran.as_secs_f64().max(0.001),
                p50: at(0.5),
                p90: at(0.9),
                p99: at(0.99),
                max: at(1.0),
                refused: stats.refused.clone(),
                retried: stats.retried,
                unclear: stats.unclear,
            }
        });
        Self {
            seconds: ran.as_secs_f64(),
            customers: settings.customers,
            rate: settings.rate,
            mix: settings.mix.to_string(),
            arrivals: arrivals.begun(),
            missed: arrivals.missed(ran),
            calls: calls.collect(),
            unclear_attempts: stats.unclear_attempts.clone(),
            histogram: buckets(&stats.latency),
            complete: orders.are_complete(),
            orders,
        }
    }
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

/// Buckets whose limits double, from the first to the last that has calls.
fn buckets(latency: &Histogram<u64>) -> Vec<Bucket> {
    let mut found: Vec<Bucket> = Vec::new();
    let mut limit = 125;
    // Each value once: ranges of the histogram count a value at a limit on both sides.
    for value in latency.iter_recorded() {
        while value.value_iterated_to() > limit {
            limit *= 2;
            if !found.is_empty() {
                found.push(Bucket { up_to_ms: millis(limit), calls: 0 });
            }
        }
        match found.last_mut() {
            Some(bucket) => bucket.calls += value.count_at_value(),
            None => found.push(Bucket { up_to_ms: millis(limit), calls: value.count_at_value() }),
        }
    }
    found
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seconds, customers, arrivals, missed, mix, .. } = self;
        let rate = self.rate.map_or("as fast as they can".to_owned(), |rate| format!("{rate} arrivals a second"));
        writeln!(f, "{customers} customers for {seconds:.1} s, {rate}: {arrivals} arrivals ({mix})")?;
        if *missed > 0 {
            writeln!(f, "{missed} more arrivals found no customer free: the services do not keep up with the rate")?;
        }
        self.write_calls(f)?;
        self.write_histogram(f)?;
        self.write_orders(f)
    }
}

impl Report {
    fn write_calls(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<8}{:>9}{:>10}{:>11}{:>11}{:>11}{:>11}{:>9}{:>9}{:>9}",
            "call", "calls", "a second", "p50", "p90", "p99", "max", "refused", "retried", "unclear"
        )?;
        for call in self.calls.iter().filter(|call| call.calls > 0) {
            let CallReport { kind, calls, per_second, p50, p90, p99, max, retried, unclear, .. } = call;
            let refused: u64 = call.refused.values().sum();
            writeln!(
                f,
                "{kind:<8}{calls:>9}{per_second:>10.1}{p50:>9.1}ms{p90:>9.1}ms{p99:>9.1}ms{max:>9.1}ms\
                 {refused:>9}{retried:>9}{unclear:>9}"
            )?;
        }
        for call in self.calls.iter().filter(|call| !call.refused.is_empty()) {
            writeln!(f, "{} refused: {}", call.kind, list(&call.refused))?;
        }
        if !self.unclear_attempts.is_empty() {
            writeln!(f, "attempts without a clear answer: {}", list(&self.unclear_attempts))?;
        }
        Ok(())
    }

    fn write_histogram(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = self.histogram.iter().map(|bucket| bucket.calls).max().unwrap_or(0);
        writeln!(f, "\nlatency of all calls")?;
        for Bucket { up_to_ms, calls } in &self.histogram {
            // A bucket with calls has a bar.
            let length = (calls * BAR).div_ceil(most.max(1));
            let bar = "#".repeat(usize::try_from(length).unwrap_or(0));
            let limit = format!("{up_to_ms}");
            writeln!(f, "{limit:>10} ms  {bar:<40} {calls}")?;
        }
        Ok(())
    }

    fn write_orders(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Orders { acknowledged, found, wrong, wrong_orders, problems, .. } = &self.orders;
        let mut became = String::new();
        for (name, number) in [
            ("paid", self.orders.paid),
            ("cancelled", self.orders.cancelled),
            ("failed", self.orders.failed),
            ("expired", self.orders.expired),
            ("still open", self.orders.open),
            ("with an unclear or refused change", self.orders.unknown),
        ] {
            if number > 0 {
                let comma = if became.is_empty() { "" } else { ", " };
                write!(became, "{comma}{number} {name}")?;
            }
        }
        writeln!(f, "\n{acknowledged} orders acknowledged, {found} found: {became}")?;
        if self.orders.unclear > 0 {
            writeln!(f, "{} more orders had no clear answer and may be stored", self.orders.unclear)?;
        }
        if self.complete {
            return writeln!(f, "All are what was acknowledged.");
        }
        for order in wrong_orders {
            writeln!(f, "order {}: {}", order.order_id, order.why)?;
        }
        let unnamed = wrong.saturating_sub(wrong_orders.len() as u64);
        if unnamed > 0 {
            writeln!(f, "and {unnamed} more orders")?;
        }
        problems.iter().try_for_each(|problem| writeln!(f, "{problem}"))
    }
}

/// `code 3, other 1`.
fn list(counts: &BTreeMap<&'static str, u64>) -> String {
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_in_one_bucket() {
        let mut latency = Histogram::new_with_bounds(1, 3_600_000_000, 3).unwrap();
        let values = [1, 400, 500, 501, 9_000, 2_048_000, 2_048_500, 3_000_000];
        for micros in values {
            latency.record(micros).unwrap();
        }
        let buckets = buckets(&latency);
        assert_eq!(buckets.iter().map(|bucket| bucket.calls).sum::<u64>(), values.len() as u64);
        let count = |limit: f64| buckets.iter().find(|bucket| bucket.up_to_ms == limit).map(|bucket| bucket.calls);
        assert_eq!((count(0.125), count(0.5), count(1.0), count(16.0)), (Some(1), Some(2), Some(1), Some(1)));
        assert_eq!(buckets.last().map(|bucket| bucket.up_to_ms), Some(4096.0));
    }
}
