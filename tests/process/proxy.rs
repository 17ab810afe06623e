//! Proxies between the services that fail as networks and gateways do: one in front of each service, on its own
//! address. They support HTTP/1.1 with a `Content-Length`.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// How many of a hundred calls meet each fault.
const PERCENT: usize = 5;
/// The longest delay of a call or its answer; shorter delays are more frequent.
const MAX_DELAY: Duration = Duration::from_secs(9);
/// Bodies of a gateway's own errors; none is a problem document.
const GATEWAY_BODIES: [&str; 3] =
    ["", "<html><h1>Not here</h1></html>", r#"{"message": "no route matched with those values"}"#];

/// What can happen to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A bare 404; the callee does not get the call.
    NotFound,
    /// A bare 409; the callee does not get the call.
    Conflict,
    /// The callee gets the call, its answer is dropped and the connection closed.
    Drop,
    /// The callee gets the call twice, in sequence or at once; one of the answers is returned.
    Twice,
    /// The call or its answer is delayed, and so is every other call for the same request: each uses up some of the
    /// request's time.
    Delay,
    /// The callee gets the call, and the connection is reset in the middle of its answer.
    Reset,
}

impl Fault {
    pub const ALL: [Self; 6] = [Self::NotFound, Self::Conflict, Self::Drop, Self::Twice, Self::Delay, Self::Reset];

    /// The fault for a call of the request with this id, if any.
    fn draw(request_id: &str) -> Option<Self> {
        let mut hasher = DefaultHasher::new();
        request_id.hash(&mut hasher);
        if hasher.finish() % 100 < PERCENT as u64 {
            return Some(Self::Delay);
        }
        Self::ALL.get(fastrand::usize(..100) / PERCENT).copied().filter(|fault| *fault != Self::Delay)
    }
}

/// One proxy for each service. They stop when this is dropped.
pub struct Proxies {
    runtime: Runtime,
    listeners: Vec<std::net::TcpListener>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    failing: AtomicBool,
    calls: AtomicUsize,
    in_flight: AtomicUsize,
    /// How often each span was forwarded.
    spans: Mutex<HashMap<String, usize>>,
    /// How often each of [`Fault::ALL`] happened.
    faults: [AtomicUsize; Fault::ALL.len()],
}

impl Proxies {
    /// Listens on one address for each of the `services`. Connections wait for [`Self::forward`].
    pub fn bind(services: usize) -> Self {
        let listeners = (0..services).map(|_| {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            listener
        });
        Self { runtime: Runtime::new().unwrap(), listeners: listeners.collect(), shared: Arc::default() }
    }

    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(|listener| listener.local_addr().unwrap()).collect()
    }

    /// Forwards the calls of each proxy to the service with the same index.
    pub fn forward(&mut self, services: &[SocketAddr]) {
        let _guard = self.runtime.enter();
        for (listener, &callee) in self.listeners.drain(..).zip(services) {
            let (listener, shared) = (TcpListener::from_std(listener).unwrap(), self.shared.clone());
            self.runtime.spawn(async move {
                loop {
                    let (caller, _) = listener.accept().await.unwrap();
                    let shared = shared.clone();
                    // An error ends this connection; the caller notices it.
                    tokio::spawn(async move { shared.serve(caller, callee).await });
                }
            });
        }
    }

    /// Turns the faults on or off.
    pub fn fail(&self, failing: bool) {
        self.shared.failing.store(failing, Ordering::Relaxed);
    }

    /// How many calls have arrived.
    pub fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::Relaxed)
    }

    /// How many calls have not ended yet.
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight.load(Ordering::Relaxed)
    }

    /// How often each span was forwarded. A call has a span of its own.
    pub fn spans(&self) -> HashMap<String, usize> {
        self.shared.spans.lock().unwrap().clone()
    }

    /// How often each fault happened.
    pub fn faults(&self) -> [(Fault, usize); Fault::ALL.len()] {
        Fault::ALL.map(|fault| (fault, self.shared.faults[fault as usize].load(Ordering::Relaxed)))
    }
}

impl Shared {
    async fn serve(&self, caller: TcpStream, callee: SocketAddr) -> Result<()> {
        caller.set_nodelay(true)?;
        let mut caller = BufReader::new(caller);
        loop {
            let request = message(&mut caller).await?;
            self.calls.fetch_add(1, Ordering::Relaxed);
            self.in_flight.fetch_add(1, Ordering::Relaxed);
            let answered = self.answer(&mut caller, &request, callee).await;
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            answered?;
        }
    }

    async fn answer(&self, caller: &mut BufReader<TcpStream>, request: &[u8], callee: SocketAddr) -> Result<()> {
        let request_id = header(request, "x-request-id").ok_or_else(|| Error::other("a call without a request id"))?;
        if let Some(span) = header(request, "traceparent").and_then(|trace| trace.split('-').nth(2)) {
            *self.spans.lock().unwrap().entry(span.to_owned()).or_default() += 1;
        }
        let fault = Fault::draw(request_id).filter(|_| self.failing.load(Ordering::Relaxed));
        if let Some(fault) = fault {
            self.faults[fault as usize].fetch_add(1, Ordering::Relaxed);
        }
        let answer = match fault {
            None => call(callee, request).await?,
            Some(Fault::NotFound) => gateway("404 Not Found"),
            Some(Fault::Conflict) => gateway("409 Conflict"),
            Some(Fault::Drop) => {
                call(callee, request).await?;
                return Err(ErrorKind::ConnectionAborted.into());
            }
            Some(Fault::Twice) => {
                let (first, second) = if fastrand::bool() {
                    tokio::join!(call(callee, request), call(callee, request))
                } else {
                    (call(callee, request).await, call(callee, request).await)
                };
                if fastrand::bool() { first? } else { second? }
            }
            Some(Fault::Delay) => {
                let delay = MAX_DELAY.mul_f64(fastrand::f64().powi(2));
                if fastrand::bool() {
                    sleep(delay).await;
                    call(callee, request).await?
                } else {
                    let answer = call(callee, request).await?;
                    sleep(delay).await;
                    answer
                }
            }
            Some(Fault::Reset) => {
                let answer = call(callee, request).await?;
                caller.write_all(&answer[..fastrand::usize(1..answer.len())]).await?;
                // With this option, closing sends RST instead of FIN.
                caller.get_ref().set_zero_linger()?;
                return Err(ErrorKind::ConnectionReset.into());
            }
        };
        caller.write_all(&answer).await
    }
}

/// Sends a call on a new connection.
async fn call(callee: SocketAddr, request: &[u8]) -> Result<Vec<u8>> {
    let mut callee = BufReader::new(TcpStream::connect(callee).await?);
    callee.get_ref().set_nodelay(true)?;
    callee.write_all(request).await?;
    message(&mut callee).await
}

fn gateway(status: &str) -> Vec<u8> {
    let body = GATEWAY_BODIES[fastrand::usize(..GATEWAY_BODIES.len())];
    format!("HTTP/1.1 {status}\r\nServer: gateway\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The next complete request or answer.
async fn message(from: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
    let mut message = Vec::new();
    while !message.ends_with(b"\r\n\r\n") {
        if from.read_until(b'\n', &mut message).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    assert_eq!(header(&message, "transfer-encoding"), None, "a body without a length");
    let length = header(&message, "content-length").map_or(Ok(0), str::parse).map_err(Error::other)?;
    let head = message.len();
    message.resize(head + length, 0);
    from.read_exact(&mut message[head..]).await?;
    Ok(message)
}

fn header<'a>(message: &'a [u8], name: &str) -> Option<&'a str> {
    let lines = message.split(|byte| *byte == b'\n').map_while(|line| str::from_utf8(line.trim_ascii()).ok());
    let head = lines.take_while(|line| !line.is_empty());
    head.filter_map(|line| line.split_once(':'))
        .find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value.trim()))
}
