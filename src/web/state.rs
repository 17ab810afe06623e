//! What a server knows, whichever services it serves.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, Bytes};

use super::allowlist::Hosts;
use super::docs::{Endpoint, Pages};
use super::routes::Routes;
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

/// What a service adds to its server.
#[derive(Clone)]
pub struct Mount {
    /// The service's name.
    pub service: &'static str,
    pub routes: fn(&mut Routes),
    /// Adds the service's state, once for each worker: a client of other services lives and dies with its
    /// worker's runtime.
    pub state: Arc<dyn Fn(&mut web::ServiceConfig) + Send + Sync>,
}

impl Mount {
    pub fn new<S: 'static>(
        service: &'static str,
        routes: fn(&mut Routes),
        state: impl Fn() -> S + Send + Sync + 'static,
    ) -> Self {
        let state = move |config: &mut web::ServiceConfig| {
            config.app_data(web::Data::new(state()));
        };
        Self { service, routes, state: Arc::new(state) }
    }
}
