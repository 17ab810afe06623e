//! Live streams of notifications.

use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::api::Notification;
use super::state::State;
use super::store;
use super::store::NotificationRecord;
use crate::domain::{Language, UserId};
use crate::error::{Error, Result};
use crate::storage::{Db, MAX_CHUNK_ROWS, Tx};
use crate::web::{Message, MessageSource};

/// A notification in the reader's language.
pub fn notification(
    NotificationRecord { id, order_id, status, at }: NotificationRecord,
    language: Language,
) -> Notification {
    Notification::new(id, order_id, status, at, language)
}

/// How far a stream of a user's notifications has come.
pub struct NotificationSource {
    db: Db,
    arrivals: broadcast::Receiver<Arc<[UserId]>>,
    user_id: UserId,
    /// The generation of the rows that `last` is about.
    generation: i64,
    /// The id of the last notification read.
    last: i64,
    language: Language,
}

impl NotificationSource {
    /// The notifications after the one with the id `last`.
    pub async fn after(state: &State, user_id: UserId, last: i64, language: Language) -> Result<Self> {
        let arrivals = state.arrivals.subscribe();
        let newest = move |tx: &Tx<'_>| Ok((tx.generation()?, store::latest_notification(tx, user_id)?.unwrap_or(0)));
        let (generation, newest) = state.db.read(newest).await?;
        // A client of an earlier database may know a higher id. No notification must reach that one first.
        Ok(Self { db: state.db.clone(), arrivals, user_id, generation, last: last.min(newest), language })
    }
}

impl MessageSource for NotificationSource {
    async fn read(&mut self) -> Result<Vec<Message>> {
        let (user_id, before, last, language) = (self.user_id, self.generation, self.last, self.language);
        let (generation, last, records) = self
            .db
            .read(move |tx| {
                let generation = tx.generation()?;
                // After a reset the ids begin anew.
                let last = if generation == before { last } else { 0 };
                Ok((generation, last, store::notifications(tx, user_id, last, MAX_CHUNK_ROWS)?))
            })
            .await?;
        self.generation = generation;
        self.last = records.last().map_or(last, |record| record.id);
        let message = |record| {
            let notification = notification(record, language);
            let data = serde_json::to_string(&notification).map_err(Error::internal)?;
            Ok(Message { id: notification.id, data })
        };
        records.into_iter().map(message).collect()
    }

    async fn changed(&mut self) -> bool {
        loop {
            match self.arrivals.recv().await {
                Ok(users) if users.binary_search(&self.user_id).is_err() => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return true,
                Err(RecvError::Closed) => return false,
            }
        }
    }
}
