//! Calls that must be made because of a change: written down with the change, made until they are
//! answered, however long the other service is away.
//!
//! Whoever is called must bear to be called again. An intent is *begun* by whoever is about to make the
//! call; until then it can be withdrawn, by nobody after.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};

use super::{Pace, backoff};
use crate::clock::{Clock, millis};
use crate::error::{Error, Kind, Result};
use crate::storage::{Db, Param, Row, Tx};

/// Intents of one step.
const BATCH: i64 = 64;
/// Calls under way at once.
const PARALLEL: usize = 8;
/// The longest pause between two attempts.
const PAUSE: Duration = Duration::from_secs(30);
/// Attempts in a row after which a call is parked that is answered, but never so that it helps: some eight minutes'
/// worth, which a gateway in front of a service that restarts does not take.
const UNHELPFUL_ATTEMPTS: i64 = 20;
/// How long whoever begins a call may take before it is tried by the worker, too: longer than a budget.
const TURN: Duration = Duration::from_secs(3);

/// A call that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub id: i64,
    pub action: String,
    /// What the action is about: an id or a key.
    pub target: String,
    attempts: i64,
    /// Attempts in a row that were answered, but never so that it helped.
    unhelpful: i64,
}

/// Makes the call of an intent. After an error that may pass ([`Kind::Unavailable`]) it is retried until it is
/// answered; if the error is unlikely to pass ([`Error::is_unlikely_to_pass`]), so many times and then it is parked.
/// Any other error means that it can never succeed: it is parked at once.
pub type Act = Arc<dyn Fn(Intent) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Writes an intent that is due at `not_before` (epoch milliseconds), at most half a minute from now, and can be withdrawn
/// until then.
pub fn plan(tx: &Tx<'_>, service: &str, action: &str, target: &str, not_before: i64) -> Result<i64> {
    add(tx, service, action, target, 0, not_before)
}

/// Writes an intent that is begun: whoever writes it makes the call as soon as the change is committed,
/// and the worker only if that came to nothing.
pub fn begin(tx: &Tx<'_>, service: &str, action: &str, target: &str, now: i64) -> Result<Intent> {
    let id = add(tx, service, action, target, 1, now + millis(TURN))?;
    Ok(Intent { id, action: action.to_owned(), target: target.to_owned(), attempts: 1, unhelpful: 0 })
}

fn add(tx: &Tx<'_>, service: &str, action: &str, target: &str, attempts: i64, not_before: i64) -> Result<i64> {
    tx.query_one(
        "INSERT INTO intents (service, action, target, attempts, not_before) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        &[service.into(), action.into(), target.into(), attempts.into(), not_before.into()],
        |row| row.get(0),
    )
}

/// Takes a planned intent back; false if somebody has begun it.
pub fn withdraw(tx: &Tx<'_>, id: i64) -> Result<bool> {
    Ok(tx.execute("DELETE FROM intents WHERE id = $1 AND attempts = 0", &[id.into()])? == 1)
}

/// Makes a planned intent due at once.
pub fn hasten(tx: &Tx<'_>, id: i64) -> Result<()> {
    tx.execute("UPDATE intents SET not_before = 0 WHERE id = $1 AND attempts = 0", &[id.into()])?;
    Ok(())
}

/// Removes an intent whose call has been answered.
pub fn fulfil(tx: &Tx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM intents WHERE id = $1", &[id.into()])?;
    Ok(())
}

/// Makes the calls that a service owes.
#[derive(Clone)]
pub struct Caller {
    db: Db,
    clock: Clock,
    service: &'static str,
    act: Act,
}

impl Caller {
    pub fn new(db: Db, clock: Clock, service: &'static str, act: Act) -> Self {
        Self { db, clock, service, act }
    }

    /// Works for as long as it is polled.
    pub async fn run(self) {
        if let Err(error) = self.resume_parked().await {
            log::warn!("{}: parked calls stay parked: {error}", self.service);
        }
        let mut pace = Pace::new(&self.db);
        loop {
            pace.next().await;
            pace.more = match self.step().await {
                Ok(made) => made > 0,
                Err(error) => {
                    log::warn!("{}: calls that are owed have to wait: {error}", self.service);
                    false
                }
            };
        }
    }

    /// Has each parked call be made again: what stood in its way may have been repaired before this start.
    async fn resume_parked(&self) -> Result<()> {
        let service = self.service;
        let sql = "UPDATE intents SET parked = 0, unhelpful = 0, not_before = 0 WHERE service = $1 AND parked = 1";
        self.db.write_in_background(move |tx| tx.execute(sql, &[service.into()])).await?;
        Ok(())
    }

    /// Begins what is due, makes the calls, and tells how many there were.
    pub async fn step(&self) -> Result<usize> {
        let (service, now) = (self.service, self.clock.now());
        if self.db.read(move |tx| any_too_late(tx, service, now)).await? {
            self.db.write_in_background(move |tx| bring_forward(tx, service, now)).await?;
        }
        if !self.db.read(move |tx| any_due(tx, service, now)).await? {
            return Ok(0);
        }
        let begun = self.db.write_in_background(move |tx| begin_due(tx, service, now)).await?;
        let number = begun.len();
        let calls = stream::iter(begun).map(async |intent| {
            let outcome = (self.act)(intent.clone()).await;
            self.note(intent, outcome).await;
        });
        calls.buffer_unordered(PARALLEL).for_each(async |()| {}).await;
        Ok(number)
    }

    /// Notes how the call of an intent ended that was begun, by the worker or by a request.
    pub async fn note(&self, intent: Intent, outcome: Result<()>) {
        let id = intent.id;
        let noted = match outcome {
            Ok(()) => self.db.write(move |tx| fulfil(tx, id)).await,
            Err(error) if error.code().kind == Kind::Unavailable => self.retry(&intent, &error).await,
            Err(error) => self.park(&intent, &error).await,
        };
        if let Err(error) = noted {
            // It is due again after its turn, and harmless to repeat.
            log::warn!("{}: {} {} stays noted: {error}", self.service, intent.action, intent.target);
        }
    }

    /// Leaves a call to be made again, unless it has been answered too often without help.
    async fn retry(&self, intent: &Intent, error: &Error) -> Result<()> {
        // After any other failure, the peer may be back with another answer.
        let unhelpful = if error.is_unlikely_to_pass() { intent.unhelpful + 1 } else { 0 };
        if unhelpful >= UNHELPFUL_ATTEMPTS {
            return self.park(intent, error).await;
        }
        log::warn!("{}: {} {} is retried: {error}", self.service, intent.action, intent.target);
        if unhelpful != intent.unhelpful {
            let (id, sql) = (intent.id, "UPDATE intents SET unhelpful = $2 WHERE id = $1");
            self.db.write(move |tx| tx.execute(sql, &[id.into(), unhelpful.into()])).await?;
        }
        Ok(())
    }

    async fn park(&self, intent: &Intent, error: &Error) -> Result<()> {
        log::error!("{}: {} {} is parked, it can't succeed: {error}", self.service, intent.action, intent.target);
        let id = intent.id;
        self.db.write(move |tx| tx.execute("UPDATE intents SET parked = 1 WHERE id = $1", &[id.into()])).await?;
        Ok(())
    }
}

fn any_due(tx: &Tx<'_>, service: &str, now: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM intents WHERE service = $1 AND parked = 0 AND not_before <= $2 LIMIT 1";
    Ok(tx.query_opt(sql, &[service.into(), now.into()], |_| Ok(()))?.is_some())
}

/// Whether an intent waits for longer than any is ever made to: the clock has been set back since it was written.
fn any_too_late(tx: &Tx<'_>, service: &str, now: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM intents WHERE service = $1 AND parked = 0 AND not_before > $2 LIMIT 1";
    Ok(tx.query_opt(sql, &[service.into(), (now + millis(PAUSE)).into()], |_| Ok(()))?.is_some())
}

/// Has those that wait for too long be due in [`TURN`]: not at once, as a request of another process may be about
/// to withdraw or to make the call.
fn bring_forward(tx: &Tx<'_>, service: &str, now: i64) -> Result<u64> {
    tx.execute(
        "UPDATE intents SET not_before = $3 WHERE service = $1 AND parked = 0 AND not_before > $2",
        &[service.into(), (now + millis(PAUSE)).into(), (now + millis(TURN)).into()],
    )
}

/// Marks what is due as begun, each with the time at which it would be due again.
fn begin_due(tx: &Tx<'_>, service: &str, now: i64) -> Result<Vec<Intent>> {
    let due = tx.query(
        "SELECT id, action, target, attempts, unhelpful FROM intents
         WHERE service = $1 AND parked = 0 AND not_before <= $2 ORDER BY id LIMIT $3",
        &[service.into(), now.into(), BATCH.into()],
        |row: &Row<'_>| {
            let (id, action, target) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Intent { id, action, target, attempts: row.get(3)?, unhelpful: row.get(4)? })
        },
    )?;
    for intent in &due {
        let again = now + millis(TURN.max(backoff(intent.attempts, PAUSE)));
        let params: &[Param<'_>] = &[intent.id.into(), again.into()];
        tx.execute("UPDATE intents SET attempts = attempts + 1, not_before = $2 WHERE id = $1", params)?;
    }
    Ok(due)
}
