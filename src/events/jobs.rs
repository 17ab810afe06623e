//! Calls that must be made because of a change: written with the change, and made until they are
//! answered, however long the other service is away.
//!
//! A call must be idempotent. A job is *begun* by whoever is about to run it; until then it can be withdrawn, by
//! nobody after.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};

use super::pace::{Pace, backoff};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::storage::{Db, Param, Tx};

/// Jobs of one step.
const BATCH: i64 = 64;
/// Calls under way at once.
const PARALLEL: usize = 8;
/// The longest pause between two attempts.
const PAUSE: Duration = Duration::from_secs(30);
/// Attempts in a row after which a job is parked whose call is answered, but never so that it helps: some eight minutes'
/// worth, which a gateway in front of a service that restarts does not take.
const UNHELPFUL_ATTEMPTS: i64 = 20;
/// How long whoever begins a job has it alone before the worker runs it, too: longer than a request's budget.
const LEASE: Duration = Duration::from_secs(3);

/// What the jobs of a service can be.
pub trait JobKind: Clone + Send + Sync + 'static {
    /// The service, as its jobs are stored.
    const SERVICE: &'static str;

    /// As it is stored: the action, and what it is about.
    fn encode(&self) -> (&'static str, String);

    /// `None`: this version does not know such a job.
    fn decode(action: &str, target: &str) -> Option<Self>;
}

/// A job that has been begun.
#[derive(Clone, Debug)]
pub struct Job<K> {
    pub kind: K,
    row: Row,
}

/// A job as it is stored.
#[derive(Clone, Debug)]
struct Row {
    id: i64,
    action: String,
    target: String,
    /// Attempts in a row that were answered, but never so that it helped.
    unhelpful: i64,
}

/// Runs a job. After an error that may pass ([`Kind::Unavailable`]) it is retried until it is
/// answered; if the error is unlikely to pass ([`Error::is_unlikely_to_pass`]), so many times and then it is parked.
/// Any other error means that it can never succeed: it is parked at once.
pub type Work<K> = Arc<dyn Fn(K) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Writes a job that is due at `not_before` at most half a minute from now, and can be withdrawn
/// until then. Returns its id.
pub fn plan<K: JobKind>(tx: &Tx<'_>, kind: &K, not_before: Timestamp) -> Result<i64> {
    let (action, target) = kind.encode();
    insert::<K>(tx, action, &target, 0, not_before)
}

/// Writes a job that is begun: whoever writes it runs it as soon as the change is committed, and the worker only if
/// that attempt fails.
pub fn begin<K: JobKind>(tx: &Tx<'_>, kind: K, now: Timestamp) -> Result<Job<K>> {
    let (action, target) = kind.encode();
    let id = insert::<K>(tx, action, &target, 1, now + LEASE)?;
    Ok(Job { kind, row: Row { id, action: action.to_owned(), target, unhelpful: 0 } })
}

fn insert<K: JobKind>(tx: &Tx<'_>, action: &str, target: &str, attempts: i64, not_before: Timestamp) -> Result<i64> {
    tx.query_one(
        "INSERT INTO intents (service, action, target, attempts, not_before) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        &[K::SERVICE.into(), action.into(), target.into(), attempts.into(), not_before.into()],
        |row| row.get(0),
    )
}

/// Takes a planned job back; false if somebody has begun it.
pub fn withdraw(tx: &Tx<'_>, id: i64) -> Result<bool> {
    Ok(tx.execute("DELETE FROM intents WHERE id = $1 AND attempts = 0", &[id.into()])? == 1)
}

/// Makes a planned job due at once.
pub fn run_now(tx: &Tx<'_>, id: i64) -> Result<()> {
    tx.execute("UPDATE intents SET not_before = 0 WHERE id = $1 AND attempts = 0", &[id.into()])?;
    Ok(())
}

/// Removes a job whose call has been answered.
pub fn complete(tx: &Tx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM intents WHERE id = $1", &[id.into()])?;
    Ok(())
}

/// Runs the jobs of a service.
#[derive(Clone)]
pub struct JobRunner<K> {
    db: Db,
    clock: Clock,
    work: Work<K>,
}

impl<K: JobKind> JobRunner<K> {
    pub fn new(db: Db, clock: Clock, work: Work<K>) -> Self {
        Self { db, clock, work }
    }

    /// Works for as long as it is polled.
    pub async fn run(self) {
        if let Err(error) = self.resume_parked().await {
            log::warn!("{}: parked calls stay parked: {error}", K::SERVICE);
        }
        let mut pace = Pace::new(&self.db);
        loop {
            pace.next().await;
            pace.more = match self.step().await {
                Ok(run) => run > 0,
                Err(error) => {
                    log::warn!("{}: calls that are owed have to wait: {error}", K::SERVICE);
                    false
                }
            };
        }
    }

    /// Retries each parked job: its cause may have been repaired before this start.
    async fn resume_parked(&self) -> Result<()> {
        let sql = "UPDATE intents SET parked = 0, unhelpful = 0, not_before = 0 WHERE service = $1 AND parked = 1";
        self.db.write_in_background(|tx| tx.execute(sql, &[K::SERVICE.into()])).await?;
        Ok(())
    }

    /// Begins what is due and runs it. Returns how many jobs there were.
    async fn step(&self) -> Result<usize> {
        let now = self.clock.now();
        if self.db.read(move |tx| any_too_late(tx, K::SERVICE, now)).await? {
            self.db.write_in_background(move |tx| bring_forward(tx, K::SERVICE, now)).await?;
        }
        if !self.db.read(move |tx| any_due(tx, K::SERVICE, now)).await? {
            return Ok(0);
        }
        let begun = self.db.write_in_background(move |tx| begin_due(tx, K::SERVICE, now)).await?;
        let number = begun.len();
        let runs = stream::iter(begun).map(async |row| {
            let outcome = match K::decode(&row.action, &row.target) {
                Some(kind) => (self.work)(kind).await,
                None => Err(Error::internal(anyhow::anyhow!("there is no such job"))),
            };
            self.record_outcome(row, outcome).await;
        });
        runs.buffer_unordered(PARALLEL).for_each(async |()| {}).await;
        Ok(number)
    }

    /// Records how a job ended that a request has run.
    pub async fn record(&self, job: Job<K>, outcome: Result<()>) {
        self.record_outcome(job.row, outcome).await;
    }

    async fn record_outcome(&self, row: Row, outcome: Result<()>) {
        let id = row.id;
        let recorded = match outcome {
            Ok(()) => self.db.write(move |tx| complete(tx, id)).await,
            Err(error) if error.code().kind == Kind::Unavailable => self.retry(&row, &error).await,
            Err(error) => self.park(&row, &error).await,
        };
        if let Err(error) = recorded {
            // It is due again after its lease, and idempotent.
            log::warn!("{}: {} {} stays noted: {error}", K::SERVICE, row.action, row.target);
        }
    }

    /// Leaves a job to be run again, unless its call has been answered too often without help.
    async fn retry(&self, row: &Row, error: &Error) -> Result<()> {
        // After any other failure, the peer may be back with another answer.
        let unhelpful = if error.is_unlikely_to_pass() { row.unhelpful + 1 } else { 0 };
        if unhelpful >= UNHELPFUL_ATTEMPTS {
            return self.park(row, error).await;
        }
        log::warn!("{}: {} {} is retried: {error}", K::SERVICE, row.action, row.target);
        if unhelpful != row.unhelpful {
            let (id, sql) = (row.id, "UPDATE intents SET unhelpful = $2 WHERE id = $1");
            self.db.write(move |tx| tx.execute(sql, &[id.into(), unhelpful.into()])).await?;
        }
        Ok(())
    }

    async fn park(&self, row: &Row, error: &Error) -> Result<()> {
        log::error!("{}: {} {} is parked, it can't succeed: {error}", K::SERVICE, row.action, row.target);
        let id = row.id;
        self.db.write(move |tx| tx.execute("UPDATE intents SET parked = 1 WHERE id = $1", &[id.into()])).await?;
        Ok(())
    }
}

fn any_due(tx: &Tx<'_>, service: &str, now: Timestamp) -> Result<bool> {
    let sql = "SELECT 1 FROM intents WHERE service = $1 AND parked = 0 AND not_before <= $2 LIMIT 1";
    Ok(tx.query_opt(sql, &[service.into(), now.into()], |_| Ok(()))?.is_some())
}

/// Whether a job waits for longer than any is ever made to: the clock has been set back since it was written.
fn any_too_late(tx: &Tx<'_>, service: &str, now: Timestamp) -> Result<bool> {
    let sql = "SELECT 1 FROM intents WHERE service = $1 AND parked = 0 AND not_before > $2 LIMIT 1";
    Ok(tx.query_opt(sql, &[service.into(), (now + PAUSE).into()], |_| Ok(()))?.is_some())
}

/// Has those that wait for too long be due after a [`LEASE`]: not at once, as a request of another process may be about
/// to withdraw or to run them.
fn bring_forward(tx: &Tx<'_>, service: &str, now: Timestamp) -> Result<u64> {
    tx.execute(
        "UPDATE intents SET not_before = $3 WHERE service = $1 AND parked = 0 AND not_before > $2",
        &[service.into(), (now + PAUSE).into(), (now + LEASE).into()],
    )
}

/// Marks what is due as begun, each with the time at which it would be due again.
fn begin_due(tx: &Tx<'_>, service: &str, now: Timestamp) -> Result<Vec<Row>> {
    let due = tx.query(
        "SELECT id, action, target, attempts, unhelpful FROM intents
         WHERE service = $1 AND parked = 0 AND not_before <= $2 ORDER BY id LIMIT $3",
        &[service.into(), now.into(), BATCH.into()],
        |row| {
            let begun = Row { id: row.get(0)?, action: row.get(1)?, target: row.get(2)?, unhelpful: row.get(4)? };
            Ok((begun, row.get(3)?))
        },
    )?;
    for (row, attempts) in &due {
        let again = now + LEASE.max(backoff(*attempts, PAUSE));
        let params: &[Param<'_>] = &[row.id.into(), again.into()];
        tx.execute("UPDATE intents SET attempts = attempts + 1, not_before = $2 WHERE id = $1", params)?;
    }
    Ok(due.into_iter().map(|(row, _)| row).collect())
}
