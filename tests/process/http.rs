//! A blocking HTTP/1.1 client that tells an answer that never began from one that broke off; the usual
//! clients hide that, and try again by themselves.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result as IoResult, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// The longest that any answer may take: a hang fails the test, whatever else is allowed.
const HANG: Duration = Duration::from_secs(20);

pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

/// Why there is no complete answer.
#[derive(Debug)]
pub enum Broken {
    /// The connection was refused, or ended before the first byte of an answer.
    Unanswered(Error),
    /// The connection ended within an answer.
    Torn(Error),
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// Itself, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// Itself, if it is a refusal with this code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status, status, "not {code}: {}", self.body);
        assert_eq!(self.json()["code"], code, "{}", self.body);
        self
    }
}

/// One connection, opened when it is needed.
pub struct Http {
    addr: SocketAddr,
    keep_alive: bool,
    /// Shown with every request.
    token: Option<String>,
    connection: Option<BufReader<TcpStream>>,
}

impl Http {
    pub fn new(addr: SocketAddr, keep_alive: bool) -> Self {
        Self { addr, keep_alive, token: None, connection: None }
    }

    /// The same for somebody who shows this token.
    pub fn by(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    /// Sends one request, exactly once.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, Broken> {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.addr);
        if !self.keep_alive {
            text += "Connection: close\r\n";
        }
        if let Some(key) = key {
            text += &format!("Idempotency-Key: {key}\r\n");
        }
        if let Some(token) = &self.token {
            text += &format!("Authorization: Bearer {token}\r\n");
        }
        match body.map(Value::to_string) {
            Some(body) => {
                text += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            }
            None => text += "\r\n",
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().map_err(Broken::Unanswered)?,
        };
        connection.get_mut().write_all(text.as_bytes()).map_err(Broken::Unanswered)?;
        match begun(&mut connection) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("{method} {path}: no answer within {HANG:?}")
            }
            Err(error) => return Err(Broken::Unanswered(error)),
        }
        let answer = read(&mut connection).map_err(Broken::Torn)?;
        if self.keep_alive && answer.header("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close")) {
            self.connection = Some(connection);
        }
        Ok(answer)
    }

    fn connect(&self) -> IoResult<BufReader<TcpStream>> {
        let stream = TcpStream::connect(self.addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(HANG))?;
        Ok(BufReader::new(stream))
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

/// Waits for the first byte.
fn begun(connection: &mut impl BufRead) -> IoResult<()> {
    loop {
        match connection.fill_buf() {
            Ok([]) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(()),
            // A signal to this process, of a child that ended.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn read(connection: &mut impl BufRead) -> IoResult<Answer> {
    let status = line(connection)?;
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| nonsense(&status))?;
    let mut answer = Answer { status, headers: Vec::new(), body: String::new() };
    loop {
        let header = line(connection)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').ok_or_else(|| nonsense(&header))?;
        answer.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut body = Vec::new();
    if answer.status == 204 {
        return Ok(answer);
    }
    if answer.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let size = line(connection)?;
            let size = usize::from_str_radix(&size, 16).map_err(|_| nonsense(&size))?;
            append(connection, &mut body, size)?;
            line(connection)?;
            if size == 0 {
                break;
            }
        }
    } else {
        let length = answer.header("content-length").and_then(|length| length.parse().ok());
        append(connection, &mut body, length.ok_or_else(|| nonsense("no length"))?)?;
    }
    answer.body = String::from_utf8(body).map_err(|_| nonsense("a body that is not UTF-8"))?;
    Ok(answer)
}

/// The next line, without its end.
fn line(connection: &mut impl BufRead) -> IoResult<String> {
    let mut line = String::new();
    connection.read_line(&mut line)?;
    line.strip_suffix("\r\n").map(str::to_owned).ok_or_else(|| ErrorKind::UnexpectedEof.into())
}

fn append(connection: &mut impl Read, body: &mut Vec<u8>, size: usize) -> IoResult<()> {
    let start = body.len();
    body.resize(start + size, 0);
    connection.read_exact(&mut body[start..])
}

fn nonsense(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("not HTTP: {what}"))
}
