//! Who subscribes to what, and writing events for them.

use super::{Event, EventKind};
use crate::error::{Error, Result};
use crate::storage::Tx;

/// What a subscriber does with events, oldest first, in the transaction that removes them from the outbox.
pub type Effect = fn(&Tx<'_>, &[Event]) -> Result<()>;

/// Somebody who hears of events, in whichever process it runs.
#[derive(Clone, Copy, Debug)]
pub struct Subscriber {
    /// Its name in the outbox. Under another name it would not receive what waits for it.
    pub name: &'static str,
    pub kinds: &'static [EventKind],
    pub effect: Effect,
    /// Whether a process that runs it serves no request before all that waits for it is handled.
    pub is_needed_to_serve: bool,
}

/// Writes events for all subscribers there are, also for those that run in other processes.
#[derive(Clone, Copy, Debug)]
pub struct Outbox {
    /// Those of each service.
    services: &'static [&'static [Subscriber]],
}

impl Outbox {
    pub const fn new(services: &'static [&'static [Subscriber]]) -> Self {
        Self { services }
    }

    pub(super) fn subscribers(self) -> impl Iterator<Item = &'static Subscriber> {
        self.services.iter().copied().flatten()
    }

    /// Writes `event`, one row for each that subscribes to its kind; the rows are committed with the transaction or
    /// not at all.
    pub fn emit(&self, tx: &Tx<'_>, event: &Event) -> Result<()> {
        let kind = event.kind();
        for subscriber in self.subscribers().filter(|subscriber| subscriber.kinds.contains(&kind)) {
            let json = serde_json::to_string(event).map_err(Error::internal)?;
            tx.execute(
                "INSERT INTO outbox (subscriber, id, key, event)
                 VALUES ($1, (SELECT coalesce(max(id), 0) + 1 FROM outbox WHERE subscriber = $1), $2, $3)",
                &[subscriber.name.into(), (&event.key()).into(), (&json).into()],
            )?;
        }
        Ok(())
    }
}
