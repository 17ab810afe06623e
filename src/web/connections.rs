//! The connections of a server: how many there are, how many one client has, and when one is closed.
//!
//! actix limits the time for the first head of a connection and for an idle one. The rest is here: an answer that
//! nobody reads, a later head that never ends, idle connections when new ones need room, and one client with all
//! connections.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::rt::net::TcpStream;
use futures_util::task::AtomicWaker;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::shares::{self, Share, Shares};

/// How long a client may take to send a request's head.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// The log target of connections.
const LOG_TARGET: &str = "pasar::connections";
/// How long a client may leave an answer unread before the connection is closed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// The most connections of one client, unless it is on this machine.
const MAX_PER_CLIENT: usize = 256;
/// Bytes of an answer that the system buffers before they are sent. Without a limit it buffers megabytes for a client
/// that does not read.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MAX_UNSENT_BYTES: u32 = 64 * 1024;
/// How often a server checks whether new connections need room.
const ROOM_PERIOD: Duration = Duration::from_millis(200);
/// How long a connection must be idle before it may be closed to make room.
const MIN_IDLE: Duration = Duration::from_millis(500);
/// How long a new connection waits at the most while idle ones take all the room.
pub const MAX_WAIT_FOR_ROOM: Duration = MIN_IDLE.saturating_add(ROOM_PERIOD);

/// The connections of one server. Clones share them.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

struct Inner {
    /// The server's name, for the log.
    server: &'static str,
    /// From this number on, idle connections are closed.
    crowded_at: usize,
    /// The most of one client that is not on this machine: never so many that others find none.
    max_per_client: usize,
    started: Instant,
    shares: Shares<IpAddr>,
    states: Mutex<HashMap<u64, Arc<State>>>,
    next: AtomicU64,
    refused: Throttled,
    unread: Throttled,
    malformed: Throttled,
    crowded: Throttled,
}

/// The state of a connection that is shared with its requests and its server.
pub struct State {
    /// Requests whose answers are not complete.
    requests: AtomicUsize,
    /// Whether a request was routed since the last write.
    routed: AtomicBool,
    /// Requests that have been routed.
    begun: AtomicU64,
    /// When it was last used, in milliseconds since the server's start.
    used_at: AtomicU64,
    /// It must close if it is idle and was last used then; [`NEVER`] for a connection that may stay. A time, and not
    /// only a flag: a client that uses the connection while it is being chosen keeps it.
    unwanted_since: AtomicU64,
    server_started: Instant,
    reader: AtomicWaker,
}

/// A time that no connection is used at.
const NEVER: u64 = u64::MAX;

/// A request that is being answered, until it is dropped.
pub struct InProgress(Arc<State>);

impl State {
    /// Counts a request from its head to the end of its answer.
    pub fn begin(self: &Arc<Self>) -> InProgress {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.routed.store(true, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        InProgress(Arc::clone(self))
    }

    fn is_busy(&self) -> bool {
        self.requests.load(Ordering::Acquire) > 0
    }

    fn touch(&self) {
        self.used_at.store(self.server_started.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn must_close(&self) -> bool {
        !self.is_busy() && self.unwanted_since.load(Ordering::Relaxed) == self.used_at.load(Ordering::Relaxed)
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        // The answer has yet to be written, so the connection is in use even if the request was read long ago.
        self.0.touch();
        self.0.requests.fetch_sub(1, Ordering::Release);
    }
}

impl Connections {
    /// The connections of a server that accepts up to `most`.
    pub fn new(server: &'static str, most: usize) -> Self {
        Self(Arc::new(Inner {
            server,
            crowded_at: most - most / 8,
            max_per_client: MAX_PER_CLIENT.min(most / 4).max(1),
            started: Instant::now(),
            shares: Shares::unlimited(),
            states: Mutex::default(),
            next: AtomicU64::new(0),
            refused: Throttled::default(),
            unread: Throttled::default(),
            malformed: Throttled::default(),
            crowded: Throttled::default(),
        }))
    }

    /// Accepts a connection; `None` if its client has as many as it may.
    pub fn admit(&self, stream: TcpStream) -> Option<Connection> {
        let peer = stream.peer_addr().ok()?;
        let share = match shares::limited_network(peer.ip()) {
            None => None,
            Some(network) => {
                let share = self.0.shares.take(network, self.0.max_per_client);
                if share.is_none() {
                    let Inner { server, max_per_client, refused, .. } = &*self.0;
                    refused.warn(|count| {
                        format!(
                            "event=refused_connection server={server} from={network} most={max_per_client} count={count}"
                        )
                    });
                    return None;
                }
                share
            }
        };
        // If the options can't be set, the connection still works.
        let _ = stream.set_nodelay(true);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT_BYTES);
        let state = Arc::new(State {
            requests: AtomicUsize::new(0),
            routed: AtomicBool::new(false),
            begun: AtomicU64::new(0),
            used_at: AtomicU64::new(self.0.now()),
            unwanted_since: AtomicU64::new(NEVER),
            server_started: self.0.started,
            reader: AtomicWaker::new(),
        });
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.states().insert(id, Arc::clone(&state));
        Some(Connection {
            stream,
            peer,
            id,
            state,
            open: Arc::clone(&self.0),
            unread: Timer::default(),
            head: Timer::default(),
            head_began: false,
            begun: 0,
            _share: share,
        })
    }

    /// Closes idle connections while nearly all are in use, so that new ones find room. The task ends with the
    /// server.
    pub fn make_room(&self) {
        let open = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(ROOM_PERIOD).await;
                match Weak::upgrade(&open) {
                    Some(open) => open.make_room(),
                    None => return,
                }
            }
        });
    }
}

impl Inner {
    fn states(&self) -> MutexGuard<'_, HashMap<u64, Arc<State>>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the start.
    fn now(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    fn make_room(&self) {
        let states = self.states();
        if states.len() < self.crowded_at {
            return;
        }
        let idle_since = self.now().saturating_sub(MIN_IDLE.as_millis() as u64);
        for state in states.values().filter(|state| !state.is_busy()) {
            let used_at = state.used_at.load(Ordering::Relaxed);
            if used_at <= idle_since {
                state.unwanted_since.store(used_at, Ordering::Relaxed);
                state.reader.wake();
            }
        }
        self.crowded.warn(|_| format!("event=crowded server={} connections={}", self.server, states.len()));
    }
}

/// The stream of a connection.
pub struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    id: u64,
    state: Arc<State>,
    open: Arc<Inner>,
    /// Runs while the client does not read what is written.
    unread: Timer,
    /// Runs while a head is incomplete, except for the first one.
    head: Timer,
    /// Whether bytes have been read since the last request.
    head_began: bool,
    /// Requests that had been routed at the last flush.
    begun: u64,
    _share: Option<Share<IpAddr>>,
}

impl Connection {
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// Logs a refusal that actix sends by itself, before there is a request that could be routed and logged.
    fn look_for_refusal(&self, answer: &[u8]) {
        if self.state.routed.swap(false, Ordering::Relaxed) || self.state.is_busy() {
            return;
        }
        if let Some(status) = answer.strip_prefix(b"HTTP/1.1 4").and_then(|rest| rest.get(..2)) {
            let (server, peer, status) = (self.open.server, self.peer.ip(), String::from_utf8_lossy(status));
            self.open
                .malformed
                .warn(|count| format!("event=bad_request server={server} from={peer} status=4{status} count={count}"));
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let busy = this.state.is_busy();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buf) {
            this.state.touch();
            this.head_began |= !busy && !buf.filled().is_empty();
            return Poll::Ready(read);
        }
        this.state.reader.register(cx.waker());
        if busy {
            return Poll::Pending;
        }
        // Reads as the end of the stream: what is being written is still written.
        if this.state.must_close() || (this.head_began && this.head.is_over()) {
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Poll::Ready(written) = Pin::new(&mut this.stream).poll_write(cx, buf) {
            this.look_for_refusal(buf);
            this.unread.stop();
            this.state.touch();
            return Poll::Ready(written);
        }
        ready!(this.unread.poll(WRITE_TIMEOUT, cx));
        let (server, peer) = (this.open.server, this.peer.ip());
        this.open.unread.warn(|count| {
            format!("event=unread_answer server={server} from={peer} after={WRITE_TIMEOUT:?} count={count}")
        });
        // Otherwise the system would keep its buffer and try to deliver it.
        let _ = SockRef::from(&this.stream).set_linger(Some(Duration::ZERO));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }

    /// actix calls this after it has parsed what was read.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let begun = this.state.begun.load(Ordering::Relaxed);
        // actix has its own timer for the first head.
        if begun != this.begun || begun == 0 {
            this.head_began = false;
            this.begun = begun;
        }
        if !this.head_began {
            this.head.stop();
        } else if this.head.poll(HEAD_TIMEOUT, cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.open.states().remove(&self.id);
        if self.state.begun.load(Ordering::Relaxed) == 0 {
            log::debug!(target: LOG_TARGET, "event=no_request from={}", self.peer.ip());
        }
    }
}

/// A timer that costs nothing until it runs.
#[derive(Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    running: bool,
}

impl Timer {
    /// Ready once it has run for `limit`; starts it if it does not run.
    fn poll(&mut self, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let end = tokio::time::Instant::now() + limit;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        if !self.running {
            self.running = true;
            sleep.as_mut().reset(end);
        }
        sleep.as_mut().poll(cx)
    }

    fn stop(&mut self) {
        self.running = false;
    }

    fn is_over(&self) -> bool {
        self.running && self.sleep.as_ref().is_some_and(|sleep| sleep.is_elapsed())
    }
}

/// Warnings that clients can cause as often as they like: at most one a second, with the number of occurrences.
#[derive(Default)]
struct Throttled {
    count: AtomicU64,
    last: Mutex<Option<Instant>>,
}

impl Throttled {
    fn warn(&self, text: impl FnOnce(u64) -> String) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= Duration::from_secs(1)) {
            *last = Some(Instant::now());
            log::warn!(target: LOG_TARGET, "{}", text(self.count.swap(0, Ordering::Relaxed)));
        }
    }
}
