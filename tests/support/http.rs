//! An HTTP/1.1 client that sends every request exactly once. It distinguishes an answer that never began from one
//! that broke off; other clients hide this and retry by themselves.

use std::io::{Error, ErrorKind, Result as IoResult};
use std::net::SocketAddr;
use std::time::Duration;

use pasar::error::{CATALOGUE, Code};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// Longer than any answer may take, so that a hang fails the test.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is no complete answer.
#[derive(Debug)]
pub enum Broken {
    /// The connection was refused, or ended before the first byte of an answer.
    Unanswered(Error),
    /// The connection ended in the middle of an answer.
    Torn(Error),
}

/// One client of one service. It connects when needed.
pub struct Connection {
    addr: SocketAddr,
    keep_alive: bool,
    /// Sent with every request.
    pub token: Option<String>,
    open: Option<(BufReader<OwnedReadHalf>, OwnedWriteHalf)>,
}

impl Connection {
    pub fn new(addr: SocketAddr, keep_alive: bool) -> Self {
        Self { addr, keep_alive, token: None, open: None }
    }

    /// Sends one request, exactly once.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, Broken> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.addr);
        if !self.keep_alive {
            head += "Connection: close\r\n";
        }
        if let Some(token) = &self.token {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() || !matches!(method, "GET" | "HEAD" | "DELETE" | "OPTIONS") {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let request = [head.as_bytes(), b"\r\n", body].concat();
        let answer = timeout(PATIENCE, self.exchange(&request, method == "HEAD")).await;
        answer.unwrap_or_else(|_| panic!("{method} {path}: no answer within {PATIENCE:?}"))
    }

    async fn exchange(&mut self, request: &[u8], head_only: bool) -> Result<Answer, Broken> {
        let (mut from, mut to) = match self.open.take() {
            Some(open) => open,
            None => self.connect().await.map_err(Broken::Unanswered)?,
        };
        let reading = async {
            if from.fill_buf().await.map_err(Broken::Unanswered)?.is_empty() {
                return Err(Broken::Unanswered(ErrorKind::UnexpectedEof.into()));
            }
            let mut answer = read_head(&mut from).await.map_err(Broken::Torn)?;
            if !head_only && !matches!(answer.status, 204 | 304) {
                answer.body = read_body(&answer, &mut from).await.map_err(Broken::Torn)?;
            }
            Ok(answer)
        };
        let answer = read_while_writing(&mut to, request, reading).await?;
        if self.keep_alive && !answer.header("connection").eq_ignore_ascii_case("close") {
            self.open = Some((from, to));
        }
        Ok(answer)
    }

    async fn connect(&self) -> IoResult<(BufReader<OwnedReadHalf>, OwnedWriteHalf)> {
        let stream = TcpStream::connect(self.addr).await?;
        stream.set_nodelay(true)?;
        let (from, to) = stream.into_split();
        Ok((BufReader::new(from), to))
    }
}

/// Sends `bytes` unchanged and returns what is received, until the connection closes or `enough` returns true.
pub async fn exchange(mut stream: TcpStream, bytes: &[u8], enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let (mut from, mut to) = stream.split();
    let mut read = Vec::new();
    let reading = async {
        // A reset also ends the connection.
        while !enough(&read) && matches!(from.read_buf(&mut read).await, Ok(1..)) {}
    };
    let ended = timeout(PATIENCE, read_while_writing(&mut to, bytes, reading)).await;
    assert!(ended.is_ok(), "the connection stays open after {:?}", String::from_utf8_lossy(&read));
    read
}

/// Polls `reading` while `bytes` are written, because a server can answer and close before it has read everything.
async fn read_while_writing<T>(
    to: &mut (impl AsyncWriteExt + Unpin),
    bytes: &[u8],
    reading: impl Future<Output = T>,
) -> T {
    let writing = async {
        let _ = to.write_all(bytes).await;
        std::future::pending().await
    };
    tokio::select! { read = reading => read, never = writing => never }
}

/// An answer with its whole body.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// Parses an answer. Its body is left as received.
    pub async fn parse(mut read: &[u8]) -> Self {
        let whole = String::from_utf8_lossy(read);
        let mut answer = read_head(&mut read).await.unwrap_or_else(|error| panic!("{error} in {whole:?}"));
        answer.body = read.to_vec();
        answer
    }

    /// A header's value; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The answer itself, after checking its status.
    #[track_caller]
    pub fn with_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The problem document of a refusal with this code, in Indonesian.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        self.problem_in("id", status, code)
    }

    /// The problem document of a refusal with this code, after checking all its members.
    #[track_caller]
    pub fn problem_in(&self, language: &str, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "not {code}: {} {:?}", self.text(), self.headers);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        let Code { message, .. } = CATALOGUE.iter().find(|known| known.name == code).unwrap();
        let spoken = if language == "en" { &message.en } else { &message.id };
        for (member, value) in [
            ("type", json!(format!("/errors#{code}"))),
            ("title", json!(message.en)),
            ("status", json!(status)),
            ("message", json!(spoken)),
        ] {
            assert_eq!(problem[member], value, "{member} of {problem}");
        }
        assert_eq!(self.header("content-language"), language);
        assert_ne!(self.header("x-request-id"), "");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        problem
    }
}

/// The status line and the headers of an answer.
async fn read_head(from: &mut (impl AsyncBufRead + Unpin)) -> IoResult<Answer> {
    let status = line(from).await?;
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| invalid(&status))?;
    let mut headers = HeaderMap::new();
    loop {
        let header = line(from).await?;
        if header.is_empty() {
            return Ok(Answer { status, headers, body: Vec::new() });
        }
        let (name, value) = header.split_once(':').ok_or_else(|| invalid(&header))?;
        let name = name.parse::<HeaderName>().map_err(|_| invalid(&header))?;
        headers.append(name, HeaderValue::from_str(value.trim()).map_err(|_| invalid(&header))?);
    }
}

async fn read_body(head: &Answer, from: &mut (impl AsyncBufRead + Unpin)) -> IoResult<Vec<u8>> {
    let mut body = Vec::new();
    if head.header("transfer-encoding").eq_ignore_ascii_case("chunked") {
        loop {
            let size = line(from).await?;
            let size = usize::from_str_radix(&size, 16).map_err(|_| invalid(&size))?;
            append(from, &mut body, size).await?;
            line(from).await?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    let length = head.header("content-length").parse().map_err(|_| invalid("no length"))?;
    append(from, &mut body, length).await?;
    Ok(body)
}

/// The next line, without its line ending.
async fn line(from: &mut (impl AsyncBufRead + Unpin)) -> IoResult<String> {
    let mut line = String::new();
    from.read_line(&mut line).await?;
    line.strip_suffix("\r\n").map(str::to_owned).ok_or_else(|| ErrorKind::UnexpectedEof.into())
}

async fn append(from: &mut (impl AsyncBufRead + Unpin), body: &mut Vec<u8>, size: usize) -> IoResult<()> {
    let start = body.len();
    body.resize(start + size, 0);
    from.read_exact(&mut body[start..]).await.map(drop)
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("not HTTP: {what}"))
}
