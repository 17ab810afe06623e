//! The interface between the launcher and the services: what a service is built from, and what it consists of.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use futures_util::future::BoxFuture;
use reqwest::Url;

use crate::auth::{TokenCheck, token::Tokens};
use crate::clock::Clock;
use crate::error::Result;
use crate::events::{LocalSubscribers, Outbox};
use crate::faults::{self, Faults};
use crate::invariants::Invariant;
use crate::metrics::Metrics;
use crate::peer::{ServiceToken, Target};
use crate::storage::Db;
use crate::web::Mount;

/// The services of the shop, in the order in which they start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum ServiceName {
    User,
    Product,
    Order,
    Payment,
}

impl ServiceName {
    const fn row(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::User => ("user", "UserService", "users/1"),
            Self::Product => ("product", "ProductService", "products"),
            Self::Order => ("order", "OrderService", "orders"),
            Self::Payment => ("payment", "PaymentService", "payments/methods"),
        }
    }

    /// The name in commands, logs and tokens.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The title for people.
    pub const fn title(self) -> &'static str {
        self.row().1
    }

    /// The path of a first call to try.
    pub const fn first_path(self) -> &'static str {
        self.row().2
    }

    /// The variable that sets its address.
    pub fn addr_variable(self) -> String {
        format!("{}_ADDR", self.name().to_uppercase())
    }
}

/// What a service is built from.
#[derive(Clone)]
pub struct Deps {
    pub db: Db,
    pub clock: Clock,
    pub outbox: Outbox,
    pub tokens: Tokens,
    /// The metrics of the server that the service is on.
    pub metrics: Metrics,
    pub faults: Faults,
    /// The URLs of the services.
    pub urls: Arc<Vec<(ServiceName, Url)>>,
    /// Whether services send tokens to each other.
    pub auth_required: bool,
    /// Whether an empty database gets demo data.
    pub demo: bool,
}

impl Deps {
    /// Another service as the target of the calls of `caller`.
    pub fn target(&self, caller: ServiceName, peer: ServiceName) -> anyhow::Result<Arc<Target>> {
        let found = self.urls.iter().find(|(name, _)| *name == peer).map(|(_, url)| url.clone());
        let url = found.with_context(|| format!("nothing says where the {} service is", peer.name()))?;
        let token = self.auth_required.then(|| ServiceToken::new(self.tokens.clone(), peer.name()));
        Ok(Target::new(caller.name(), peer.name(), url, token, self.metrics.clone(), self.faults.clone()))
    }

    /// Whether there is such a service, here or elsewhere.
    pub fn has(&self, peer: ServiceName) -> bool {
        self.urls.iter().any(|(name, _)| *name == peer)
    }
}

/// A service that is built, but does not run yet.
pub struct Service {
    /// Its routes, and the state of their handlers.
    pub mount: Mount,
    /// Checks that a user's token is not revoked.
    pub token_check: TokenCheck,
    /// Its subscribers of events.
    pub subscribers: LocalSubscribers,
    /// What must hold between its rows.
    pub invariants: &'static [Invariant],
    /// What must be done before it serves requests.
    pub start_up: BoxFuture<'static, anyhow::Result<()>>,
    /// Its background tasks, for as long as the process lives.
    pub tasks: Vec<BoxFuture<'static, ()>>,
    /// Removes expired data; called from time to time.
    pub purge: Option<Purge>,
    /// Forgets what it keeps of rows in memory; called after all rows were removed.
    pub forget: Option<Forget>,
}

/// Forgets what a service keeps of rows in memory.
pub type Forget = Arc<dyn Fn() + Send + Sync>;

/// Removes the expired data of a service.
pub type Purge = Box<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Runs `work` at once and then every `period`, for as long as it is polled. `task` says in the log what failed.
pub async fn every<W: Future<Output = Result<()>>>(task: &str, period: Duration, work: impl Fn() -> W) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        faults::while_running().await;
        if let Err(error) = work().await {
            log::warn!("{task} has to wait: {error}");
        }
    }
}
