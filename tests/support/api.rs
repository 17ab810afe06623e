//! A client of one service for the tests of its routes. Each request has its own connection.

use std::net::{Ipv4Addr, SocketAddr};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};

use super::http::{Connection, exchange};
use super::{Answer, PASSWORD};

/// One service, as a client sees it.
#[derive(Clone)]
pub struct Api {
    pub addr: SocketAddr,
    /// Sent with every request.
    token: Option<String>,
}

impl Api {
    pub fn of(addr: SocketAddr) -> Self {
        Self { addr, token: None }
    }

    /// The same service with this token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    pub async fn get_as(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, Vec::new()).await
    }

    /// Whether there is an answer at all.
    pub async fn answers(&self, method: &str, path: &str) -> bool {
        Connection::new(self.addr, false).send(method, path, &[], b"").await.is_ok()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_as(path, &[], body).await
    }

    pub async fn post_as(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.send(Method::POST, path, &headers, body.to_string().into_bytes()).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], Vec::new()).await
    }

    pub async fn delete_with(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::DELETE, path, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }

    /// Removes a user whose account has [`PASSWORD`].
    pub async fn remove(&self, path: &str) -> Answer {
        self.delete_with(path, &json!({"current_password": PASSWORD})).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut connection = Connection::new(self.addr, false);
        connection.token = self.token.clone();
        let sent = connection.send(method.as_str(), path, headers, &body).await;
        sent.unwrap_or_else(|broken| panic!("no answer to {path}: {broken:?}"))
    }

    /// Sends `bytes` unchanged and reads until the connection closes, which the request should ask for. The body is
    /// returned as received.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let stream = TcpStream::connect(self.addr).await.unwrap();
        Answer::parse(&exchange(stream, bytes.as_ref(), |_| false).await).await
    }

    /// The same, from this address.
    pub async fn raw_from(&self, address: Ipv4Addr, bytes: impl AsRef<[u8]>) -> Answer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        let stream = socket.connect(self.addr).await.unwrap();
        Answer::parse(&exchange(stream, bytes.as_ref(), |_| false).await).await
    }

    /// The head of the answer to a GET with an endless body; then the client closes the connection.
    pub async fn head_of_stream(&self, path: &str) -> Answer {
        let stream = TcpStream::connect(self.addr).await.unwrap();
        let token = self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{token}\r\n");
        let whole = |read: &[u8]| read.windows(4).any(|four| four == b"\r\n\r\n");
        let answer = Answer::parse(&exchange(stream, head.as_bytes(), whole).await).await;
        Answer { body: Vec::new(), ..answer }
    }

    /// Sends a request line and headers. `Connection: close` is added; a `Host` is not.
    pub async fn raw_head(&self, line: &str, headers: &[&str]) -> Answer {
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        self.raw(format!("{line}\r\n{headers}Connection: close\r\n\r\n")).await
    }

    /// All rows of a list.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }
}
