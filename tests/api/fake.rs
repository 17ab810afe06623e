//! A fake peer: it implements the contract, or misbehaves in a chosen way, byte by byte.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How the fake peer answers.
#[derive(Clone, Copy, Debug)]
pub enum Behavior {
    /// Correct answers: user 1 and product 1 exist, all others are 404.
    Well,
    /// Nothing listens.
    Away,
    /// Never answers.
    Hangs,
    /// Sends this text, then resets the connection.
    Resets(&'static str),
    /// Sends this text, then closes the connection.
    Closes(&'static str),
    /// A correct answer, one byte a second.
    Drips,
    /// Sends this text, then a body without end.
    Endless(&'static str),
    /// Another behavior for this many calls; then [`Behavior::Well`].
    AtFirst(usize, &'static Behavior),
    /// Product 1 has a stock of 5. The first behavior is for reserving, the second for releasing.
    Stocked(&'static Behavior, &'static Behavior),
}

pub struct Fake {
    addr: SocketAddr,
    shared: Arc<Shared>,
    /// Bound but not listening: the port stays reserved and connections to it are refused.
    reserved: Option<TcpSocket>,
}

struct Shared {
    /// The base path of the contract.
    base: &'static str,
    behavior: Mutex<Behavior>,
    /// The heads of all requests so far.
    requests: Mutex<Vec<String>>,
}

impl Fake {
    pub fn start(behavior: Behavior) -> Self {
        Self::with_base("", behavior)
    }

    /// A peer whose paths begin with `base`.
    pub fn with_base(base: &'static str, behavior: Behavior) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let addr = socket.local_addr().unwrap();
        let shared = Shared { base, behavior: Mutex::new(behavior), requests: Mutex::default() };
        let mut fake = Self { addr, shared: Arc::new(shared), reserved: Some(socket) };
        if !matches!(behavior, Behavior::Away) {
            fake.listen();
        }
        fake
    }

    pub fn url(&self) -> String {
        format!("http://{}{}", self.addr, self.shared.base)
    }

    /// The heads of all requests so far, in lower case.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Behaves so from now on.
    pub fn behave(&self, behavior: Behavior) {
        *self.shared.behavior.lock().unwrap() = behavior;
    }

    /// Behaves well from now on, at the same address.
    pub fn recover(&mut self) {
        self.behave(Behavior::Well);
        self.listen();
    }

    fn listen(&mut self) {
        if let Some(socket) = self.reserved.take() {
            let listener = socket.listen(256).unwrap();
            tokio::spawn(accept(listener, Arc::clone(&self.shared)));
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        // A caller may close the connection early.
        tokio::spawn(async move { serve(stream, &shared).await.ok() });
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut head = Vec::new();
    loop {
        head.clear();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let body = read_body(&mut stream, &head).await?;
        let good = good_answer(shared, &head, &body);
        let (reserving, releasing) = (head.starts_with("put "), head.starts_with("delete "));
        let call = {
            let mut requests = shared.requests.lock().unwrap();
            requests.push(head);
            requests.len()
        };
        let mut behavior = *shared.behavior.lock().unwrap();
        if let Behavior::AtFirst(calls, other) = behavior {
            behavior = if call <= calls { *other } else { Behavior::Well };
        }
        if let Behavior::Stocked(reserve, release) = behavior {
            behavior = match (reserving, releasing) {
                (true, _) => *reserve,
                (_, true) => *release,
                _ => Behavior::Well,
            };
        }
        match behavior {
            Behavior::Well => stream.write_all(good.as_bytes()).await?,
            Behavior::Hangs | Behavior::Away | Behavior::AtFirst(..) | Behavior::Stocked(..) => {
                stream.read_u8().await?;
            }
            Behavior::Resets(text) => {
                stream.write_all(text.as_bytes()).await?;
                return stream.set_zero_linger();
            }
            Behavior::Closes(text) => return stream.write_all(text.as_bytes()).await,
            Behavior::Drips => {
                for byte in good.bytes() {
                    stream.write_u8(byte).await?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            Behavior::Endless(text) => {
                stream.write_all(text.as_bytes()).await?;
                loop {
                    // Valid both as a chunk and as the start of a body with a `Content-Length`.
                    stream.write_all(format!("1000\r\n{}\r\n", "a".repeat(0x1000)).as_bytes()).await?;
                }
            }
        }
    }
}

async fn read_body(stream: &mut TcpStream, head: &str) -> io::Result<String> {
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

fn good_answer(shared: &Shared, head: &str, body: &str) -> String {
    let mut words = head.split(' ');
    let (method, path) = (words.next(), words.next().and_then(|path| path.strip_prefix(shared.base)));
    let stocked = matches!(*shared.behavior.lock().unwrap(), Behavior::Stocked(..));
    let (status, body) = match (method, path) {
        (_, Some("/users/1")) => ("200 OK", r#"{"id":1,"name":"Asing","since":2020}"#.to_owned()),
        (_, Some("/products/1")) if stocked => {
            ("200 OK", r#"{"id":1,"name":"Barang","price":2500,"stock":5}"#.to_owned())
        }
        (_, Some("/products?name=barang&limit=1")) if stocked => {
            ("200 OK", r#"[{"id":1,"name":"Barang","price":2500,"stock":5}]"#.to_owned())
        }
        (_, Some("/products/1")) => ("200 OK", r#"{"id":1,"name":"Barang","price":2500,"colour":"red"}"#.to_owned()),
        (Some("put"), Some(path)) if path.starts_with("/reservations/") => ("200 OK", reservation(path, body)),
        (Some("delete"), Some(path)) if path.starts_with("/reservations/") => ("204 No Content", String::new()),
        (_, Some(path)) if path.starts_with("/users/") => ("404 Not Found", r#"{"code":"user_not_found"}"#.to_owned()),
        (_, Some(path)) if path.starts_with("/products/") => {
            ("404 Not Found", r#"{"code":"product_not_found"}"#.to_owned())
        }
        _ => ("404 Not Found", "<h1>Nicht gefunden</h1>".to_owned()),
    };
    format!("HTTP/1.1 {status}\r\nServer: Werkzeug\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A reservation of product 1. Its price and name have changed since it was shown.
fn reservation(path: &str, body: &str) -> String {
    let mut answer: Value = serde_json::from_str(body).unwrap();
    answer["key"] = json!(path["/reservations/".len()..]);
    answer["state"] = json!("held");
    for (member, value) in [("name", json!("Barang Baru")), ("price", json!(2600)), ("stock", json!(3))] {
        answer["items"][0][member] = value;
    }
    answer.to_string()
}
