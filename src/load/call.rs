//! One call to a service: retried with the same key until it has a clear answer.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, LINK, RETRY_AFTER};
use reqwest::{Client, Method, Response, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::settings::Services;
use super::stats::{self, Ending, Kind, Stats};
use crate::context::ANSWER_TIME;
use crate::error::{CATALOGUE, Code, Kind as ErrorKind};

/// How long a call without a clear answer is retried: longer than a restart, and than any lease of a key.
const PATIENCE: Duration = Duration::from_secs(30);
const _: () = assert!(
    PATIENCE.as_millis() > 2 * crate::storage::idempotency::MAX_LEASE.as_millis(),
    "a key that a killed process leased is free again before its call is given up"
);
/// How long one attempt may take: an answer takes [`ANSWER_TIME`] at most.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const _: () = assert!(ATTEMPT_TIMEOUT.as_millis() > ANSWER_TIME.as_millis(), "a slow answer is waited for");
/// The pauses between attempts: the first, and the longest, also where the service asks for more.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// The largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The moment after which a call that begins now is not retried any more.
pub fn give_up() -> Instant {
    Instant::now() + PATIENCE
}

/// What is sent, and where.
pub struct Request<'a> {
    /// What it counts as; `None`: preparation, or a check.
    pub kind: Option<Kind>,
    pub method: Method,
    /// The service.
    pub base: &'a Url,
    pub path: String,
    pub key: Option<String>,
    pub token: Option<HeaderValue>,
    pub body: Option<Value>,
}

impl<'a> Request<'a> {
    pub fn get(base: &'a Url, path: impl Into<String>) -> Self {
        let path = path.into();
        Self { kind: None, method: Method::GET, base, path, key: None, token: None, body: None }
    }

    pub fn send(method: Method, base: &'a Url, path: impl Into<String>, body: Value) -> Self {
        Self { method, body: Some(body), ..Self::get(base, path) }
    }

    pub fn counted(self, kind: Kind) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// With a new Idempotency-Key, the same for all attempts.
    pub fn with_key(self) -> Self {
        Self { key: Some(uuid::Uuid::now_v7().to_string()), ..self }
    }

    pub fn by(self, token: Option<HeaderValue>) -> Self {
        Self { token, ..self }
    }
}

/// The outcome of a call.
pub enum Outcome<T> {
    Done {
        value: T,
        /// Of a page: the query of the next one.
        next: Option<String>,
    },
    Refused {
        code: &'static Code,
        /// Whether an earlier attempt had no clear answer: it may have done what this one is refused for.
        retried: bool,
    },
    /// It was given up; the symptom of the last attempt.
    Unclear(&'static str),
}

/// The outcome of one attempt.
enum Attempt<T> {
    Done(T, Option<String>),
    Refused(&'static Code),
    Unclear { symptom: &'static str, retry_after: Option<Duration> },
}

impl<T> Attempt<T> {
    fn unclear(symptom: &'static str) -> Self {
        Self::Unclear { symptom, retry_after: None }
    }
}

/// What matters of a problem document (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    code: String,
}

pub struct Caller {
    client: Client,
    pub services: Services,
    stats: Arc<Mutex<Stats>>,
}

impl Caller {
    pub fn new(client: Client, services: Services, stats: Arc<Mutex<Stats>>) -> Self {
        Self { client, services, stats }
    }

    /// Sends a request until it has a clear answer, or until `give_up`; at least once. Its latency counts from `since`.
    /// An answer is nonsense if `sound` is false for it.
    pub async fn call<T: DeserializeOwned>(
        &self,
        request: &Request<'_>,
        since: Instant,
        give_up: Instant,
        sound: impl Fn(&T) -> bool,
    ) -> Outcome<T> {
        let (mut pause, mut retried) = (FIRST_PAUSE, false);
        loop {
            let attempt = self.attempt(request, &sound);
            let attempt = tokio::time::timeout(ATTEMPT_TIMEOUT, attempt).await;
            let (symptom, retry_after) = match attempt.unwrap_or(Attempt::unclear("no answer in time")) {
                Attempt::Done(value, next) => {
                    self.record(request, since, &Ending::Done);
                    return Outcome::Done { value, next };
                }
                Attempt::Refused(code) => {
                    self.record(request, since, &Ending::Refused(code.name));
                    return Outcome::Refused { code, retried };
                }
                Attempt::Unclear { symptom, retry_after } => (symptom, retry_after),
            };
            // Retries that come at random moments do not come all at once.
            let wait = pause.max(retry_after.unwrap_or_default()).min(MAX_PAUSE).mul_f64(0.5 + fastrand::f64());
            pause = (2 * pause).min(MAX_PAUSE);
            let is_last = Instant::now() + wait >= give_up;
            if let Some(kind) = request.kind {
                let mut stats = stats::lock(&self.stats);
                stats.record_unclear_attempt(symptom);
                if !is_last {
                    stats.record_retry(kind);
                }
            }
            if is_last {
                self.record(request, since, &Ending::Unclear);
                return Outcome::Unclear(symptom);
            }
            tokio::time::sleep(wait).await;
            retried = true;
        }
    }

    fn record(&self, request: &Request<'_>, since: Instant, ending: &Ending) {
        if let Some(kind) = request.kind {
            stats::lock(&self.stats).record(kind, since, ending);
        }
    }

    async fn attempt<T: DeserializeOwned>(&self, request: &Request<'_>, sound: &impl Fn(&T) -> bool) -> Attempt<T> {
        let mut url = request.base.clone();
        let (path, query) =
            request.path.split_once('?').map_or((&*request.path, None), |(path, query)| (path, Some(query)));
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        url.set_query(query);
        let mut builder = self
            .client
            .request(request.method.clone(), url)
            .header(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(token) = &request.token {
            builder = builder.header(AUTHORIZATION, token);
        }
        if let Some(key) = &request.key {
            builder = builder.header("idempotency-key", key);
        }
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        let answer = match builder.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Attempt::unclear("no connection"),
            Err(_) => return Attempt::unclear("connection lost"),
        };
        let (is_success, is_server_error) = (answer.status().is_success(), answer.status().is_server_error());
        let next = next_query(&answer);
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let retry_after = retry_after.map(Duration::from_secs);
        let body = match read(answer).await {
            Ok(body) => body,
            Err(symptom) => return Attempt::unclear(symptom),
        };
        if is_success {
            return match serde_json::from_slice(&body) {
                Ok(value) if sound(&value) => Attempt::Done(value, next),
                _ => Attempt::unclear("nonsense"),
            };
        }
        let problem: Option<Problem> = serde_json::from_slice(&body).ok();
        let code = problem.and_then(|problem| CATALOGUE.iter().find(|code| code.name == problem.code));
        match code {
            // A gateway may answer a bare 404 while the service behind it restarts.
            None => Attempt::unclear("nonsense"),
            Some(code) if is_server_error || is_temporary(code) => Attempt::Unclear { symptom: code.name, retry_after },
            Some(code) => Attempt::Refused(code),
        }
    }
}

/// Whether the same request may be answered later.
fn is_temporary(code: &Code) -> bool {
    matches!(code.kind, ErrorKind::UnderWay | ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal)
}

/// The query of the next page. Only the query is taken from the link: it leads nowhere else.
fn next_query(answer: &Response) -> Option<String> {
    let link = answer.headers().get(LINK)?.to_str().ok()?;
    let (target, rest) = link.trim_start().strip_prefix('<')?.split_once('>')?;
    let (_, query) = target.split_once('?')?;
    rest.contains("rel=\"next\"").then(|| query.to_owned())
}

async fn read(mut answer: Response) -> Result<Vec<u8>, &'static str> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| "connection lost")? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err("nonsense");
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OrderId;
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[derive(Deserialize)]
    struct Ordered {
        id: OrderId,
    }

    /// Calls a service that gives these answers, one for each connection, until `give_up`.
    async fn ask(answers: &[&str], give_up: Instant) -> (Outcome<Ordered>, Arc<Mutex<Stats>>, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}/api/", listener.local_addr().unwrap())).unwrap();
        let services =
            Services { user: base.clone(), product: base.clone(), order: base.clone(), payment: base.clone() };
        let stats = Arc::new(Mutex::new(Stats::new().unwrap()));
        let caller = Caller::new(crate::peer::client().unwrap(), services, Arc::clone(&stats));
        let request = Request::send(Method::POST, &base, "/orders?a=1", json!({})).counted(Kind::Order).with_key();
        let serve = async {
            let mut received = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = [0; 4096];
                let length = stream.read(&mut head).await.unwrap();
                received.push(String::from_utf8_lossy(&head[..length]).to_lowercase());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            received
        };
        let call = caller.call(&request, Instant::now(), give_up, |ordered: &Ordered| ordered.id.get() == 7);
        let (outcome, received) = tokio::join!(call, serve);
        (outcome, stats, received)
    }

    fn http(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn an_answer_that_can_not_be_used_is_unclear() {
        for (answer, expected) in [
            (http("200 OK", "{}"), "nonsense"),
            (http("200 OK", r#"{"id": 8}"#), "nonsense"),
            (http("200 OK", "\u{0}"), "nonsense"),
            (http("404 Not Found", ""), "nonsense"),
            (http("404 Not Found", r#"{"code": "of_another_shop"}"#), "nonsense"),
            (http("301 Moved Permanently", ""), "nonsense"),
            (http("500 Internal Server Error", r#"{"code": "order_not_found"}"#), "order_not_found"),
            (http("503 Service Unavailable", r#"{"code": "peer_unavailable"}"#), "peer_unavailable"),
            (http("409 Conflict", r#"{"code": "key_under_way"}"#), "key_under_way"),
            ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\n{".to_owned(), "connection lost"),
            ("SSH-2.0-OpenSSH_9.9\r\n".to_owned(), "connection lost"),
        ] {
            let (outcome, stats, _) = ask(&[&answer], Instant::now()).await;
            assert!(matches!(outcome, Outcome::Unclear(symptom) if symptom == expected), "{answer}");
            let stats = stats::lock(&stats);
            assert_eq!(stats.unclear_attempts.get(expected), Some(&1), "{answer}");
            let order = stats.kinds().find(|(kind, _)| *kind == Kind::Order).unwrap().1;
            assert_eq!((order.unclear, order.retried, order.latency.len()), (1, 0, 1));
        }
    }

    #[tokio::test]
    async fn a_call_is_retried_with_its_key_until_it_is_answered() {
        let (busy, done) =
            (http("503 Service Unavailable", r#"{"code": "busy"}"#), http("201 Created", r#"{"id": 7}"#));
        let (outcome, stats, received) = ask(&[&busy, "", &done], give_up()).await;
        assert!(matches!(outcome, Outcome::Done { .. }));
        let key = |head: &String| head.lines().find(|line| line.starts_with("idempotency-key: ")).map(str::to_owned);
        assert!(received[0].starts_with("post /api/orders?a=1 http/1.1"), "{received:?}");
        assert!(key(&received[0]).is_some());
        assert!(received.iter().all(|head| key(head) == key(&received[0])), "{received:?}");
        let stats = stats::lock(&stats);
        let order = stats.kinds().find(|(kind, _)| *kind == Kind::Order).unwrap().1;
        assert_eq!((order.retried, order.unclear, order.latency.len()), (2, 0, 1));
    }

    #[tokio::test]
    async fn a_refusal_that_is_understood_is_an_answer() {
        let refusal = http("409 Conflict", r#"{"code": "insufficient_stock"}"#);
        let (outcome, stats, _) = ask(&[&refusal], give_up()).await;
        assert!(matches!(outcome, Outcome::Refused { code, retried: false } if code.name == "insufficient_stock"));
        let stats = stats::lock(&stats);
        let order = stats.kinds().find(|(kind, _)| *kind == Kind::Order).unwrap().1;
        assert_eq!(order.refused.get("insufficient_stock"), Some(&1));
    }
}
