//! The invariants of events and jobs: none is parked, none waits for ever.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::outbox::Subscriber;
use crate::error::Result;
use crate::invariants::{Finding, add_all};
use crate::storage::{Cursor, Listed, Sort, SortKey, Tx};

/// Jobs of a service: the parked ones break the invariant, the others are under way.
pub fn check_jobs(tx: &Tx<'_>, service: &str) -> Result<Finding> {
    let sql = "SELECT CAST(id AS TEXT) FROM intents WHERE service = $1 AND parked = $2 ORDER BY id";
    let mut finding = Finding::default();
    add_all(&mut finding.broken, tx, sql, &[service.into(), 1.into()])?;
    add_all(&mut finding.under_way, tx, sql, &[service.into(), 0.into()])?;
    let (waiting, attempts): (i64, i64) = tx.query_one(
        "SELECT count(*), coalesce(max(attempts), 0) FROM intents WHERE service = $1 AND parked = 0",
        &[service.into()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(finding.with("waiting", waiting).with("most_attempts", attempts))
}

/// Events for the subscribers of a service: the parked ones break the invariant, the others are under way.
pub fn check_events(tx: &Tx<'_>, subscribers: &[Subscriber]) -> Result<Finding> {
    let sql = "SELECT subscriber || ' ' || id FROM outbox WHERE subscriber = $1 AND parked = $2 ORDER BY id";
    let mut finding = Finding::default();
    let mut waiting = 0;
    for Subscriber { name, .. } in subscribers {
        add_all(&mut finding.broken, tx, sql, &[(*name).into(), 1.into()])?;
        add_all(&mut finding.under_way, tx, sql, &[(*name).into(), 0.into()])?;
        waiting += waiting_events(tx, name)?;
    }
    Ok(finding.with("waiting", waiting))
}

/// How many events wait for a subscriber.
pub fn waiting_events(tx: &Tx<'_>, subscriber: &str) -> Result<i64> {
    let sql = "SELECT count(*) FROM outbox WHERE subscriber = $1 AND parked = 0";
    tx.query_one(sql, &[subscriber.into()], |row| row.get(0))
}

/// What the jobs of one kind are about, the parked ones too.
pub fn job_targets(tx: &Tx<'_>, service: &str, action: &str) -> Result<HashSet<String>> {
    let sql = "SELECT target FROM intents WHERE service = $1 AND action = $2";
    Ok(tx.query(sql, &[service.into(), action.into()], |row| row.get(0))?.into_iter().collect())
}

/// A job that waits, or is being run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingJob {
    pub id: i64,
    /// The service that makes the call.
    pub service: String,
    /// Which call it is: `commit`, `release`, `refund`, `settle` or `tell`.
    pub action: String,
    /// The reservation, payment or order that it is about.
    pub target: String,
}

impl Listed for WaitingJob {
    fn response(&self) -> impl Serialize {
        self
    }

    fn cursor(&self, _: Sort) -> Cursor {
        Cursor { key: SortKey::None, id: self.id }
    }
}

/// The jobs of all services on this database that are not parked.
pub fn waiting_jobs(tx: &Tx<'_>, _: Sort, after: Option<&Cursor>, limit: usize) -> Result<Vec<WaitingJob>> {
    tx.query(
        "SELECT id, service, action, target FROM intents WHERE id > $1 AND parked = 0 ORDER BY id LIMIT $2",
        &[after.map_or(0, |cursor| cursor.id).into(), (limit as i64).into()],
        |row| Ok(WaitingJob { id: row.get(0)?, service: row.get(1)?, action: row.get(2)?, target: row.get(3)? }),
    )
}
