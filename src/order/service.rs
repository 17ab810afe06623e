//! The wiring of the order service.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use tokio::sync::watch;

use super::expiry::Sweeper;
use super::hints::StockHints;
use super::invariants::INVARIANTS;
use super::routes::routes;
use super::state::{Quota, State};
use super::subscribers::SUBSCRIBERS;
use super::{figures, jobs, store};
use crate::auth::revocations;
use crate::error::Result;
use crate::events::{Event, EventKind, JobRunner, LocalSubscribers};
use crate::payment::client::PaymentClient;
use crate::peer::{self, Peer};
use crate::product::client::ProductClient;
use crate::service::{Deps, Service, ServiceName, every};
use crate::storage::Tx;
use crate::user::client::UserClient;
use crate::web::Mount;

const NAME: ServiceName = ServiceName::Order;

/// The settings of orders.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long an order waits to be paid.
    pub ttl: Duration,
    pub quota: Quota,
    /// How often expired deadlines are looked for.
    pub sweep: Duration,
}

/// How often new orders are counted.
const FIGURES_PERIOD: Duration = Duration::from_secs(1);

/// Builds the service.
pub fn build(deps: &Deps, settings: &Settings) -> anyhow::Result<Service> {
    let users = deps.target(NAME, ServiceName::User)?;
    let products = deps.has(ServiceName::Product).then(|| deps.target(NAME, ServiceName::Product)).transpose()?;
    let payments = deps.target(NAME, ServiceName::Payment)?;
    let Deps { db, clock, outbox, .. } = deps.clone();
    let Settings { ttl, quota, sweep } = settings.clone();
    let stock_hints = Arc::<StockHints>::default();
    let (changed, changes) = watch::channel(());
    let state = move |client: &Client| {
        let products = products.as_ref().map(|target| ProductClient::new(Peer::new(client.clone(), target.clone())));
        let payments = PaymentClient::new(Peer::new(client.clone(), payments.clone()));
        let work = jobs::work(products.clone(), payments.clone());
        State {
            db: db.clone(),
            clock: clock.clone(),
            users: UserClient::new(Peer::new(client.clone(), users.clone())),
            products,
            stock_hints: Arc::clone(&stock_hints),
            payments,
            changes: changes.clone(),
            outbox,
            jobs: JobRunner::new(db.clone(), clock.clone(), work),
            order_ttl: ttl,
            quota,
        }
    };
    // A client of its own for the tasks: they run on the launcher's runtime, and a connection ends with its runtime.
    let own = state(&peer::client()?);
    let jobs = own.jobs.clone().run();
    let sweeper = Arc::new(Sweeper::new(own.clone()));
    let forgetful = (Arc::clone(&sweeper), Arc::clone(&own.stock_hints));
    let expiring = own.clone();
    let expiry = every("expiring orders", sweep, move || {
        let (sweeper, db) = (Arc::clone(&sweeper), expiring.db.clone());
        async move { db.in_generation(sweeper.sweep()).await }
    });
    let counted = own.clone();
    let figures = every("counting orders", FIGURES_PERIOD, move || {
        let state = counted.clone();
        async move { state.db.in_generation(figures::count_new_orders(&state)).await }
    });
    let announce = move |events: &[Event]| {
        if events.iter().any(|event| event.kind() == EventKind::OrderStatusChanged) {
            // An error means that no stream is open.
            let _ = changed.send(());
        }
    };
    Ok(Service {
        mount: Mount::new(NAME.name(), routes, move || Ok(state(&peer::client()?))),
        token_check: revocations::is_current,
        subscribers: LocalSubscribers { subscribers: SUBSCRIBERS, after: Some(Arc::new(announce)) },
        invariants: INVARIANTS,
        start_up: Box::pin(async { Ok(()) }),
        tasks: vec![Box::pin(jobs), Box::pin(expiry), Box::pin(figures)],
        purge: Some(Box::new(move || {
            let state = own.clone();
            Box::pin(async move { figures::purge(&state).await })
        })),
        forget: Some(Arc::new(move || {
            let (sweeper, stock_hints) = &forgetful;
            sweeper.forget();
            stock_hints.forget_all();
        })),
    })
}

/// Adds the rows of a new database, and ends what was in progress before all rows were removed: a placement may have
/// reserved stock or be about to, even at a product service whose rows are still there. Its reservation is released, in
/// the one case as in the other, and never made again.
pub fn refill(tx: &Tx<'_>) -> Result<()> {
    jobs::keep_releases_only(tx)?;
    store::figures::begin(tx)
}
