//! A peer that is somebody else's: it speaks the contract, or misbehaves in a chosen way, byte by byte.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How a peer answers.
#[derive(Clone, Copy, Debug)]
pub enum Mood {
    /// User 1 and product 1 as they should be, 404 for others.
    Well,
    /// Nothing listens.
    Away,
    /// Never answers.
    Hangs,
    /// Says this much, then resets the connection.
    Resets(&'static str),
    /// Says this much, then closes the connection.
    Closes(&'static str),
    /// A good answer, one byte a second.
    Drips,
    /// The beginning of an answer whose body has no end.
    Endless(&'static str),
    /// Another mood for the first calls, so many of them; then well.
    AtFirst(usize, &'static Mood),
}

pub struct Fake {
    addr: SocketAddr,
    shared: Arc<Shared>,
    /// Bound but not listening, so that the port is kept while connections to it are refused.
    away: Option<TcpSocket>,
}

struct Shared {
    /// Where the paths of the contract begin.
    base: &'static str,
    mood: Mutex<Mood>,
    /// The heads of all requests so far.
    heard: Mutex<Vec<String>>,
}

impl Fake {
    pub fn start(mood: Mood) -> Self {
        Self::at("", mood)
    }

    /// A peer whose paths begin with `base`.
    pub fn at(base: &'static str, mood: Mood) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let addr = socket.local_addr().unwrap();
        let shared = Shared { base, mood: Mutex::new(mood), heard: Mutex::default() };
        let mut fake = Self { addr, shared: Arc::new(shared), away: Some(socket) };
        if !matches!(mood, Mood::Away) {
            fake.listen();
        }
        fake
    }

    pub fn url(&self) -> String {
        format!("http://{}{}", self.addr, self.shared.base)
    }

    /// The heads of the requests so far, their lines in lower case.
    pub fn heard(&self) -> Vec<String> {
        self.shared.heard.lock().unwrap().clone()
    }

    /// From now on all is well, at the same address.
    pub fn heal(&mut self) {
        *self.shared.mood.lock().unwrap() = Mood::Well;
        self.listen();
    }

    fn listen(&mut self) {
        if let Some(socket) = self.away.take() {
            let listener = socket.listen(256).unwrap();
            tokio::spawn(accept(listener, Arc::clone(&self.shared)));
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        // A caller who has gone is not this peer's concern.
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
        let good = good_answer(shared.base, &head);
        let call = {
            let mut heard = shared.heard.lock().unwrap();
            heard.push(head);
            heard.len()
        };
        let mut mood = *shared.mood.lock().unwrap();
        if let Mood::AtFirst(calls, other) = mood {
            mood = if call <= calls { *other } else { Mood::Well };
        }
        match mood {
            Mood::Well => stream.write_all(good.as_bytes()).await?,
            Mood::Hangs | Mood::Away | Mood::AtFirst(..) => {
                stream.read_u8().await?;
            }
            Mood::Resets(text) => {
                stream.write_all(text.as_bytes()).await?;
                return stream.set_zero_linger();
            }
            Mood::Closes(text) => return stream.write_all(text.as_bytes()).await,
            Mood::Drips => {
                for byte in good.bytes() {
                    stream.write_u8(byte).await?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            Mood::Endless(text) => {
                stream.write_all(text.as_bytes()).await?;
                loop {
                    // Good as a chunk of its own, and as a part of a body of announced length.
                    stream.write_all(format!("1000\r\n{}\r\n", "a".repeat(0x1000)).as_bytes()).await?;
                }
            }
        }
    }
}

fn good_answer(base: &str, head: &str) -> String {
    let path = head.split(' ').nth(1).and_then(|path| path.strip_prefix(base));
    let (status, body) = match path {
        Some("/users/1") => ("200 OK", r#"{"id":1,"name":"Asing","since":2020}"#),
        Some("/products/1") => ("200 OK", r#"{"id":1,"name":"Barang","price":2500,"colour":"red"}"#),
        // A status is enough: it may be a page in any language.
        _ => ("404 Not Found", "<h1>Nicht gefunden</h1>"),
    };
    format!("HTTP/1.1 {status}\r\nServer: Werkzeug\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
