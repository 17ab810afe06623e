//! How many events and jobs wait.

use crate::error::Result;
use crate::storage::Tx;

/// The numbers of waiting, parked and dropped events and jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub events_waiting: i64,
    pub events_parked: i64,
    /// Dropped because their subscriber was not alive, since the database was created.
    pub events_dropped: i64,
    pub jobs_waiting: i64,
    pub jobs_parked: i64,
}

pub fn backlog(tx: &Tx<'_>) -> Result<Backlog> {
    tx.query_one(
        "SELECT (SELECT count(*) FROM outbox WHERE parked = 0), (SELECT count(*) FROM outbox WHERE parked = 1),
                (SELECT coalesce(sum(dropped), 0) FROM subscribers),
                (SELECT count(*) FROM intents WHERE parked = 0), (SELECT count(*) FROM intents WHERE parked = 1)",
        &[],
        |row| {
            Ok(Backlog {
                events_waiting: row.get(0)?,
                events_parked: row.get(1)?,
                events_dropped: row.get(2)?,
                jobs_waiting: row.get(3)?,
                jobs_parked: row.get(4)?,
            })
        },
    )
}
