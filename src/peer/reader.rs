//! Asking a running service without a request of our own to answer: patiently, and without a breaker.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use reqwest::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::Problem;
use super::service_token::ServiceToken;
use crate::error::{BUSY, TOO_SLOW};

/// How long one answer may take: longer than a service may take to look at all its rows.
const ANSWER_LIMIT: Duration = Duration::from_secs(330);
/// How long a service may be too busy to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause before a busy service is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// Asks one service.
pub struct Reader {
    client: Client,
    base: Url,
    /// Sent with each request, if services have to log in.
    token: Option<ServiceToken>,
}

impl Reader {
    pub fn new(client: Client, base: Url, token: Option<ServiceToken>) -> Self {
        Self { client, base, token }
    }

    pub fn url(&self) -> &Url {
        &self.base
    }

    /// The JSON of `GET path`, with sentences in English. A busy service is asked again.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<T> {
        self.ask(&Method::GET, path, query, None).await
    }

    /// The JSON that is answered to `body`. It must do no harm if it is sent twice.
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<T> {
        self.ask(&method, path, &[], body).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> anyhow::Result<T> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let mut request = self.client.request(method.clone(), url.clone()).timeout(ANSWER_LIMIT);
            request = request.header(ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
            if let Some(token) = &self.token {
                request = request.header(AUTHORIZATION, token.header()?);
            }
            if let Some(body) = body {
                request =
                    request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body.to_string());
            }
            let answer = request.send().await?;
            let status = answer.status();
            let body = answer.bytes().await.with_context(|| format!("{url}: the answer broke off"))?;
            if status.is_success() {
                return serde_json::from_slice(&body).with_context(|| format!("{url}: the answer is not understood"));
            }
            let problem: Option<Problem> = serde_json::from_slice(&body).ok();
            let is_busy = problem.as_ref().is_some_and(|problem| [BUSY.name, TOO_SLOW.name].contains(&&*problem.code));
            if !is_busy || Instant::now() >= until {
                let why = problem.map(|Problem { code, detail }| format!(": {code} {detail}")).unwrap_or_default();
                bail!("{url}: it answered {status}{why}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
