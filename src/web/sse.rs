//! Live streams: server-sent events (the WHATWG's HTML standard, 9.2) until the client or the server ends them.

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::{Semaphore, watch};

use super::query::Query;
use crate::auth::{Auth, Principal, token};
use crate::domain::{Sentence, UserId};
use crate::error::{BAD_HEADER, BUSY, Error, Result, TOKEN_REVOKED};
use crate::shares::{self, Share, Shares};
use crate::storage::Db;

/// The most open streams. Each costs a connection and a little memory.
const MAX_STREAMS: usize = 1000;
/// The most open streams of one account: some devices with some tabs each.
const MAX_STREAMS_OF_ACCOUNT: usize = 20;
/// The most open streams of one address (or IPv6 network) that is not of this machine. An office may share one.
const MAX_STREAMS_OF_NETWORK: usize = 100;
/// How long a client with too many streams should wait, in seconds.
const RETRY_AFTER_SECONDS: u64 = 5;
/// The longest silence of a stream. Then it sends a comment, so that no proxy closes an idle connection.
const HEARTBEAT_PERIOD: Duration = Duration::from_secs(15);
const _: () = assert!(
    MAX_STREAMS_OF_ACCOUNT <= MAX_STREAMS_OF_NETWORK && MAX_STREAMS_OF_NETWORK <= MAX_STREAMS,
    "a client must leave streams to others"
);

/// The streams of a server. Clones share it.
#[derive(Clone)]
pub struct LiveStreams {
    slots: Arc<Semaphore>,
    shares: Shares<Client>,
    /// True when the server stops.
    closing: watch::Receiver<bool>,
}

/// The owner of a share of the streams.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Client {
    Account(UserId),
    Network(IpAddr),
}

/// One event of a stream.
pub struct Message {
    /// The number that a client sends as `Last-Event-ID` when it connects again.
    pub id: i64,
    /// On one line, as JSON is.
    pub data: String,
}

/// Where the messages of a stream come from.
pub trait MessageSource {
    /// The next messages; none if there are none yet.
    fn read(&mut self) -> impl Future<Output = Result<Vec<Message>>>;

    /// Waits until there may be more; false if there will be none, because the process stops.
    fn changed(&mut self) -> impl Future<Output = bool>;
}

/// How often a stream reads without hearing of a change: another process may have written to the database.
const POLL_PERIOD: Duration = Duration::from_secs(1);

/// The state of a stream of messages.
struct Follower<S> {
    source: S,
    auth: Auth,
    db: Db,
    listener: Principal,
    /// When a listener who has authenticated must do so again.
    until: Instant,
    ready: VecDeque<Message>,
}

/// The messages of `source` until the tokens of `listener` are revoked, and at the latest until a token that is made
/// now would expire.
pub fn follow<S: MessageSource>(
    auth: &Auth,
    db: &Db,
    listener: Principal,
    source: S,
) -> impl Stream<Item = Result<Message>> + use<S> {
    let until = Instant::now() + token::TOKEN_TTL;
    let ready = VecDeque::new();
    let follower = Follower { source, auth: auth.clone(), db: db.clone(), listener, until, ready };
    stream::try_unfold(follower, |mut follower| async move {
        loop {
            if let Some(message) = follower.ready.pop_front() {
                return Ok(Some((message, follower)));
            }
            match follower.auth.check(follower.listener, &follower.db).await {
                Ok(()) if follower.listener == Principal::Nobody || Instant::now() < follower.until => {}
                Ok(()) => return Ok(None),
                Err(error) if error.is(&TOKEN_REVOKED) => return Ok(None),
                Err(error) => return Err(error),
            }
            follower.ready = follower.source.read().await?.into();
            if follower.ready.is_empty() {
                let more = tokio::time::timeout(POLL_PERIOD, follower.source.changed()).await;
                if !more.unwrap_or(true) {
                    return Ok(None);
                }
            }
        }
    })
}

impl LiveStreams {
    pub fn new(closing: watch::Receiver<bool>) -> Self {
        Self { slots: Arc::new(Semaphore::new(MAX_STREAMS)), shares: Shares::unlimited(), closing }
    }

    /// Answers the `request` of `listener` with `messages`, until they end or the server stops; [`BUSY`] if too many
    /// streams are open.
    pub fn answer(
        &self,
        request: &HttpRequest,
        listener: Principal,
        messages: impl Stream<Item = Result<Message>> + 'static,
    ) -> Result<HttpResponse> {
        let share = self.share(listener, request.peer_addr())?;
        let slot = Arc::clone(&self.slots).try_acquire_owned();
        let slot = (slot.map_err(|_| busy(format!("{MAX_STREAMS} streams are open, which is all there are")))?, share);
        let closing = self.closing.clone();
        let body =
            stream::unfold((Box::pin(messages), closing, slot), |(mut messages, mut closing, slot)| async move {
                let line = tokio::select! {
                    _ = closing.wait_for(|closing| *closing) => return None,
                    message = messages.next() => match message? {
                        Ok(Message { id, data }) => Ok(Bytes::from(format!("id: {id}\ndata: {data}\n\n"))),
                        Err(error) => Err(error),
                    },
                    () = tokio::time::sleep(HEARTBEAT_PERIOD) => Ok(Bytes::from_static(b":\n\n")),
                };
                Some((line, (messages, closing, slot)))
            });
        // Sent at once, so that the client knows that it is connected.
        let hello = stream::iter([Ok(Bytes::from_static(b":\n\n"))]);
        let mut response = HttpResponse::Ok();
        response.content_type("text/event-stream").insert_header((header::CACHE_CONTROL, "no-store"));
        Ok(response.streaming(hello.chain(body)))
    }

    /// Takes a stream out of the shares of its account and its network.
    fn share(&self, listener: Principal, peer: Option<SocketAddr>) -> Result<[Option<Share<Client>>; 2]> {
        let take = |client: Option<Client>, most, of| match client {
            None => Ok(None),
            Some(client) => self
                .shares
                .take(client, most)
                .map(Some)
                .ok_or_else(|| busy(format!("{most} streams of this {of} are open: close one, then try again"))),
        };
        let account = match listener {
            Principal::User(user) => Some(Client::Account(user.id)),
            Principal::Nobody | Principal::Service => None,
        };
        Ok([
            take(account, MAX_STREAMS_OF_ACCOUNT, "account")?,
            take(
                peer.and_then(|peer| shares::limited_network(peer.ip())).map(Client::Network),
                MAX_STREAMS_OF_NETWORK,
                "address",
            )?,
        ])
    }
}

/// The error of too many open streams.
fn busy(detail: String) -> Error {
    Error::new(&BUSY).detail(detail).retry_after(RETRY_AFTER_SECONDS)
}

/// The `Last-Event-ID` of a request: the number of the last event that the client has.
pub struct LastEventId(Option<i64>);

impl LastEventId {
    /// The header's number, else the `last_event_id` of the query, which a stream has no other parameter beside.
    pub fn or_of_query(self, request: &HttpRequest) -> Result<Option<i64>> {
        let mut query = Query::of(request);
        query.ignore("ticket"); // The guard has read it.
        let why = Sentence::new("harus nomor peristiwa", "must be the number of an event");
        let from_query = query.take("last_event_id", why, event_id);
        query.finish()?;
        Ok(self.0.or(from_query))
    }
}

/// The number of an event, written in digits alone.
fn event_id(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl FromRequest for LastEventId {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all("last-event-id");
        ready(match (values.next(), values.next()) {
            (None, _) => Ok(Self(None)),
            (Some(id), None) => {
                let id = id.to_str().ok().and_then(event_id);
                id.map(|id| Self(Some(id)))
                    .ok_or_else(|| Error::new(&BAD_HEADER).detail("Last-Event-ID is no number of an event"))
            }
            _ => Err(Error::new(&BAD_HEADER).detail("Last-Event-ID is repeated")),
        })
    }
}
