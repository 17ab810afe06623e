//! The same client for tests that use threads.

use std::net::SocketAddr;
use std::sync::LazyLock;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use super::http::{self, Answer, Broken, Connection};

/// Shared, because every runtime has its own open files and some tests have hundreds of clients.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

/// A client whose calls block until the answer is complete.
pub struct Http(Connection);

impl Http {
    pub fn new(addr: SocketAddr, keep_alive: bool) -> Self {
        Self(Connection::new(addr, keep_alive))
    }

    /// The same with this token.
    pub fn with_token(mut self, token: &str) -> Self {
        self.0.token = Some(token.to_owned());
        self
    }

    /// Sends one request, exactly once.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, Broken> {
        let key = key.map(|key| ("Idempotency-Key", key));
        let json = body.map(|_| ("Content-Type", "application/json"));
        let headers: Vec<_> = key.into_iter().chain(json).collect();
        let body = body.map(Value::to_string).unwrap_or_default();
        RUNTIME.block_on(self.0.send(method, path, &headers, body.as_bytes()))
    }
}

#[track_caller]
pub fn get(addr: SocketAddr, path: &str) -> Answer {
    Http::new(addr, false).send("GET", path, None, None).unwrap_or_else(|broken| panic!("GET {path}: {broken:?}"))
}

#[track_caller]
pub fn post(addr: SocketAddr, path: &str, body: &Value) -> Answer {
    let sent = Http::new(addr, false).send("POST", path, None, Some(body));
    sent.unwrap_or_else(|broken| panic!("POST {path}: {broken:?}"))
}

/// Sends `text` unchanged and returns the answer as received, until the connection closes or `enough` returns true.
pub fn exchange(addr: SocketAddr, text: &str, enough: impl Fn(&str) -> bool) -> String {
    let read = RUNTIME.block_on(async {
        let stream = TcpStream::connect(addr).await.unwrap();
        http::exchange(stream, text.as_bytes(), |read| enough(&String::from_utf8_lossy(read))).await
    });
    String::from_utf8_lossy(&read).into_owned()
}
