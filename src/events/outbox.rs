//! The outbox: who subscribes to which events, and how events are written.

use super::{Event, EventKind};
use crate::error::{Error, Result};
use crate::storage::Tx;

/// What a subscriber does with events, oldest first, in the transaction that deletes them from the outbox.
pub type Effect = fn(&Tx<'_>, &[Event]) -> Result<()>;

/// A receiver of events, in this process or another.
#[derive(Clone, Copy, Debug)]
pub struct Subscriber {
    /// Its name in the outbox. Never change it: the events that wait under the old name would be lost.
    pub name: &'static str,
    pub kinds: &'static [EventKind],
    pub effect: Effect,
    /// Whether its process handles all waiting events before it serves requests.
    pub is_needed_to_serve: bool,
}

/// Writes events for all subscribers, including those of other processes.
#[derive(Clone, Copy, Debug)]
pub struct Outbox {
    /// The subscribers of each service.
    services: &'static [&'static [Subscriber]],
}

impl Outbox {
    pub const fn new(services: &'static [&'static [Subscriber]]) -> Self {
        Self { services }
    }

    pub(super) fn subscribers(self) -> impl Iterator<Item = &'static Subscriber> {
        self.services.iter().copied().flatten()
    }

    /// Writes `event`: one row for each subscriber of its kind. The rows are committed with the transaction.
    pub fn emit(&self, tx: &Tx<'_>, event: &Event) -> Result<()> {
        let kind = event.kind();
        let trace = tx.trace().map(|trace| trace.to_string());
        for subscriber in self.subscribers().filter(|subscriber| subscriber.kinds.contains(&kind)) {
            let json = serde_json::to_string(event).map_err(Error::internal)?;
            tx.execute(
                "INSERT INTO outbox (subscriber, id, key, event, trace)
                 VALUES ($1, (SELECT coalesce(max(id), 0) + 1 FROM outbox WHERE subscriber = $1), $2, $3, $4)",
                &[subscriber.name.into(), (&event.key()).into(), (&json).into(), trace.as_ref().into()],
            )?;
        }
        Ok(())
    }
}
