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
    /// The id of the last change of an order.
    last: i64,
    last_placed: OrderId,
    language: Language,
}

impl ActivitySource {
    /// What happens after the change with the id `last`; `None`: from now on.
    pub async fn after(state: &State, last: Option<i64>, language: Language) -> Result<Self> {
        let changes = state.changes.clone();
        let newest = |tx: &Tx<'_>| Ok((figures::last_activity(tx)?, figures::newest_placed(tx)?));
        let (newest, last_placed) = state.db.read(newest).await?;
        // A client of an earlier database may know a higher id. No change must reach that one first.
        let last = last.map_or(newest, |last| last.min(newest));
        Ok(Self { db: state.db.clone(), changes, last, last_placed, language })
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
        let (last, last_placed) = (self.last, self.last_placed);
        let (placed, changed) = self
            .db
            .read(move |tx| {
                let placed = figures::placed_after(tx, last_placed, MAX_PLACED)?;
                Ok((placed, figures::activity_after(tx, last, MAX_CHUNK_ROWS)?))
            })
            .await?;
        self.last_placed = placed.last().map_or(last_placed, |entry| entry.order_id);
        placed.into_iter().chain(changed).map(|entry| self.message(entry)).collect()
    }

    async fn changed(&mut self) -> bool {
        self.changes.changed().await.is_ok()
    }
}
