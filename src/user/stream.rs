//! Notifications as they come.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{Stream, stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::api::Notification;
use super::{State, store};
use crate::auth::{Auth, Principal, token};
use crate::error::{Error, Result, TOKEN_REVOKED};
use crate::events::Event;
use crate::storage::{CHUNK, Db};
use crate::web::{Language, Message};

/// How often a stream looks by itself: another process on the same database may have written.
const LOOK: Duration = Duration::from_secs(1);
/// Lots of arrivals that a stream may be behind before it is told to look for itself.
const BEHIND: usize = 64;

/// Tells the streams whose notifications have arrived: the users' ids, sorted, each once. Clones share it.
#[derive(Clone)]
pub struct Arrivals(broadcast::Sender<Arc<[i64]>>);

impl Default for Arrivals {
    fn default() -> Self {
        Self(broadcast::channel(BEHIND).0)
    }
}

impl Arrivals {
    /// Wakes the streams of the users who were notified of `events`.
    pub fn announce(&self, events: &[Event]) {
        let user = |event: &Event| match event {
            Event::OrderCreated { user_id, .. } | Event::OrderStatusChanged { user_id, .. } => Some(*user_id),
            _ => None,
        };
        let mut users: Vec<_> = events.iter().filter_map(user).collect();
        users.sort_unstable();
        users.dedup();
        // Nobody may be listening.
        let _ = self.0.send(users.into());
    }
}

/// The stream of one user, as far as it has come.
struct Following {
    db: Db,
    arrivals: broadcast::Receiver<Arc<[i64]>>,
    auth: Auth,
    listener: Principal,
    /// When a listener who has logged in has to do so again.
    until: Instant,
    user_id: i64,
    /// The id of the last notification read.
    last: i64,
    language: Language,
    ready: VecDeque<Notification>,
}

/// The notifications of a user after the one with the id `last`, and then each as it comes.
///
/// It ends when the tokens of `listener` are ended, and in any case when one would be over that is made now.
pub fn of(
    state: &State,
    auth: &Auth,
    listener: Principal,
    user_id: i64,
    last: i64,
    language: Language,
) -> impl Stream<Item = Result<Message>> + use<> {
    let (db, arrivals) = (state.db.clone(), state.arrivals.0.subscribe());
    let (auth, until) = (auth.clone(), Instant::now() + token::LIFE);
    let ready = VecDeque::new();
    let following = Following { db, arrivals, auth, listener, until, user_id, last, language, ready };
    stream::try_unfold(following, |mut following| async move {
        loop {
            if let Some(notification) = following.ready.pop_front() {
                let data = serde_json::to_string(&notification).map_err(Error::internal)?;
                return Ok(Some((Message { id: notification.id, data }, following)));
            }
            if !following.may_go_on().await? || (!following.read().await? && !following.wait().await) {
                return Ok(None);
            }
        }
    })
}

impl Following {
    async fn may_go_on(&self) -> Result<bool> {
        match self.auth.check(self.listener, &self.db).await {
            Ok(()) => Ok(self.listener == Principal::Nobody || Instant::now() < self.until),
            Err(error) if error.is(&TOKEN_REVOKED) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads what there is; false if there is nothing.
    async fn read(&mut self) -> Result<bool> {
        let (user_id, last, language) = (self.user_id, self.last, self.language);
        self.ready = self.db.read(move |tx| store::notifications(tx, user_id, last, CHUNK, language)).await?.into();
        self.last = self.ready.back().map_or(last, |notification| notification.id);
        Ok(!self.ready.is_empty())
    }

    /// Waits until it is worth another look; false if nothing will ever come.
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
        tokio::time::timeout(LOOK, arrived).await.unwrap_or(true)
    }
}
