//! Calls to other services: one deadline, one retry, a circuit breaker, and the trace context.
//!
//! Whatever is wrong with a peer (down, hung, slow, connection lost, server error, nonsense), the caller gets
//! [`PEER_UNAVAILABLE`]. The peer's status codes never reach the client, and no status alone decides anything: a
//! refusal (404, 409) counts only if its problem document has a `code` that the caller understands. A bare 404 may
//! come from a gateway while the service behind it restarts.
//!
//! Every call may be tried twice: it must be idempotent.

mod attempt;
mod breaker;
mod exchange;
mod failure;
mod problem;
mod reader;
mod service_token;

use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use reqwest::{Client, Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::context::{AGENT, CALL_BUDGET, Context};
use crate::error::{Code, Error, PEER_UNAVAILABLE, Result};
use crate::faults::{DEFAULT_DELAY, Faults, Sent};
use crate::limits;
use crate::metrics::Metrics;

use attempt::Attempt;
use breaker::{Breaker, MAX_FAILURES, PROBE_PERIOD};
use exchange::{Line, Raw};
use failure::Failure;
use problem::Problem;
pub use reader::Reader;
pub use service_token::ServiceToken;

/// How long an idle connection is kept. It is shorter than our servers keep theirs, so that no call uses a connection
/// that is being closed.
pub const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(5);
/// The timeout of the first attempt: the budget of a request must leave room for a second one.
pub const FIRST_ATTEMPT_TIMEOUT: Duration = Duration::from_millis(900);
/// The longest pause before the second attempt. The pause is random, so that clients spread out.
const MAX_JITTER: Duration = Duration::from_millis(50);
const _: () = assert!(
    2 * FIRST_ATTEMPT_TIMEOUT.as_millis() + MAX_JITTER.as_millis() <= CALL_BUDGET.as_millis(),
    "a second attempt fits into the budget"
);

const _: () = assert!(
    2 * DEFAULT_DELAY.as_millis() < FIRST_ATTEMPT_TIMEOUT.as_millis(),
    "a call that is delayed as usual is still answered"
);

/// The HTTP client of one worker, shared by its peers. It keeps no cookies, follows no redirects and uses no proxy.
pub fn client() -> anyhow::Result<Client> {
    let client = Client::builder()
        .user_agent(AGENT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        // It would copy each request to be able to repeat it. [`Peer::call`] repeats calls.
        .retry(reqwest::retry::never())
        .http1_only()
        .tcp_nodelay(true)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host((limits::max_calls() / 4).max(2))
        .build()?;
    Ok(client)
}

/// Asks the service at `base` whether it is ready; an error says what is wrong.
pub async fn check(client: &Client, base: Url) -> anyhow::Result<()> {
    let answer = client.get(base.join("health/ready")?).timeout(FIRST_ATTEMPT_TIMEOUT).send().await?;
    answer.error_for_status()?;
    Ok(())
}

/// Another service, for one worker.
#[derive(Clone)]
pub struct Peer {
    client: Client,
    target: Arc<Target>,
}

/// Another service, for the whole process.
pub struct Target {
    name: &'static str,
    line: Line,
    breaker: Breaker,
    /// Each call in progress has a permit: it needs a connection, and the process may have few files.
    calls: Semaphore,
    metrics: Metrics,
    /// What people break on purpose.
    faults: Faults,
}

/// Why a call was not made.
#[derive(Clone, Copy, Debug)]
enum NotSent {
    /// The breaker is open.
    BreakerOpen,
    /// The budget of the request is spent.
    NoTime,
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BreakerOpen => write!(
                f,
                "was not asked: it failed {MAX_FAILURES} times in a row, the next attempt is in up to {} s",
                PROBE_PERIOD.as_secs()
            ),
            Self::NoTime => {
                write!(f, "was not asked: the {} s that a request may spend on calls are over", CALL_BUDGET.as_secs())
            }
        }
    }
}

impl std::error::Error for NotSent {}

impl Target {
    /// `base` is the URL that the paths of the service are appended to.
    pub fn new(
        caller: &'static str,
        name: &'static str,
        base: Url,
        token: Option<ServiceToken>,
        metrics: Metrics,
        faults: Faults,
    ) -> Arc<Self> {
        let calls = Semaphore::new(limits::max_calls());
        faults.add_edge(caller, name);
        Arc::new(Self { name, line: Line::new(caller, base, token), breaker: Breaker::new(), calls, metrics, faults })
    }
}

/// An answer of a healthy peer.
pub enum Answer<T> {
    /// Success, with what it answered.
    Done(T),
    /// A refusal with a code that the caller understands.
    Refused(Refusal),
}

/// Why a peer refuses.
pub struct Refusal {
    pub code: &'static Code,
    /// The details of this occurrence, as the peer says them: short, and on one line.
    pub detail: String,
}

impl Refusal {
    /// Reads a problem document; `None` if its code is not one of `understood`.
    fn read(body: &[u8], understood: &[&'static Code]) -> Option<Self> {
        let Problem { code, detail } = serde_json::from_slice(body).ok()?;
        let code = understood.iter().copied().find(|known| known.name == code)?;
        Some(Self { code, detail })
    }

    pub fn is(&self, code: &Code) -> bool {
        self.code.name == code.name
    }
}

impl Peer {
    pub fn new(client: Client, target: Arc<Target>) -> Self {
        Self { client, target }
    }

    /// `GET path`: the answer, or `None` if the peer refuses with the code `missing`. An answer is nonsense if
    /// `sound` is false for it.
    pub async fn get<T: DeserializeOwned>(
        &self,
        context: &Context,
        path: &str,
        missing: &'static Code,
        sound: impl Fn(&T) -> bool,
    ) -> Result<Option<T>> {
        match self.call(context, Method::GET, path, None, &[missing], sound).await? {
            Answer::Done(found) => Ok(Some(found)),
            Answer::Refused(_) => Ok(None),
        }
    }

    /// Sends `body` as JSON to `path`. A refusal counts as an answer if its code is in `understood`. An answer is
    /// nonsense if `sound` is false for it; one without a body is read as `null`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        context: &Context,
        method: Method,
        path: &str,
        body: Option<String>,
        understood: &[&'static Code],
        sound: impl Fn(&T) -> bool,
    ) -> Result<Answer<T>> {
        let target = &self.target;
        let deadline = context.deadline();
        let permit = tokio::time::timeout_at(deadline.into(), target.calls.acquire()).await;
        let Ok(Ok(_permit)) = permit else {
            return Err(self.unavailable(Failure::Unhealthy(anyhow!("too many other calls to it are under way"))));
        };
        let mut failure = None;
        for number in 1..=2 {
            let sent = (&method, path, body.as_deref());
            let mut attempt = Attempt::begin((target.line.caller, target.name), context, sent, number, deadline);
            let began = attempt.began;
            // A spent budget says nothing about the peer.
            let not_sent = if began >= deadline {
                Some(NotSent::NoTime)
            } else if !target.breaker.allows() {
                Some(NotSent::BreakerOpen)
            } else {
                None
            };
            if let Some(why) = not_sent {
                let error = anyhow!(why);
                attempt.end(Some(&error));
                failure.get_or_insert(Failure::Unhealthy(error));
                break;
            }
            let limit = if number == 1 { (began + FIRST_ATTEMPT_TIMEOUT).min(deadline) } else { deadline };
            let only_path = path.split_once('?').map_or(path, |(path, _)| path);
            let sent = Sent { from: target.line.caller, to: target.name, method: method.as_str(), path: only_path };
            attempt.struck_by(target.faults.strike(sent, || attempt.ids()));
            let asked = self.send(&mut attempt, &method, path, body.as_deref(), understood);
            let answer = match tokio::time::timeout_at(limit.into(), asked).await {
                Ok(Ok(Answer::Done(done))) if !sound(&done) => {
                    Err(Failure::Unhealthy(anyhow!("the answer is not about what was asked")))
                }
                Ok(answer) => answer,
                // The caller had little time left, so this does not count against the peer.
                Err(late) if limit.saturating_duration_since(began) < FIRST_ATTEMPT_TIMEOUT => {
                    let late = anyhow!(late).context("the time for the request ran out");
                    attempt.end(Some(&late));
                    failure = Some(Failure::Unhealthy(late));
                    break;
                }
                Err(late) => Err(Failure::Unhealthy(anyhow!(late).context("no whole answer in time"))),
            };
            target.metrics.call(target.name, if answer.is_ok() { "ok" } else { "failed" });
            match answer {
                Ok(answer) => {
                    attempt.end(None);
                    target.breaker.record_success();
                    return Ok(answer);
                }
                Err(found) => {
                    attempt.end(Some(found.cause()));
                    match found {
                        Failure::Unhealthy(_) => target.breaker.record_failure(began),
                        Failure::NotUnderstood(_) => target.breaker.record_success(),
                    }
                    failure = Some(found);
                }
            }
            if number == 1 {
                tokio::time::sleep(MAX_JITTER.mul_f64(fastrand::f64())).await;
            }
        }
        Err(self.unavailable(failure.unwrap_or_else(|| Failure::Unhealthy(anyhow!("it was not asked")))))
    }

    fn unavailable(&self, failure: Failure) -> Error {
        let detail = format!("the {} service {}", self.target.name, self.symptom(failure.cause()));
        let error = Error::new(&PEER_UNAVAILABLE).detail(detail);
        match failure {
            Failure::Unhealthy(why) => error.caused_by(why),
            Failure::NotUnderstood(why) => error.caused_by(why).unlikely_to_recover(),
        }
    }

    /// What a client may know about a failure: enough to find the cause.
    fn symptom(&self, why: &anyhow::Error) -> String {
        // If clients have to log in, they are strangers, and do not learn addresses.
        let at =
            if self.target.line.token.is_none() { format!(" at {}", self.target.line.base) } else { String::new() };
        let refused = |cause: &(dyn std::error::Error + 'static)| {
            cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
        };
        if let Some(not_sent) = why.downcast_ref::<NotSent>() {
            not_sent.to_string()
        } else if why.is::<tokio::time::error::Elapsed>() {
            "did not answer in time".to_owned()
        } else if why.chain().any(refused) {
            format!("refused the connection{at}")
        } else if why.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect) {
            format!("can't be reached{at}")
        } else {
            "gave no answer that can be used".to_owned()
        }
    }

    pub fn name(&self) -> &'static str {
        self.target.name
    }

    /// The URL that the paths of the peer are appended to.
    pub fn url(&self) -> &Url {
        &self.target.line.base
    }

    /// Whether the peer answers at all, within the timeout of a first attempt.
    pub async fn is_reachable(&self) -> bool {
        // It takes a permit like other calls, so that nobody can use up the files by asking this.
        let Ok(_permit) = self.target.calls.try_acquire() else { return false };
        let asked = self.client.get(self.target.line.base.clone()).send();
        matches!(tokio::time::timeout(FIRST_ATTEMPT_TIMEOUT, asked).await, Ok(Ok(_)))
    }

    /// Sends a request, as far as a fault lets it through, and reads the answer.
    async fn send<T: DeserializeOwned>(
        &self,
        attempt: &mut Attempt<'_>,
        method: &Method,
        path: &str,
        body: Option<&str>,
        understood: &[&'static Code],
    ) -> Result<Answer<T>, Failure> {
        let Raw { status, body } = self.target.line.exchange(&self.client, attempt, (method, path, body)).await?;
        if status.is_success() {
            let text = if body.is_empty() { b"null" } else { body.as_slice() };
            return Ok(Answer::Done(serde_json::from_slice(text)?));
        }
        match Refusal::read(&body, understood) {
            Some(refusal) => Ok(Answer::Refused(refusal)),
            None if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN => {
                Err(Failure::NotUnderstood(anyhow!(
                    "it answered {status}: AUTH and JWT_SECRET must be the same for all services"
                )))
            }
            None => Err(Failure::NotUnderstood(anyhow!("it answered {status}, and nothing that is understood here"))),
        }
    }
}
