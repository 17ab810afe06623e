//! A proxy in front of a service, which can be away or lose an answer, and remembers what it has forwarded.

use std::io::{ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::support::PATIENCE;

const BUFFER_BYTES: usize = 16 * 1024;

pub struct Proxy {
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    service: OnceLock<SocketAddr>,
    fault: Mutex<Fault>,
    /// The `traceparent` of each request.
    traces: Mutex<Vec<String>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Fault {
    #[default]
    None,
    /// Every connection is closed.
    Away,
    /// The next request that begins with this reaches the service. Its answer is lost, and then the service is away.
    LosesAnswer(&'static str),
}

impl Proxy {
    /// Listens. The service is started with the URL of the proxy, so it is known only afterwards.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<Shared>::default();
        let accepting = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((browser, _)) = listener.accept().await {
                let shared = Arc::clone(&accepting);
                // An error ends this connection; the browser notices it.
                tokio::spawn(async move { shared.serve(browser).await.ok() });
            }
        });
        Self { url, shared }
    }

    pub fn forward_to(&self, service: SocketAddr) {
        self.shared.service.set(service).unwrap();
    }

    pub fn is_away(&self, away: bool) {
        self.fail(if away { Fault::Away } else { Fault::None });
    }

    pub fn loses_answer(&self, request: &'static str) {
        self.fail(Fault::LosesAnswer(request));
    }

    /// The spans of the requests of a trace that were forwarded.
    pub fn spans(&self, trace: &str) -> Vec<String> {
        let traces = self.shared.traces.lock().unwrap();
        let of_trace = traces.iter().filter(|found| found.contains(trace));
        of_trace.filter_map(|found| found.split('-').nth(2)).map(str::to_owned).collect()
    }

    fn fail(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap() = fault;
    }
}

impl Shared {
    async fn serve(&self, mut browser: TcpStream) -> Result<()> {
        let mut service = TcpStream::connect(self.service.get().ok_or(ErrorKind::NotConnected)?).await?;
        let (mut asked, mut answered) = ([0; BUFFER_BYTES], [0; BUFFER_BYTES]);
        loop {
            tokio::select! {
                read = browser.read(&mut asked) => {
                    let request = &asked[..read?];
                    self.forward(request, &mut service).await?;
                }
                read = service.read(&mut answered) => {
                    let answer = &answered[..read?];
                    self.check(answer)?;
                    browser.write_all(answer).await?;
                }
                // A stream that is open must notice that the service went away.
                () = sleep(PATIENCE / 100) => self.check(b".")?,
            }
        }
    }

    /// Forwards what was read of a request; an error after a request whose answer is lost.
    async fn forward(&self, request: &[u8], service: &mut TcpStream) -> Result<()> {
        self.check(request)?;
        let text = String::from_utf8_lossy(request);
        let found = text.lines().find_map(|line| line.strip_prefix("traceparent: "));
        self.traces.lock().unwrap().extend(found.map(str::to_owned));
        service.write_all(request).await?;
        let fault = *self.fault.lock().unwrap();
        if matches!(fault, Fault::LosesAnswer(start) if request.starts_with(start.as_bytes())) {
            service.read_u8().await?;
            *self.fault.lock().unwrap() = Fault::Away;
            return Err(ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// An error if one side has closed its connection, or the service is away.
    fn check(&self, read: &[u8]) -> Result<()> {
        let is_over = read.is_empty() || *self.fault.lock().unwrap() == Fault::Away;
        if is_over { Err(ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}
