//! What a server knows, whichever services it serves.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;

use super::allowlist::Hosts;
use super::docs::{cache::Pages, openapi::Endpoint};
use super::sse::Live;
use crate::auth::Auth;
use crate::metrics::Metrics;
use crate::storage::Db;

/// What a server knows of itself, whatever its service.
#[derive(Clone)]
pub struct Server {
    /// As people see it: `UserService`.
    pub name: &'static str,
    pub db: Db,
    pub metrics: Metrics,
    pub hosts: Hosts,
    /// The streams that it serves.
    pub live: Live,
    /// Who may do what.
    pub auth: Auth,
    /// What the body of a request may take to arrive.
    pub time_limit: Duration,
    /// Connections that it may have at a time; more wait to be accepted.
    pub connections: usize,
    /// What it says of itself, once it is known.
    pub about: About,
}

/// What a server says of itself, made from its routes.
#[derive(Clone, Default)]
pub struct About {
    pub endpoints: Arc<Vec<Endpoint>>,
    /// The OpenAPI document.
    pub openapi: Bytes,
    pub pages: Arc<Pages>,
}
