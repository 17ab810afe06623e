//! What the tests stand on: the real app in this process on ports of its own, and ways to talk to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use pasar::app::App;
use pasar::clock::Clock;
use pasar::config::{Config, Work};
use pasar::error::{CATALOGUE, Code};
use pasar::service::ServiceName;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// What no answer needs; a test that waits longer has found a hang.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// All services, running. A drop stops them and waits for their end.
pub struct TestApp {
    pub user: Api,
    pub product: Api,
    pub order: Api,
    pub payment: Api,
    database: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<anyhow::Result<()>>>,
    /// Dropped last, when nothing uses the database any more.
    _folder: Option<TempDir>,
}

impl TestApp {
    /// On a fresh database with the demo data.
    pub async fn spawn() -> Self {
        Self::with(&[]).await
    }

    /// On a fresh database, with further flags.
    pub async fn with(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut app = Self::on(&folder, flags).await;
        app._folder = Some(folder);
        app
    }

    /// On a fresh database, with further flags, by a clock that stands.
    pub async fn with_clock(flags: &[&str], clock: &Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut app = Self::on_by(&folder, flags, clock).await;
        app._folder = Some(folder);
        app
    }

    /// On the database in `folder`, which outlives the app.
    pub async fn on(folder: &TempDir, flags: &[&str]) -> Self {
        Self::on_by(folder, flags, &Clock::system()).await
    }

    /// On the database in `folder`, by this clock.
    pub async fn on_by(folder: &TempDir, flags: &[&str], clock: &Clock) -> Self {
        let clock = clock.clone();
        let database = format!("sqlite:{}", folder.path().join("pasar.db").display());
        let own = ["--user-addr=127.0.0.1:0", "--product-addr=127.0.0.1:0", "--order-addr=127.0.0.1:0"];
        let args = [&["pasar"], &own[..], &["--database-url", &database], flags].concat();
        let config = Config::from_args(args).unwrap();

        let (started, start) = oneshot::channel();
        let (stop, stopping) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(async {
                let app = App::start(&config, clock).await?;
                let _ = started.send((Handle::current(), app.addresses().collect::<Vec<_>>()));
                app.run_until(async { stopping.await.unwrap_or_default() }).await
            })
        });
        let Ok((runtime, addresses)) = start.await else {
            panic!("the app does not start: {:?}", thread.join());
        };
        // Without idle connections there is nothing that a stop would have to wait for.
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(PATIENCE)
            .build()
            .unwrap();
        let api = |service| {
            let (_, addr) = addresses.iter().find(|(one, _)| *one == service).unwrap();
            Api { addr: *addr, token: None, client: client.clone(), runtime: runtime.clone() }
        };
        Self {
            user: api(ServiceName::User),
            product: api(ServiceName::Product),
            order: api(ServiceName::Order),
            payment: api(ServiceName::Payment),
            database,
            stop: Some(stop),
            thread: Some(thread),
            _folder: None,
        }
    }

    pub fn services(&self) -> [(&'static str, &Api); 3] {
        [("user", &self.user), ("product", &self.product), ("order", &self.order)]
    }

    /// Adds a product, with so much in stock if that is to be tracked, and gives its id.
    pub async fn sells(&self, name: &str, price: i64, stock: Option<i64>) -> i64 {
        let new = json!({"name": name, "price": price, "stock": stock});
        self.product.post("/products", &new).await.expect(201)["product"]["id"].as_i64().unwrap()
    }

    /// Registers an account with this e-mail address and [`PASSWORD`].
    pub async fn registers(&self, email: &str) -> Visitor {
        let new = json!({"name": "Siti", "email": email, "password": PASSWORD});
        Visitor::of(&self.user.post("/auth/register", &new).await.expect(201))
    }

    /// Logs in to an account that was registered.
    pub async fn logs_in(&self, email: &str) -> Visitor {
        let login = json!({"email": email, "password": PASSWORD});
        Visitor::of(&self.user.post("/auth/login", &login).await.expect(200))
    }

    /// Makes an account an admin, or with `--remove` a customer, as the command line does; its tokens end.
    pub async fn makes_admin(&self, email: &str, flags: &[&str]) {
        let args = [&["pasar", "--database-url", &self.database, "admin", email], flags].concat();
        let config = Config::from_args(args).unwrap();
        let Work::SetRole { email, role } = &config.work else { panic!("{:?}", config.work) };
        pasar::app::set_role(&config, email, *role).await.unwrap();
    }

    /// An admin, freshly logged in.
    pub async fn admin(&self) -> Visitor {
        self.registers("admin@example.com").await;
        self.makes_admin("admin@example.com", &[]).await;
        self.logs_in("admin@example.com").await
    }

    /// What of a product is on hand, reserved and sold; whenever it is asked, that is what was received.
    pub async fn books(&self, product: i64) -> [i64; 3] {
        let level = self.product.get(&format!("/products/{product}/stock")).await.expect(200);
        let of = |column: &str| level[column].as_i64().unwrap_or_else(|| panic!("no {column} in {level}"));
        let books = ["stock", "reserved", "sold"].map(of);
        assert!(books.iter().all(|units| *units >= 0), "{level}");
        assert_eq!(books.iter().sum::<i64>(), of("received"), "{level}");
        books
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(std::thread::JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(ended, Some(Ok(Ok(())))), "the app ended with {ended:?}");
        }
    }
}

/// The password of all accounts of the tests, unless they are about passwords.
pub const PASSWORD: &str = "tiga ekor kucing";

/// Somebody who has logged in.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub id: i64,
    pub token: String,
}

impl Visitor {
    fn of(session: &Value) -> Self {
        let token = session["access_token"].as_str().unwrap().to_owned();
        Self { id: session["user"]["id"].as_i64().unwrap(), token }
    }
}

/// One service, as a client sees it.
#[derive(Clone)]
pub struct Api {
    pub addr: SocketAddr,
    /// Shown with every request.
    token: Option<String>,
    client: reqwest::Client,
    runtime: Handle,
}

impl Api {
    /// The same service for somebody who shows this token.
    pub fn by(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    pub async fn get_as(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, Vec::new()).await
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
        let mut request = self.client.request(method, format!("http://{}{path}", self.addr)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        // On the app's runtime, so that connections are closed even while a test blocks in a drop.
        let sent = self.runtime.spawn(async move {
            let answer = request.send().await?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            Ok::<_, reqwest::Error>(Answer { status, headers, body: answer.bytes().await?.to_vec() })
        });
        sent.await.unwrap().unwrap_or_else(|error| panic!("no answer to {path}: {error:?}"))
    }

    /// Sends `bytes` as they are and reads the answer to the end of the connection, for which the bytes
    /// should ask. The body is left as it came over the wire.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> Answer {
        Self::exchange(TcpStream::connect(self.addr).await.unwrap(), bytes).await
    }

    /// The same, from this address.
    pub async fn raw_from(&self, address: Ipv4Addr, bytes: impl AsRef<[u8]>) -> Answer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        Self::exchange(socket.connect(self.addr).await.unwrap(), bytes).await
    }

    async fn exchange(mut stream: TcpStream, bytes: impl AsRef<[u8]>) -> Answer {
        // A server that has seen enough may close before it has been told everything.
        let _ = stream.write_all(bytes.as_ref()).await;
        let mut read = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut read)).await;
        assert!(ended.is_ok(), "the connection stays open after {:?}", String::from_utf8_lossy(&read));
        Answer::parse(&read)
    }

    /// The head of the answer to a GET whose body has no end; then the client hangs up.
    pub async fn head_of_endless(&self, path: &str) -> Answer {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        let token = self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{token}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        let head = async {
            while !read.ends_with(b"\r\n\r\n") {
                read.push(stream.read_u8().await.unwrap());
            }
        };
        assert!(tokio::time::timeout(PATIENCE, head).await.is_ok(), "no head after {read:?}");
        Answer::parse(&read)
    }

    /// Sends a request line and headers; `Connection: close` is added, a `Host` is not.
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

/// An answer with its whole body.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    fn parse(read: &[u8]) -> Self {
        let end = read.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(read)));
        let head = std::str::from_utf8(&read[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
        });
        Self { status, headers: headers.collect(), body: read[end + 4..].to_vec() }
    }

    /// A header's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The JSON of an answer with this status.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The problem document of a refusal with this code, in Indonesian.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        self.problem_in("id", status, code)
    }

    /// The problem document of a refusal with this code, all of whose members are checked.
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

/// Asks again and again until `wanted` gives something; the pause only spares the processor.
pub async fn eventually<T>(what: &str, mut wanted: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = wanted().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
