//! Durable jobs: calls to other services that must follow from a change.
//!
//! A job is written in the transaction of the change, and run until its call is answered, however long the other
//! service is down. So its call must be idempotent. Whoever is about to run a job *begins* it. Until then it can be
//! withdrawn.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};

use super::pace::{Pace, backoff};
use crate::clock::Clock;
use crate::context::CALL_BUDGET;
use crate::domain::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::storage::{Db, Param, Tx};

/// The most jobs of one step.
const MAX_BATCH_JOBS: i64 = 64;
/// The most calls at the same time.
const MAX_PARALLEL_CALLS: usize = 8;
/// The longest pause between two attempts, and before a planned job is due.
pub const MAX_PAUSE: Duration = Duration::from_secs(30);
/// Attempts in a row after which a job is parked because its call is answered, but never so that it helps. They take
/// about eight minutes; a gateway in front of a service that restarts answers so for a shorter time.
const MAX_UNHELPFUL_ATTEMPTS: i64 = 20;
/// How long a job belongs to whoever began it. After that the worker runs it too.
const LEASE: Duration = Duration::from_secs(3);
const _: () = assert!(
    LEASE.as_millis() > CALL_BUDGET.as_millis(),
    "a request must end its job within the lease, or the worker makes the same call at the same time"
);
const _: () = assert!(LEASE.as_millis() <= MAX_PAUSE.as_millis(), "a lease counts as a pause between two attempts");

/// The kinds of jobs of a service.
pub trait JobKind: Clone + Send + Sync + 'static {
    /// The name of the service, in its stored jobs.
    const SERVICE: &'static str;

    /// The stored form: the action and its target.
    fn encode(&self) -> (&'static str, String);

    /// The job of a stored form; `None` if this version does not know it.
    fn decode(action: &str, target: &str) -> Option<Self>;
}

/// A job that somebody has begun.
#[derive(Clone, Debug)]
pub struct Job<K> {
    pub kind: K,
    row: JobRow,
}

/// A job as it is stored.
#[derive(Clone, Debug)]
struct JobRow {
    id: i64,
    action: String,
    target: String,
    /// Attempts in a row that were answered, but did not help.
    unhelpful: i64,
}

/// Runs a job. After an error that may pass ([`Kind::Unavailable`]) the job is retried until its call is answered.
/// After `MAX_UNHELPFUL_ATTEMPTS` errors in a row that are unlikely to pass ([`Error::is_unlikely_to_recover`]) it is
/// parked. Any other error means that it can never succeed, and parks it at once.
pub type RunJob<K> = Arc<dyn Fn(K) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Writes a job that is due at `not_before`, at most [`MAX_PAUSE`] from now, and can be withdrawn until then. Returns
/// its id.
pub fn plan<K: JobKind>(tx: &Tx<'_>, kind: &K, not_before: Timestamp) -> Result<i64> {
    let (action, target) = kind.encode();
    insert::<K>(tx, action, &target, 0, not_before)
}

/// Writes a job that is begun already. The caller runs it after the commit; the worker runs it only if that attempt
/// fails.
pub fn begin<K: JobKind>(tx: &Tx<'_>, kind: K, now: Timestamp) -> Result<Job<K>> {
    let (action, target) = kind.encode();
    let id = insert::<K>(tx, action, &target, 1, now + LEASE)?;
    Ok(Job { kind, row: JobRow { id, action: action.to_owned(), target, unhelpful: 0 } })
}

fn insert<K: JobKind>(tx: &Tx<'_>, action: &str, target: &str, attempts: i64, not_before: Timestamp) -> Result<i64> {
    tx.query_one(
        "INSERT INTO intents (service, action, target, attempts, not_before) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        &[K::SERVICE.into(), action.into(), target.into(), attempts.into(), not_before.into()],
        |row| row.get(0),
    )
}

/// Deletes a planned job; false if somebody has begun it.
pub fn withdraw(tx: &Tx<'_>, id: i64) -> Result<bool> {
    Ok(tx.execute("DELETE FROM intents WHERE id = $1 AND attempts = 0", &[id.into()])? == 1)
}

/// Makes a planned job due at once.
pub fn run_now(tx: &Tx<'_>, id: i64) -> Result<()> {
    tx.execute("UPDATE intents SET not_before = 0 WHERE id = $1 AND attempts = 0", &[id.into()])?;
    Ok(())
}

/// Deletes a job whose call was answered.
pub fn complete(tx: &Tx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM intents WHERE id = $1", &[id.into()])?;
    Ok(())
}

/// Deletes a job whose call the caller makes in the same transaction: the other service is on the same database.
pub fn take<K>(tx: &Tx<'_>, job: Job<K>) -> Result<K> {
    complete(tx, job.row.id)?;
    Ok(job.kind)
}

/// Removes all jobs, whichever service's, but those of one `action` of a service, about things with names of their own,
/// which the rows that are left can't have. They become due, and can't be withdrawn any more.
pub fn remove_all_but(tx: &Tx<'_>, service: &str, action: &str) -> Result<()> {
    tx.execute("DELETE FROM intents WHERE NOT (service = $1 AND action = $2)", &[service.into(), action.into()])?;
    tx.execute("UPDATE intents SET attempts = attempts + 1, not_before = 0, unhelpful = 0, parked = 0", &[])?;
    Ok(())
}

/// Runs the jobs of a service.
#[derive(Clone)]
pub struct JobRunner<K> {
    db: Db,
    clock: Clock,
    work: RunJob<K>,
}

impl<K: JobKind> JobRunner<K> {
    pub fn new(db: Db, clock: Clock, work: RunJob<K>) -> Self {
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
            pace.more = match self.db.in_generation(self.step()).await {
                Ok(run) => run > 0,
                Err(error) => {
                    log::warn!("{}: calls that must follow have to wait: {error}", K::SERVICE);
                    false
                }
            };
        }
    }

    /// Retries all parked jobs. The process starts, so their cause may have been repaired.
    async fn resume_parked(&self) -> Result<()> {
        let sql = "UPDATE intents SET parked = 0, unhelpful = 0, not_before = 0 WHERE service = $1 AND parked = 1";
        self.db.write_in_background(|tx| tx.execute(sql, &[K::SERVICE.into()])).await?;
        Ok(())
    }

    /// Begins the due jobs and runs them. Returns their number.
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
        runs.buffer_unordered(MAX_PARALLEL_CALLS).for_each(async |()| {}).await;
        Ok(number)
    }

    /// Records the outcome of a job that a request ran.
    pub async fn record(&self, job: Job<K>, outcome: Result<()>) {
        self.record_outcome(job.row, outcome).await;
    }

    async fn record_outcome(&self, row: JobRow, outcome: Result<()>) {
        let id = row.id;
        let recorded = match outcome {
            Ok(()) => self.db.write(move |tx| complete(tx, id)).await,
            Err(error) if error.code().kind == Kind::Unavailable => self.retry(&row, &error).await,
            Err(error) => self.park(&row, &error).await,
        };
        if let Err(error) = recorded {
            // The job is due again after its lease. That is harmless, as its call is idempotent.
            log::warn!("{}: {} {} stays noted: {error}", K::SERVICE, row.action, row.target);
        }
    }

    /// Leaves a job for the next attempt, or parks it after too many answers that did not help.
    async fn retry(&self, row: &JobRow, error: &Error) -> Result<()> {
        // After a failure of another kind the peer may answer differently.
        let unhelpful = if error.is_unlikely_to_recover() { row.unhelpful + 1 } else { 0 };
        if unhelpful >= MAX_UNHELPFUL_ATTEMPTS {
            return self.park(row, error).await;
        }
        log::warn!("{}: {} {} is retried: {error}", K::SERVICE, row.action, row.target);
        if unhelpful != row.unhelpful {
            let (id, sql) = (row.id, "UPDATE intents SET unhelpful = $2 WHERE id = $1");
            self.db.write(move |tx| tx.execute(sql, &[id.into(), unhelpful.into()])).await?;
        }
        Ok(())
    }

    async fn park(&self, row: &JobRow, error: &Error) -> Result<()> {
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

/// Whether a job is due later than [`MAX_PAUSE`] from now: the clock was set back after it was written.
fn any_too_late(tx: &Tx<'_>, service: &str, now: Timestamp) -> Result<bool> {
    let sql = "SELECT 1 FROM intents WHERE service = $1 AND parked = 0 AND not_before > $2 LIMIT 1";
    Ok(tx.query_opt(sql, &[service.into(), (now + MAX_PAUSE).into()], |_| Ok(()))?.is_some())
}

/// Makes the jobs that are due too late due after a [`LEASE`]. Not at once: a request of another process may be about
/// to withdraw or to run them.
fn bring_forward(tx: &Tx<'_>, service: &str, now: Timestamp) -> Result<u64> {
    tx.execute(
        "UPDATE intents SET not_before = $3 WHERE service = $1 AND parked = 0 AND not_before > $2",
        &[service.into(), (now + MAX_PAUSE).into(), (now + LEASE).into()],
    )
}

/// Begins the due jobs. Each is due again after its lease, or after its pause if that is longer.
fn begin_due(tx: &Tx<'_>, service: &str, now: Timestamp) -> Result<Vec<JobRow>> {
    let due = tx.query(
        "SELECT id, action, target, attempts, unhelpful FROM intents
         WHERE service = $1 AND parked = 0 AND not_before <= $2 ORDER BY id LIMIT $3",
        &[service.into(), now.into(), MAX_BATCH_JOBS.into()],
        |row| {
            let begun = JobRow { id: row.get(0)?, action: row.get(1)?, target: row.get(2)?, unhelpful: row.get(4)? };
            Ok((begun, row.get(3)?))
        },
    )?;
    for (row, attempts) in &due {
        let again = now + LEASE.max(backoff(*attempts, MAX_PAUSE));
        let params: &[Param<'_>] = &[row.id.into(), again.into()];
        tx.execute("UPDATE intents SET attempts = attempts + 1, not_before = $2 WHERE id = $1", params)?;
    }
    Ok(due.into_iter().map(|(row, _)| row).collect())
}
