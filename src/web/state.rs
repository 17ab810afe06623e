//! What a server knows, whichever services it serves.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;

use super::allowlist::Hosts;
use super::docs::{cache::PageCache, openapi::Endpoint};
use super::sse::LiveStreams;
use crate::auth::Auth;
use crate::metrics::Metrics;
use crate::storage::Db;

/// The state of a server that its handlers and middleware share.
#[derive(Clone)]
pub struct Server {
    /// As people see it: `UserService`.
    pub name: &'static str,
    pub db: Db,
    pub metrics: Metrics,
    pub hosts: Hosts,
    /// The streams that it serves.
    pub live: LiveStreams,
    /// How it authenticates and authorizes requests.
    pub auth: Auth,
    /// How long the body of a request may take to arrive.
    pub time_limit: Duration,
    /// The most connections at a time; more wait to be accepted.
    pub connections: usize,
    /// Its documentation; empty until the server starts.
    pub documentation: Documentation,
}

/// The documentation of a server, made from its routes.
#[derive(Clone, Default)]
pub struct Documentation {
    pub endpoints: Arc<Vec<Endpoint>>,
    /// The OpenAPI document.
    pub openapi: Bytes,
    pub pages: Arc<PageCache>,
}
