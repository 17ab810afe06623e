//! Embedded delivery: from the outbox to the subscribers of this process.
//!
//! One write transaction reads a batch, deletes it and applies it. So a batch can't be stale when it is applied, no
//! other process on the same database applies it too, and many events cost few statements.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::event::Event;
use super::outbox::{Outbox, Subscriber};
use super::pace::{Pace, backoff};
use super::subscribers;
use crate::calls::{Open, Recorder};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::faults::{self, Faults, Sent};
use crate::storage::{Db, MAX_WRITES_BETWEEN, Param, Tx};

/// The most events of a subscriber in one write. Requests can't emit as many between two batches, so that no flood of
/// requests leaves the subscribers behind.
const MAX_BATCH_EVENTS: usize = 4096;
const _: () = assert!(
    MAX_BATCH_EVENTS > MAX_WRITES_BETWEEN,
    "a batch must have room for an event of each write since the last one"
);
/// How many times smaller the next batch is after a failure, to find the event that fails.
const NARROWING: usize = 8;
const _: () = assert!(MAX_BATCH_EVENTS == NARROWING.pow(4), "divided again and again, a batch must end as one event");
/// Failures after which an event is parked. They take about twenty minutes.
const MAX_ATTEMPTS: i64 = 14;
/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(5 * 60);
/// How often the subscribers of this process are recorded, and events without a living subscriber are dropped.
const REFRESH_PERIOD: Duration = Duration::from_secs(60);

/// Called with the events that a subscriber has handled, after the commit.
pub type After = Arc<dyn Fn(&[Event]) + Send + Sync>;

/// The subscribers of a service that runs in this process.
#[derive(Clone)]
pub struct LocalSubscribers {
    pub subscribers: &'static [Subscriber],
    /// Called after each batch of a subscriber.
    pub after: Option<After>,
}

/// Delivers events to the subscribers of this process.
pub struct Delivery {
    db: Db,
    clock: Clock,
    outbox: Outbox,
    subscribers: Vec<(&'static Subscriber, Option<After>)>,
    recorder: Recorder,
    faults: Faults,
}

/// A row of the outbox.
struct OutboxRow {
    id: i64,
    /// The event as JSON, which this version may be unable to read.
    event: String,
    /// The traceparent of the request that emitted it.
    trace: Option<String>,
    attempts: i64,
}

impl Delivery {
    /// `local`: the subscribers of each service in this process.
    pub fn new(
        db: Db,
        clock: Clock,
        outbox: Outbox,
        local: &[LocalSubscribers],
        recorder: Recorder,
        faults: Faults,
    ) -> Self {
        let of_service = |local: &LocalSubscribers| {
            let after = local.after.clone();
            local.subscribers.iter().map(move |subscriber| (subscriber, after.clone()))
        };
        let subscribers = local.iter().flat_map(of_service).collect();
        Self { db, clock, outbox, subscribers, recorder, faults }
    }

    /// Delivers for as long as it is polled.
    pub async fn run(self) {
        let mut pace = Pace::new(&self.db);
        let mut refreshed_at: Option<Instant> = None;
        loop {
            pace.next().await;
            if refreshed_at.is_none_or(|at| at.elapsed() >= REFRESH_PERIOD) {
                if let Err(error) = self.refresh_subscribers().await {
                    log::warn!("the subscribers could not be written down: {error}");
                }
                refreshed_at = Some(Instant::now());
            }
            pace.more = self.step().await.unwrap_or_else(|error| {
                log::warn!("events have to wait: {error}");
                false
            });
        }
    }

    /// Delivers the events that must be handled before this process serves requests.
    pub async fn catch_up(&self) -> Result<()> {
        while self.step_of(|subscriber| subscriber.is_needed_to_serve).await? {}
        Ok(())
    }

    /// Delivers one batch to each subscriber. Returns whether more events may wait.
    async fn step(&self) -> Result<bool> {
        self.step_of(|_| true).await
    }

    /// Delivers one batch to each subscriber for which `included` is true.
    async fn step_of(&self, included: fn(&Subscriber) -> bool) -> Result<bool> {
        let is_running = |subscriber: &Subscriber| !self.faults.is_stopped(service_of(subscriber.name));
        let included = |subscriber: &Subscriber| included(subscriber) && is_running(subscriber);
        let subscribers = || self.subscribers.iter().filter(|(subscriber, _)| included(subscriber));
        let names: Vec<_> = subscribers().map(|(subscriber, _)| subscriber.name).collect();
        let now = self.clock.now();
        let due = move |tx: &Tx<'_>| names.iter().map(|name| Ok(!due(tx, name, now, 1)?.is_empty())).collect();
        let due: Vec<bool> = self.db.read(due).await?;
        // All at once, so that no more than [`MAX_WRITES_BETWEEN`] writes come between two batches of a subscriber.
        let due = subscribers().zip(due).filter(|(_, due)| *due);
        let more = due.map(|((subscriber, after), _)| self.deliver(subscriber, after.as_ref()));
        Ok(try_join_all(more).await?.contains(&true))
    }

    /// Delivers a batch to one subscriber. If the batch fails, smaller and smaller batches find the event that fails.
    async fn deliver(&self, subscriber: &Subscriber, after: Option<&After>) -> Result<bool> {
        let (mut limit, mut applied_in_full) = (MAX_BATCH_EVENTS, 0);
        loop {
            match self.apply_as_often_as_it_comes(subscriber, after, limit).await {
                Ok(applied) if limit == MAX_BATCH_EVENTS => return Ok(applied == MAX_BATCH_EVENTS),
                Ok(applied) => {
                    applied_in_full += 1;
                    if applied < limit || applied_in_full == NARROWING {
                        return Ok(true);
                    }
                    // The event that fails is among the next.
                }
                Err(error) if error.code().kind == Kind::Unavailable => return Err(error),
                Err(_) if limit > 1 => (limit, applied_in_full) = (limit / NARROWING, 0),
                Err(_) => {
                    self.apply_first(subscriber, after).await?;
                    return Ok(true);
                }
            }
        }
    }

    /// Applies up to `limit` events, all or none. Returns the number of events.
    async fn apply(&self, subscriber: &Subscriber, after: Option<&After>, limit: usize) -> Result<usize> {
        let (Subscriber { name, effect, .. }, now) = (*subscriber, self.clock.now());
        let began = Instant::now();
        let handled = self.db.write_in_background(move |tx| {
            let waiting = due(tx, name, now, limit)?;
            let Some(OutboxRow { id: last, .. }) = waiting.last() else { return Ok((Vec::new(), Vec::new())) };
            let sql = format!("DELETE FROM outbox WHERE {DUE} AND id <= $4");
            tx.execute(&sql, &[name.into(), now.into(), latest(now).into(), (*last).into()])?;
            let events = waiting.iter().map(|row| serde_json::from_str(&row.event).map_err(Error::internal));
            let events: Vec<Event> = events.collect::<Result<_>>()?;
            effect(tx, &events)?;
            Ok((events, waiting))
        });
        let (handled, rows) = handled.await?;
        for (event, row) in handled.iter().zip(rows) {
            if let Some(applied) = row.trace.and_then(|trace| self.record(began, subscriber, event, &trace)) {
                applied.end(|_| ());
            }
        }
        if let Some(after) = after
            && !handled.is_empty()
        {
            after(&handled);
        }
        Ok(handled.len())
    }

    fn record(&self, began: Instant, subscriber: &Subscriber, event: &Event, trace: &str) -> Option<Open> {
        self.recorder.applied(began, subscriber.name, event.kind().name(), &event.key(), trace)
    }

    /// Applies a batch; if a fault delivers its first event twice, two deliveries of the batch meet, as those of two
    /// processes do.
    async fn apply_as_often_as_it_comes(
        &self,
        subscriber: &Subscriber,
        after: Option<&After>,
        limit: usize,
    ) -> Result<usize> {
        let Some(again) = self.delivered_again(subscriber).await? else {
            return self.apply(subscriber, after, limit).await;
        };
        let applied = tokio::join!(self.apply(subscriber, after, limit), self.apply(subscriber, after, limit));
        again.end(|_| ());
        Ok(applied.0?.max(applied.1?))
    }

    /// Begins the record of the first due event of a subscriber, if a fault delivers it twice.
    async fn delivered_again(&self, subscriber: &Subscriber) -> Result<Option<Open>> {
        if !self.faults.is_any_armed() {
            return Ok(None);
        }
        let (name, now, began) = (subscriber.name, self.clock.now(), Instant::now());
        let first = self.db.read(move |tx| due(tx, name, now, 1)).await?.into_iter().next();
        let Some(OutboxRow { event, trace: Some(trace), .. }) = first else { return Ok(None) };
        // One that can't be read is dealt with where it is applied.
        let Ok(event) = serde_json::from_str::<Event>(&event) else { return Ok(None) };
        let sent = Sent { from: faults::EVENTS, to: service_of(name), method: "", path: "" };
        let mut again = None;
        let strike = self.faults.strike(sent, || {
            again = self.record(began, subscriber, &event, &trace);
            again.as_ref().map(Open::ids).unwrap_or_default()
        });
        if let (Some(strike), Some(again)) = (strike, &again) {
            again.entry().update(|record| record.fault = Some(strike.kind.as_str()));
        }
        Ok(again)
    }

    /// Applies the first event alone, or records that it failed.
    async fn apply_first(&self, subscriber: &Subscriber, after: Option<&After>) -> Result<()> {
        let (name, now) = (subscriber.name, self.clock.now());
        let first = self.db.read(move |tx| due(tx, name, now, 1)).await?.into_iter().next();
        let Some(first) = first else { return Ok(()) };
        match self.apply(subscriber, after, 1).await {
            Err(error) if error.code().kind != Kind::Unavailable => self.failed(name, first, &error).await,
            applied => applied.map(drop),
        }
    }

    /// Records that a subscriber could not handle an event. It is retried later; after [`MAX_ATTEMPTS`] it is parked.
    async fn failed(&self, subscriber: &'static str, waiting: OutboxRow, error: &Error) -> Result<()> {
        let OutboxRow { id, event, attempts, .. } = waiting;
        let attempts = attempts + 1;
        let parked = attempts >= MAX_ATTEMPTS;
        log::log!(
            if parked { log::Level::Error } else { log::Level::Warn },
            "{subscriber} could not handle event {id}, {event}{}: {error}",
            if parked { ", which is parked now" } else { "" },
        );
        let not_before = self.clock.after(backoff(attempts, MAX_PAUSE));
        let record = move |tx: &Tx<'_>| {
            tx.execute(
                "UPDATE outbox SET attempts = $4, not_before = $5, parked = $6
                 WHERE subscriber = $1 AND id = $2 AND event = $3 AND attempts < $4",
                &[
                    subscriber.into(),
                    id.into(),
                    (&event).into(),
                    attempts.into(),
                    not_before.into(),
                    i64::from(parked).into(),
                ],
            )
        };
        self.db.write_in_background(record).await.map(drop)
    }

    /// Records that the subscribers of this process are alive, and drops events without a living subscriber.
    async fn refresh_subscribers(&self) -> Result<()> {
        let (names, now, outbox) = (self.names(), self.clock.now(), self.outbox);
        self.db.write_in_background(move |tx| subscribers::record_alive(tx, &names, now)).await?;
        loop {
            let names = self.names();
            let drop = move |tx: &Tx<'_>| subscribers::drop_unreceived(tx, outbox, &names, now, MAX_BATCH_EVENTS);
            if self.db.write_in_background(drop).await? == 0 {
                return Ok(());
            }
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.subscribers.iter().map(|(subscriber, _)| subscriber.name).collect()
    }
}

/// The condition for the due rows of subscriber $1 at the time $2. If a row of a key has failed, only that row of the
/// key is due, after its pause. A pause that ends later than $3 was written before the clock was set back, and has
/// ended.
///
/// The inner queries depend on no row, so SQLite runs each once. (It would answer a correlated query by the primary
/// key, and walk all rows before each.) The grouping makes SQLite use the index of failed rows, and not all waiting
/// rows.
const DUE: &str = "subscriber = $1 AND parked = 0 AND (not_before <= $2 OR not_before > $3)
    AND (key NOT IN (SELECT key FROM outbox WHERE subscriber = $1 AND not_before > 0 AND parked = 0 GROUP BY key)
         OR id IN (SELECT min(id) FROM outbox WHERE subscriber = $1 AND not_before > 0 AND parked = 0 GROUP BY key))";

/// The service of a subscriber, whose name is `SERVICE.NAME`.
fn service_of(subscriber: &str) -> &str {
    subscriber.split('.').next().unwrap_or(subscriber)
}

/// The latest end of a pause that begins now.
fn latest(now: Timestamp) -> Timestamp {
    now + MAX_PAUSE
}

/// The first due rows, up to `limit`.
fn due(tx: &Tx<'_>, subscriber: &str, now: Timestamp, limit: usize) -> Result<Vec<OutboxRow>> {
    let sql = format!("SELECT id, event, trace, attempts FROM outbox WHERE {DUE} ORDER BY id LIMIT $4");
    let params: &[Param<'_>] = &[subscriber.into(), now.into(), latest(now).into(), (limit as i64).into()];
    tx.query(&sql, params, |row| {
        Ok(OutboxRow { id: row.get(0)?, event: row.get(1)?, trace: row.get(2)?, attempts: row.get(3)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::DatabaseUrl;

    #[tokio::test]
    async fn what_is_due_is_found_without_a_walk_through_all_that_waits() {
        let folder = tempfile::tempdir().unwrap();
        let url: DatabaseUrl = format!("sqlite:{}", folder.path().join("pasar.db").display()).parse().unwrap();
        let db = Db::open(&url, false).unwrap();
        let plan = db.read(|tx| {
            let sql = format!("EXPLAIN QUERY PLAN SELECT id FROM outbox WHERE {DUE} ORDER BY id LIMIT $4");
            let params: &[Param<'_>] = &["a".into(), 1.into(), 2.into(), 3.into()];
            tx.query(&sql, params, |row| row.get::<String>(3))
        });
        let plan = plan.await.unwrap();
        let by_index = |line: &&String| line.contains("outbox_failed");
        assert_eq!(plan.iter().filter(by_index).count(), 2, "{plan:?}");
        assert!(!plan.iter().any(|line| line.starts_with("SCAN")), "{plan:?}");
        tokio::task::spawn_blocking(move || db.close()).await.unwrap();
    }
}
