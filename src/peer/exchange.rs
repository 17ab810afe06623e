//! One request and its answer, as they are on the wire, with what an armed fault does to them.

use std::io::{self, ErrorKind};

use anyhow::anyhow;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};

use super::attempt::Attempt;
use super::failure::Failure;
use super::service_token::ServiceToken;
use crate::context::{self, CALL_BUDGET, GENERATION};
use crate::faults::{self, Kind, Strike};
use crate::storage;

/// The largest answer that is read, in bytes; more than any of ours.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// How another service is reached.
pub(super) struct Line {
    /// The service that calls it.
    pub caller: &'static str,
    pub base: Url,
    /// Sent with every call, if services have to log in.
    pub token: Option<ServiceToken>,
    agent: HeaderValue,
}

/// An answer that was read to its end.
pub(super) struct Raw {
    pub status: StatusCode,
    pub body: Vec<u8>,
}

impl Line {
    pub fn new(caller: &'static str, base: Url, token: Option<ServiceToken>) -> Self {
        let agent = HeaderValue::try_from(context::agent(caller));
        let agent = agent.unwrap_or(HeaderValue::from_static(context::AGENT));
        Self { caller, base, token, agent }
    }

    /// Sends a request and reads its answer, unless the fault that has struck the attempt does something else.
    pub(super) async fn exchange(
        &self,
        client: &Client,
        attempt: &mut Attempt<'_>,
        sent: (&Method, &str, Option<&str>),
    ) -> Result<Raw, Failure> {
        let request = self.request(client, attempt, sent)?;
        let Some(Strike { kind, delay }) = attempt.strike else {
            return send(attempt, request).await;
        };
        match kind {
            Kind::Delay => {
                tokio::time::sleep(delay).await;
                send(attempt, request).await
            }
            Kind::LoseAnswer => {
                send(attempt, request).await?;
                Err(io::Error::from(ErrorKind::ConnectionReset).into())
            }
            Kind::Twice => {
                let again = request.try_clone();
                let first = send(attempt, request).await;
                // The caller knows of one request, so it neither waits for the second answer nor reads it.
                tokio::spawn(async move {
                    if let Some(again) = again {
                        let _ = again.timeout(CALL_BUDGET).send().await;
                    }
                });
                first
            }
            Kind::Hang => std::future::pending().await,
            Kind::Error => invented(attempt, StatusCode::INTERNAL_SERVER_ERROR, ""),
            Kind::Nonsense => invented(attempt, StatusCode::OK, faults::NONSENSE),
            Kind::NotFound => invented(attempt, StatusCode::NOT_FOUND, faults::BARE_NOT_FOUND),
            // Nobody listens where a service is stopped.
            Kind::Refuse | Kind::Stop => Err(io::Error::from(ErrorKind::ConnectionRefused).into()),
        }
    }

    fn request(
        &self,
        client: &Client,
        attempt: &Attempt<'_>,
        (method, path, body): (&Method, &str, Option<&str>),
    ) -> Result<RequestBuilder, Failure> {
        let mut url = self.base.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        url.set_query(query);
        let mut request = client
            .request(method.clone(), url)
            .header(USER_AGENT, self.agent.clone())
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header("x-request-id", attempt.request_id())
            .header("traceparent", attempt.trace.to_string());
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.header()?);
        }
        if let Some(generation) = storage::began_in() {
            request = request.header(GENERATION, generation);
        }
        if let Some(body) = body {
            let json = HeaderValue::from_static("application/json");
            request = request.header(CONTENT_TYPE, json).body(body.to_owned());
        }
        Ok(request)
    }
}

async fn send(attempt: &mut Attempt<'_>, request: RequestBuilder) -> Result<Raw, Failure> {
    let mut answer = request.send().await?;
    let status = answer.status();
    check(attempt, status)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(Failure::NotUnderstood(anyhow!("its answer is longer than {MAX_ANSWER_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    attempt.keep(answer.headers(), &body);
    Ok(Raw { status, body })
}

/// An answer that no service has given.
fn invented(attempt: &mut Attempt<'_>, status: StatusCode, body: &str) -> Result<Raw, Failure> {
    check(attempt, status)?;
    attempt.keep(&HeaderMap::new(), body.as_bytes());
    Ok(Raw { status, body: body.into() })
}

/// Keeps the status; an error if it says that the peer is unwell.
fn check(attempt: &mut Attempt<'_>, status: StatusCode) -> Result<(), Failure> {
    attempt.status = Some(status);
    if status.is_server_error() {
        return Err(anyhow!("it answered {status}").into());
    }
    Ok(())
}
