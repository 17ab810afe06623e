//! Calls to other services: one deadline, one retry, a breaker, and the trace passed on.
//!
//! Whatever is wrong with a peer (away, hung, slow, broken off, an error of its own, nonsense) is the
//! same to the caller: [`PEER_UNAVAILABLE`]. Its status codes never become the user's, but for the 404
//! of something that is not there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::error::{Error, PEER_UNAVAILABLE, Result};
use crate::web::{Context, KEEP_ALIVE, Metrics};

/// What the first attempt may take of a request's budget, so that a second one fits in.
const FIRST_ATTEMPT: Duration = Duration::from_millis(900);
/// The longest pause before the second attempt; the real one is random, so that clients spread out.
const JITTER_MS: u64 = 50;
/// The largest answer that is read, in bytes.
const LIMIT: usize = 64 * 1024;
/// Failures in a row after which a peer is taken to be down.
const FAILURES: u32 = 5;
/// How often a peer that is down is tried again, in milliseconds.
const PROBE_MS: u64 = 1000;

/// The HTTP client of one worker, shared by its peers. It keeps no cookies, follows no redirects, uses
/// no proxy, and lets an idle connection go before our servers do.
pub fn client() -> anyhow::Result<Client> {
    let client = Client::builder()
        .user_agent(concat!("pasar/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .http1_only()
        .tcp_nodelay(true)
        .pool_idle_timeout(KEEP_ALIVE / 3)
        .build()?;
    Ok(client)
}

/// Asks the service at `base` whether it is ready; an error says what is wrong.
pub async fn check(client: &Client, base: Url) -> anyhow::Result<()> {
    let answer = client.get(base.join("health/ready")?).timeout(FIRST_ATTEMPT).send().await?;
    answer.error_for_status()?;
    Ok(())
}

/// Another service, as one worker sees it.
#[derive(Clone)]
pub struct Peer {
    client: Client,
    target: Arc<Target>,
}

/// Another service, as the whole process sees it.
pub struct Target {
    name: &'static str,
    base: Url,
    breaker: Breaker,
    metrics: Metrics,
}

impl Target {
    /// `base` is where the service's paths begin.
    pub fn new(name: &'static str, base: Url, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self { name, base, breaker: Breaker::new(), metrics })
    }
}

impl Peer {
    pub fn new(client: Client, target: Arc<Target>) -> Self {
        Self { client, target }
    }

    /// `GET path`: the answer, or `None` if the peer says 404. Tried again once, since reading changes
    /// nothing. An answer for which `sound` is false is nonsense.
    pub async fn get<T: DeserializeOwned>(
        &self,
        context: &Context,
        path: &str,
        sound: impl Fn(&T) -> bool,
    ) -> Result<Option<T>> {
        let target = &self.target;
        let mut failure = None;
        for attempt in 0..2 {
            // A budget that is spent says nothing of the peer.
            if Instant::now() >= context.deadline() || !target.breaker.allows() {
                break;
            }
            let limit = if attempt == 0 {
                (Instant::now() + FIRST_ATTEMPT).min(context.deadline())
            } else {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(0..JITTER_MS))).await;
                context.deadline()
            };
            let answer = tokio::time::timeout_at(limit.into(), self.attempt(context, path)).await;
            let answer = answer.unwrap_or_else(|_| Err(anyhow!("no whole answer in time")));
            match answer {
                Ok(answer) if answer.as_ref().is_none_or(&sound) => {
                    target.breaker.succeeded();
                    target.metrics.call(target.name, "ok");
                    return Ok(answer);
                }
                Ok(_) => failure = Some(anyhow!("the answer is not about what was asked")),
                Err(error) => failure = Some(error),
            }
            target.breaker.failed();
            target.metrics.call(target.name, "failed");
        }
        let detail = format!("the {} service does not answer", target.name);
        let failure =
            failure.unwrap_or_else(|| anyhow!("it was not asked: it has failed repeatedly, or there is no time left"));
        Err(Error::new(&PEER_UNAVAILABLE).detail(detail).caused_by(failure))
    }

    pub fn name(&self) -> &'static str {
        self.target.name
    }

    /// Where the peer's paths begin.
    pub fn url(&self) -> &Url {
        &self.target.base
    }

    /// Whether the peer answers at all, whatever it says, in the time of a first attempt.
    pub async fn answers(&self) -> bool {
        let asked = self.client.get(self.target.base.clone()).send();
        matches!(tokio::time::timeout(FIRST_ATTEMPT, asked).await, Ok(Ok(_)))
    }

    async fn attempt<T: DeserializeOwned>(&self, context: &Context, path: &str) -> anyhow::Result<Option<T>> {
        let mut url = self.target.base.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        let mut answer = self
            .client
            .get(url)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header("x-request-id", context.request_id())
            .header("traceparent", context.child_trace().to_string())
            .send()
            .await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => bail!("it answered {status}"),
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > LIMIT {
                bail!("its answer is longer than {LIMIT} bytes");
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Some(serde_json::from_slice(&body)?))
    }
}

/// Spares a peer that keeps failing, and its callers the wait: after [`FAILURES`] in a row, calls fail
/// at once, but for one each second that finds out whether it is back.
struct Breaker {
    started: Instant,
    failures: AtomicU32,
    /// When the next probe may go, in milliseconds since `started`.
    probe_at: AtomicU64,
}

impl Breaker {
    fn new() -> Self {
        Self { started: Instant::now(), failures: AtomicU32::new(0), probe_at: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    fn allows(&self) -> bool {
        if self.failures.load(Ordering::Relaxed) < FAILURES {
            return true;
        }
        let (now, due) = (self.now(), self.probe_at.load(Ordering::Relaxed));
        // Of those who find a probe due, one takes it.
        now >= due && self.probe_at.compare_exchange(due, now + PROBE_MS, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    fn failed(&self) {
        self.probe_at.store(self.now() + PROBE_MS, Ordering::Relaxed);
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breaker_opens_after_failures_in_a_row_and_closes_with_one_success() {
        let breaker = Breaker::new();
        for _ in 0..FAILURES - 1 {
            breaker.failed();
        }
        assert!(breaker.allows());
        breaker.succeeded();
        for _ in 0..FAILURES {
            assert!(breaker.allows());
            breaker.failed();
        }
        assert!(!breaker.allows(), "open");
        breaker.probe_at.store(breaker.now(), Ordering::Relaxed);
        assert!(breaker.allows(), "one probe");
        assert!(!breaker.allows(), "and only one");
        breaker.succeeded();
        assert!(breaker.allows(), "closed again");
    }
}
