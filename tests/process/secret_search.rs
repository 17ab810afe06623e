//! Searches all output of the processes for secrets, and records the calls between them.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::support::blocking::exchange;

/// The known secrets, and the texts to search for them.
#[derive(Default)]
pub struct Search {
    secrets: Vec<(String, String)>,
    pub records: Vec<(String, String)>,
}

/// An answer as it was received.
pub struct Reply {
    pub text: String,
}

impl Reply {
    pub fn status(&self) -> u16 {
        self.text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{}", self.text))
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        let (_, body) = self.text.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Search {
    pub fn secret(&mut self, what: &str, text: &str) {
        assert!(text.len() > 5, "{what} is too short to search for: {text}");
        self.secrets.push((what.to_owned(), text.to_owned()));
    }

    pub fn token(&mut self, what: &str, token: &str) {
        self.secret(what, token);
        let [_, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{what}: {token}") };
        self.secret(&format!("the claims of {what}"), claims);
        self.secret(&format!("the signature of {what}"), signature);
    }

    pub fn record(&mut self, source: &str, text: impl Into<String>) {
        self.records.push((source.to_owned(), text.into()));
    }

    /// Sends a request and records its answer, which must have this status.
    #[track_caller]
    pub fn send(&mut self, to: SocketAddr, status: u16, line: &str, headers: &[&str], body: &str) -> Reply {
        let reply = send(to, line, headers, body, |_| false);
        assert_eq!(reply.status(), status, "{line}: {}", reply.text);
        self.record(&format!("the answer to {line}"), &reply.text);
        reply
    }

    /// The same for an answer that contains a new token or ticket. This becomes one more secret, and its one
    /// occurrence in the answer is allowed.
    #[track_caller]
    pub fn receive_token(&mut self, to: SocketAddr, member: &str, line: &str, headers: &[&str], body: &str) -> String {
        let reply = send(to, line, headers, body, |_| false);
        let token = reply.json()[member].as_str().unwrap_or_else(|| panic!("{line}: {}", reply.text)).to_owned();
        self.token(&format!("what {line} gave"), &token);
        self.record(&format!("the answer to {line}"), reply.text.replacen(&token, "", 1));
        token
    }

    /// Records the start of a live stream.
    #[track_caller]
    pub fn listen(&mut self, to: SocketAddr, line: &str, headers: &[&str]) {
        let reply = send(to, line, headers, "", |text| text.contains(":\n\n"));
        assert_eq!(reply.status(), 200, "{line}: {}", reply.text);
        self.record(&format!("the answer to {line}"), reply.text);
    }

    #[track_caller]
    pub fn assert_nothing_found(&self) {
        assert!(!self.secrets.is_empty() && !self.records.is_empty());
        let mut found = Vec::new();
        for (what, secret) in &self.secrets {
            for (source, text) in &self.records {
                if let Some(line) = text.lines().find(|line| line.contains(secret.as_str())) {
                    found.push(format!("{what} is in {source}: {line}"));
                }
            }
        }
        assert!(found.is_empty(), "{} leaks:\n{}", found.len(), found.join("\n"));
    }
}

/// Sends a request and reads its answer, until the end or until `enough` returns true.
pub fn send(to: SocketAddr, line: &str, headers: &[&str], body: &str, enough: impl Fn(&str) -> bool) -> Reply {
    let mut text = format!("{line} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    if !body.is_empty() {
        text += &format!("Content-Length: {}\r\n", body.len());
        if !headers.iter().any(|header| header.starts_with("Content-Type")) {
            text += "Content-Type: application/json\r\n";
        }
    }
    for header in headers {
        text += &format!("{header}\r\n");
    }
    Reply { text: exchange(to, &format!("{text}\r\n{body}"), enough) }
}

pub fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

/// A proxy in front of a service that records the requests to it.
pub struct Tap {
    addr: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    pub fn before(service: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tap = Self { addr: listener.local_addr().unwrap(), heard: Arc::default() };
        let heard = Arc::clone(&tap.heard);
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let caller = caller.unwrap();
                // If the service is stopped, the caller's connection is closed.
                let Ok(service) = TcpStream::connect(service) else { continue };
                let (back, forth) = (service.try_clone().unwrap(), caller.try_clone().unwrap());
                let heard = Arc::clone(&heard);
                std::thread::spawn(move || {
                    pass(caller, service, |bytes| heard.lock().unwrap().extend_from_slice(bytes))
                });
                std::thread::spawn(move || pass(back, forth, |_| {}));
            }
        });
        tap
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The bearer tokens in the recorded requests.
    pub fn tokens(&self) -> Vec<String> {
        let heard = String::from_utf8(self.heard.lock().unwrap().clone()).unwrap();
        let token = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            let token = value.strip_prefix("Bearer ")?;
            name.eq_ignore_ascii_case("authorization").then(|| token.to_owned())
        };
        let mut tokens: Vec<_> = heard.lines().filter_map(token).collect();
        assert!(heard.contains("HTTP/1.1"), "no calls were made");
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }
}

/// Forwards data until one side closes.
fn pass(mut from: TcpStream, mut to: TcpStream, mut heard: impl FnMut(&[u8])) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        heard(&bytes[..length]);
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    // Both fail only for a connection that has ended.
    let _ = (to.shutdown(Shutdown::Write), from.shutdown(Shutdown::Read));
}
