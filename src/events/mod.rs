//! What happened, delivered to whoever subscribed; and the calls to other services that must follow from a change.
//!
//! [`Outbox::emit`] writes an event in the transaction of the change that it reports, one row for each
//! subscriber; [`Delivery`] hands the rows over in batches, each in the transaction of the subscriber's own effect.
//! So an event exists if and only if its change was committed, and is applied once. [`jobs`] do the
//! same for calls over the network, which no transaction can hold: they are made until they are answered.
//!
//! Each service declares its subscribers and its kinds of jobs; here none of them is known by name.

mod delivery;
mod event;
pub mod jobs;
mod outbox;
mod pace;
mod subscribers;

use std::time::Duration;

use crate::error::Result;
use crate::storage::Tx;
pub use delivery::{After, Delivery, LocalSubscribers};
pub use event::{Event, EventKind};
pub use jobs::{Job, JobKind, JobRunner};
pub use outbox::{Effect, Outbox, Subscriber};

/// How much there is still to do, how much was given up, and how much dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub events_waiting: i64,
    pub events_parked: i64,
    /// Since the database was made: nobody received them.
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

/// How long to wait after the `attempts`th failure in a row: from half a second, doubling, to `most`.
fn backoff(attempts: i64, most: Duration) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 16) - 1).unwrap_or(0);
    Duration::from_millis(500 << doublings).min(most)
}
