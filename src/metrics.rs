//! The metrics of a server, in the text format of Prometheus.

use std::collections::HashMap;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::error::{Error, Result};

/// The name of a method as a label: an unknown method must not make a new one.
pub fn method_label(name: &str) -> &'static str {
    const KNOWN: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"];
    KNOWN.into_iter().find(|known| *known == name).unwrap_or("other")
}

/// The metrics of one server; clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    calls: IntCounterVec,
    database: IntGaugeVec,
    backlog: IntGaugeVec,
    dropped: Opts,
}

impl Metrics {
    /// Each metric has the label `service`. Fails only if two metrics have the same name.
    pub fn new(service: &str) -> anyhow::Result<Self> {
        let labels = HashMap::from([("service".to_owned(), service.to_owned())]);
        let registry = Registry::new_custom(None, Some(labels))?;
        let requests =
            IntCounterVec::new(Opts::new("http_requests_total", "Requests answered."), &["method", "route", "status"])?;
        let durations = HistogramVec::new(
            HistogramOpts::new("http_request_duration_seconds", "Time from a request's head to its answer's head.")
                .buckets(vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]),
            &["route"],
        )?;
        let calls = IntCounterVec::new(
            Opts::new("peer_calls_total", "Calls to other services, by how they ended."),
            &["peer", "outcome"],
        )?;
        let database = IntGaugeVec::new(
            Opts::new("database_operations", "Commits, and the writes that they carried, since the start."),
            &["operation"],
        )?;
        let backlog = IntGaugeVec::new(
            Opts::new("backlog", "Events and owed calls that wait, or were parked because they keep failing."),
            &["of", "state"],
        )?;
        let dropped = Opts::new(
            "events_dropped_total",
            "Events of this database that were dropped because nobody received them.",
        )
        .const_label("service", service);
        let started = Gauge::new("process_start_time_seconds", "Start of the process, in seconds since the epoch.")?;
        started.set(std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64()));
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(calls.clone()))?;
        registry.register(Box::new(database.clone()))?;
        registry.register(Box::new(backlog.clone()))?;
        registry.register(Box::new(started))?;
        Ok(Self { registry, requests, durations, calls, database, backlog, dropped })
    }

    /// Counts an answered request. `route` must be a pattern, never the path that was sent.
    pub fn request(&self, method: &str, route: &str, status: &str, took: Duration) {
        self.requests.with_label_values(&[method, route, status]).inc();
        self.durations.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// Counts a call to another service by its outcome.
    pub fn call(&self, peer: &str, outcome: &str) {
        self.calls.with_label_values(&[peer, outcome]).inc();
    }

    /// Sets how many commits the database has made since the start, and how many writes they carried.
    pub fn set_database(&self, commits: u64, writes: u64) {
        for (operation, count) in [("commit", commits), ("write", writes)] {
            self.database.with_label_values(&[operation]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Sets how much of something (`events`, `calls`) is in a state (`waiting`, `parked`).
    pub fn set_backlog(&self, of: &str, state: &str, count: i64) {
        self.backlog.with_label_values(&[of, state]).set(count);
    }

    /// All metrics as text; `events_dropped` only if it has been counted.
    pub fn text(&self, events_dropped: Option<u64>) -> Result<Vec<u8>> {
        let mut families = self.registry.gather();
        if let Some(dropped) = events_dropped {
            // The database has the count: a counter of our own could not be set.
            let counter = IntCounter::with_opts(self.dropped.clone()).map_err(Error::internal)?;
            counter.inc_by(dropped);
            families.extend(counter.collect());
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&families, &mut text).map_err(Error::internal)?;
        Ok(text)
    }
}
