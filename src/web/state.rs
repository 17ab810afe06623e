//! What a server knows, whichever services it serves.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::allowlist::Hosts;
use super::docs::{cache::PageCache, openapi::Endpoint};
use super::public_address::PublicAddress;
use super::sse::LiveStreams;
use crate::auth::Auth;
use crate::calls::Recorder;
use crate::clock::Clock;
use crate::error::Result;
use crate::faults::Faults;
use crate::invariants::Invariant;
use crate::metrics::Metrics;
use crate::storage::Db;

/// Removes all rows of a database, adds those of a new one, and forgets what this process keeps of the old ones.
pub type Reset = Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// The state of a server that its handlers and middleware share.
#[derive(Clone)]
pub struct Server {
    /// As people see it: `UserService`.
    pub name: &'static str,
    pub db: Db,
    pub clock: Clock,
    /// What must hold between the rows of its services.
    pub invariants: Vec<(&'static str, &'static [Invariant])>,
    pub metrics: Metrics,
    /// Keeps the calls of the whole process.
    pub recorder: Recorder,
    /// What people break on purpose in this process.
    pub faults: Faults,
    pub hosts: Hosts,
    /// Where browsers find the services.
    pub public: Arc<Vec<PublicAddress>>,
    /// The streams that it serves.
    pub live: LiveStreams,
    /// How it authenticates and authorizes requests.
    pub auth: Auth,
    /// How long the body of a request may take to arrive.
    pub time_limit: Duration,
    /// The most connections at a time; more wait to be accepted.
    pub connections: usize,
    /// Removes all rows of its database; `None` where that is not allowed.
    pub reset: Option<Reset>,
    /// Its documentation; empty until the server starts.
    pub documentation: Documentation,
}

/// The documentation of a server, made from its routes.
#[derive(Clone, Default)]
pub struct Documentation {
    pub endpoints: Arc<Vec<Endpoint>>,
    /// The pages and the OpenAPI document. Each is made when it is asked for: together they take some megabytes.
    pub pages: Arc<PageCache>,
}
