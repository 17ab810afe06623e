//! Live streams of notifications.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{Stream, stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::api::Notification;
use super::state::State;
use super::store;
use super::store::NotificationRecord;
use crate::auth::{Auth, Principal, token};
use crate::domain::{Language, UserId};
use crate::error::{Error, Result, TOKEN_REVOKED};
use crate::storage::{Db, MAX_CHUNK_ROWS};
use crate::web::Message;

/// How often a stream reads the database without an announcement: another process may have written to it.
const POLL_PERIOD: Duration = Duration::from_secs(1);

/// A notification in the reader's language.
pub fn notification(
    NotificationRecord { id, order_id, status, at }: NotificationRecord,
    language: Language,
) -> Notification {
    Notification::new(id, order_id, status, at, language)
}

/// The state of one stream.
struct NotificationStream {
    db: Db,
    arrivals: broadcast::Receiver<Arc<[UserId]>>,
    auth: Auth,
    listener: Principal,
    /// When a listener who has authenticated must do so again.
    until: Instant,
    user_id: UserId,
    /// The id of the last notification read.
    last: i64,
    language: Language,
    ready: VecDeque<Notification>,
}

/// The stream of a user's notifications after the one with the id `last`. It ends when the tokens of `listener` are
/// revoked, and at the latest when a token that is made now would expire.
pub fn of(
    state: &State,
    auth: &Auth,
    listener: Principal,
    user_id: UserId,
    last: i64,
    language: Language,
) -> impl Stream<Item = Result<Message>> + use<> {
    let (db, arrivals) = (state.db.clone(), state.arrivals.subscribe());
    let (auth, until) = (auth.clone(), Instant::now() + token::TOKEN_TTL);
    let ready = VecDeque::new();
    let notifications = NotificationStream { db, arrivals, auth, listener, until, user_id, last, language, ready };
    stream::try_unfold(notifications, |mut notifications| async move {
        loop {
            if let Some(notification) = notifications.ready.pop_front() {
                let data = serde_json::to_string(&notification).map_err(Error::internal)?;
                return Ok(Some((Message { id: notification.id, data }, notifications)));
            }
            if !notifications.may_go_on().await? || (!notifications.read().await? && !notifications.wait().await) {
                return Ok(None);
            }
        }
    })
}

impl NotificationStream {
    async fn may_go_on(&self) -> Result<bool> {
        match self.auth.check(self.listener, &self.db).await {
            Ok(()) => Ok(self.listener == Principal::Nobody || Instant::now() < self.until),
            Err(error) if error.is(&TOKEN_REVOKED) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads the next notifications; false if there are none.
    async fn read(&mut self) -> Result<bool> {
        let (user_id, last, language) = (self.user_id, self.last, self.language);
        let records = self.db.read(move |tx| store::notifications(tx, user_id, last, MAX_CHUNK_ROWS)).await?;
        self.ready = records.into_iter().map(|record| notification(record, language)).collect();
        self.last = self.ready.back().map_or(last, |notification| notification.id);
        Ok(!self.ready.is_empty())
    }

    /// Waits until there may be new notifications; false if there will be none, because the process stops.
    async fn wait(&mut self) -> bool {
        let arrived = async {
            loop {
                match self.arrivals.recv().await {
                    Ok(users) if users.binary_search(&self.user_id).is_err() => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => return true,
                    Err(RecvError::Closed) => return false,
                }
            }
        };
        tokio::time::timeout(POLL_PERIOD, arrived).await.unwrap_or(true)
    }
}
