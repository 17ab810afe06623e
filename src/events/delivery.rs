//! Embedded delivery: from the outbox to the subscribers of this process.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Event, Pace, backoff};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::storage::{Db, Tx};

/// Events of a subscriber in one transaction.
const BATCH: usize = 64;
/// Failures after which an event is parked: about twenty minutes' worth.
const ATTEMPTS: i64 = 14;
/// The longest pause between two attempts.
const PAUSE: Duration = Duration::from_secs(5 * 60);

/// What a subscriber does with an event, in the transaction that marks it as handled.
pub type Effect = fn(&Tx<'_>, &Event) -> Result<()>;

/// Called with what a subscriber has handled, once that is committed.
pub type After = Arc<dyn Fn(&[Event]) + Send + Sync>;

/// Somebody in this process who hears of events.
#[derive(Clone)]
pub struct Subscriber {
    pub name: &'static str,
    pub effect: Effect,
    pub after: Option<After>,
}

/// Hands events to `subscribers`.
pub struct Delivery {
    db: Db,
    clock: Clock,
    subscribers: Arc<Vec<Subscriber>>,
}

/// A row of the outbox.
#[derive(Clone)]
struct Waiting {
    id: i64,
    subscriber: Subscriber,
    key: String,
    /// The event as JSON. It is read only when it is applied, so that one that can't be read holds up
    /// nobody but itself.
    event: String,
    attempts: i64,
}

impl Delivery {
    pub fn new(db: Db, clock: Clock, subscribers: Vec<Subscriber>) -> Self {
        Self { db, clock, subscribers: Arc::new(subscribers) }
    }

    /// Delivers for as long as it is polled.
    pub async fn run(self) {
        let mut pace = Pace::new(&self.db);
        loop {
            pace.next().await;
            pace.more = match self.step().await {
                Ok(looked_at) => looked_at >= BATCH,
                Err(error) => {
                    log::warn!("events have to wait: {error}");
                    false
                }
            };
        }
    }

    /// Delivers what waits now.
    pub async fn catch_up(&self) -> Result<()> {
        while self.step().await? >= BATCH {}
        Ok(())
    }

    /// Delivers one batch, and tells how many events it looked at.
    pub async fn step(&self) -> Result<usize> {
        let (subscribers, now) = (Arc::clone(&self.subscribers), self.clock.now());
        let batch = self.db.read(move |tx| due(tx, &subscribers, now)).await?;
        if batch.is_empty() {
            return Ok(0);
        }
        let looked_at = batch.len();
        // Nearly always all of them work; if not, one by one shows which does not.
        match self.apply(batch.clone()).await {
            Err(error) if error.code().kind == Kind::Unavailable => return Err(error),
            Err(_) => self.one_by_one(batch).await?,
            Ok(()) => {}
        }
        Ok(looked_at)
    }

    async fn one_by_one(&self, batch: Vec<Waiting>) -> Result<()> {
        let mut stuck = HashSet::new();
        for waiting in batch {
            let line = (waiting.subscriber.name, waiting.key.clone());
            if stuck.contains(&line) {
                continue;
            }
            match self.apply(vec![waiting.clone()]).await {
                Ok(()) => {}
                Err(error) if error.code().kind == Kind::Unavailable => return Err(error),
                Err(error) => {
                    self.failed(&waiting, &error).await?;
                    stuck.insert(line);
                }
            }
        }
        Ok(())
    }

    /// Applies the events and marks them as handled, all or none.
    async fn apply(&self, batch: Vec<Waiting>) -> Result<()> {
        let handled = self
            .db
            .write(move |tx| {
                let mut handled = Vec::with_capacity(batch.len());
                for row in &batch {
                    // Another process may have been faster.
                    let sql = "DELETE FROM outbox WHERE subscriber = $1 AND id = $2 AND event = $3";
                    if tx.execute(sql, &[row.subscriber.name.into(), row.id.into(), (&row.event).into()])? == 1 {
                        let event: Event = serde_json::from_str(&row.event).map_err(Error::internal)?;
                        (row.subscriber.effect)(tx, &event)?;
                        handled.push((row.subscriber.name, event));
                    }
                }
                Ok(handled)
            })
            .await?;
        for subscriber in self.subscribers.iter() {
            let Some(after) = &subscriber.after else { continue };
            let own = handled.iter().filter(|(name, _)| *name == subscriber.name);
            let events: Vec<_> = own.map(|(_, event)| event.clone()).collect();
            if !events.is_empty() {
                after(&events);
            }
        }
        Ok(())
    }

    /// Notes that a subscriber could not handle an event: it is tried again later, and parked in the end.
    async fn failed(&self, waiting: &Waiting, error: &Error) -> Result<()> {
        let (subscriber, id, attempts) = (waiting.subscriber.name, waiting.id, waiting.attempts + 1);
        let parked = attempts >= ATTEMPTS;
        log::log!(
            if parked { log::Level::Error } else { log::Level::Warn },
            "{subscriber} could not handle event {id}, {}{}: {error}",
            waiting.event,
            if parked { ", which is parked now" } else { "" },
        );
        let (not_before, event) = (self.clock.after(backoff(attempts, PAUSE)), waiting.event.clone());
        self.db
            .write(move |tx| {
                tx.execute(
                    "UPDATE outbox SET attempts = $4, not_before = $5, parked = $6
                     WHERE subscriber = $1 AND id = $2 AND event = $3",
                    &[
                        subscriber.into(),
                        id.into(),
                        (&event).into(),
                        attempts.into(),
                        not_before.into(),
                        i64::from(parked).into(),
                    ],
                )
            })
            .await?;
        Ok(())
    }
}

/// What is to be handled now: not what waits after a failure, nor what stands behind such.
fn due(tx: &Tx<'_>, subscribers: &[Subscriber], now: i64) -> Result<Vec<Waiting>> {
    let mut rows = Vec::new();
    for subscriber in subscribers {
        rows.extend(tx.query(
            "SELECT id, key, event, attempts FROM outbox o
             WHERE subscriber = $1 AND parked = 0 AND not_before <= $2 AND NOT EXISTS
                 (SELECT 1 FROM outbox failed
                  WHERE failed.subscriber = o.subscriber AND failed.key = o.key AND failed.id < o.id
                    AND failed.not_before > 0 AND failed.parked = 0)
             ORDER BY id LIMIT $3",
            &[subscriber.name.into(), now.into(), (BATCH as i64).into()],
            |row| {
                Ok(Waiting {
                    id: row.get(0)?,
                    subscriber: subscriber.clone(),
                    key: row.get(1)?,
                    event: row.get(2)?,
                    attempts: row.get(3)?,
                })
            },
        )?);
    }
    Ok(rows)
}
