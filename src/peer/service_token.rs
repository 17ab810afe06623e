//! The token that a process sends to one other service.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::header::HeaderValue;

use crate::auth::token::{LEEWAY, SERVICE_TOKEN_TTL, Tokens};
use crate::context::ANSWER_TIME;

/// The age at which a token is replaced, well before it expires.
const RENEWAL: Duration = Duration::from_secs(30);
const _: () = assert!(
    RENEWAL.as_millis() + ANSWER_TIME.as_millis() + LEEWAY.as_millis() < SERVICE_TOKEN_TTL.as_millis(),
    "a token outlives every call that it is sent with"
);

/// A token for one other service, replaced before it expires.
pub struct ServiceToken {
    tokens: Tokens,
    peer: &'static str,
    current: Mutex<Option<(Instant, HeaderValue)>>,
}

impl ServiceToken {
    pub fn new(tokens: Tokens, peer: &'static str) -> Self {
        Self { tokens, peer, current: Mutex::new(None) }
    }

    /// The value of an `Authorization` header.
    pub fn header(&self) -> anyhow::Result<HeaderValue> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, header)) = &*current
            && made.elapsed() < RENEWAL
        {
            return Ok(header.clone());
        }
        let token = self.tokens.of_service(self.peer)?;
        let mut header = HeaderValue::from_str(&format!("Bearer {token}")).context("a token is printable")?;
        header.set_sensitive(true);
        *current = Some((Instant::now(), header.clone()));
        Ok(header)
    }
}
