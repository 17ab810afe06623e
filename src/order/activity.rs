//! The live stream of what happens to orders.

use tokio::sync::watch;

use super::api::{Activity, ActivityEntry};
use super::state::State;
use super::store::figures;
use crate::domain::{Language, OrderId};
use crate::error::{Error, Result};
use crate::storage::{Db, MAX_CHUNK_ROWS, Tx};
use crate::web::{Message, MessageSource};

/// The most new orders that are sent one by one; of more, the newest are.
const MAX_PLACED: usize = 20;

/// How far a stream of activity has come.
pub struct ActivitySource {
    db: Db,
    changes: watch::Receiver<()>,
    /// The generation of the rows that the next two are about.
    generation: i64,
    /// The id of the last change of an order.
    last: i64,
    last_placed: OrderId,
    language: Language,
}

impl ActivitySource {
    /// What happens after the change with the id `last`; `None`: from now on.
    pub async fn after(state: &State, last: Option<i64>, language: Language) -> Result<Self> {
        let changes = state.changes.clone();
        let newest = |tx: &Tx<'_>| Ok((tx.generation()?, figures::last_activity(tx)?, figures::newest_placed(tx)?));
        let (generation, newest, last_placed) = state.db.read(newest).await?;
        // A client of an earlier database may know a higher id. No change must reach that one first.
        let last = last.map_or(newest, |last| last.min(newest));
        Ok(Self { db: state.db.clone(), changes, generation, last, last_placed, language })
    }

    /// New orders are sent with the id of the last change: a client that connects again after it misses no change.
    fn message(&mut self, entry: ActivityEntry) -> Result<Message> {
        self.last = entry.id.unwrap_or(self.last);
        let data = serde_json::to_string(&Activity::new(entry, self.language)).map_err(Error::internal)?;
        Ok(Message { id: self.last, data })
    }
}

impl MessageSource for ActivitySource {
    async fn read(&mut self) -> Result<Vec<Message>> {
        let (before, last, last_placed) = (self.generation, self.last, self.last_placed);
        let (generation, placed, changed) = self
            .db
            .read(move |tx| {
                let generation = tx.generation()?;
                // After a reset the ids begin anew.
                let (last, last_placed) = if generation == before { (last, last_placed) } else { (0, OrderId::new(0)) };
                let placed = figures::placed_after(tx, last_placed, MAX_PLACED)?;
                Ok((generation, placed, figures::activity_after(tx, last, MAX_CHUNK_ROWS)?))
            })
            .await?;
        if generation != before {
            (self.generation, self.last, self.last_placed) = (generation, 0, OrderId::new(0));
        }
        self.last_placed = placed.last().map_or(self.last_placed, |entry| entry.order_id);
        placed.into_iter().chain(changed).map(|entry| self.message(entry)).collect()
    }

    async fn changed(&mut self) -> bool {
        self.changes.changed().await.is_ok()
    }
}
