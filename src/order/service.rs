//! How the order service is put together.

use std::time::Duration;

use reqwest::Client;

use super::routes::routes;
use super::state::{Quota, State};
use super::{jobs, lifecycle};
use crate::auth::revocations;
use crate::error::Result;
use crate::events::{self, Caller, Event, ORDER_TOKENS, Subscriber};
use crate::payment::client::PaymentClient;
use crate::peer::{self, Peer};
use crate::product::client::ProductClient;
use crate::service::{Deps, Service, ServiceName, every};
use crate::storage::Tx;
use crate::user::client::UserClient;
use crate::web::Mount;

const NAME: ServiceName = ServiceName::Order;

/// What the settings say of orders.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long an order waits to be paid.
    pub ttl: Duration,
    pub quota: Quota,
    /// How often deadlines are looked after.
    pub sweep: Duration,
}

/// Builds the service.
pub fn build(deps: &Deps, settings: &Settings) -> anyhow::Result<Service> {
    let users = deps.target(NAME, ServiceName::User)?;
    let products = deps.has(ServiceName::Product).then(|| deps.target(NAME, ServiceName::Product)).transpose()?;
    let payments = deps.target(NAME, ServiceName::Payment)?;
    let Deps { db, clock, .. } = deps.clone();
    let Settings { ttl, quota, sweep } = settings.clone();
    let state = move |client: &Client| {
        let products = products.as_ref().map(|target| ProductClient::new(Peer::new(client.clone(), target.clone())));
        let payments = PaymentClient::new(Peer::new(client.clone(), payments.clone()));
        let act = jobs::act(products.clone(), payments.clone());
        State {
            db: db.clone(),
            clock: clock.clone(),
            users: UserClient::new(Peer::new(client.clone(), users.clone())),
            products,
            payments,
            owed: Caller::new(db.clone(), clock.clone(), NAME.name(), act),
            order_ttl: ttl,
            quota,
        }
    };
    // Of the launcher's runtime, for the tasks.
    let own = state(&peer::client()?);
    let jobs = own.owed.clone().run();
    let expiry = every(sweep, move || {
        let own = own.clone();
        async move { lifecycle::expire(&own).await }
    });
    Ok(Service {
        mount: Mount::new(NAME.name(), routes, move || state(&peer::client().unwrap_or_default())),
        token_check: revocations::is_current,
        subscribers: vec![log_new_users(), revocations::subscriber(ORDER_TOKENS)],
        start_up: Box::pin(async { Ok(()) }),
        tasks: vec![Box::pin(jobs), Box::pin(expiry)],
        purge: None,
    })
}

/// Logs new users, as seed 004 has it.
fn log_new_users() -> Subscriber {
    Subscriber { name: events::ORDER_LOG, effect: log_events, after: None, before_serving: false }
}

fn log_events(_: &Tx<'_>, events: &[Event]) -> Result<()> {
    for event in events {
        if let Event::UserCreated { user_id, name } = event {
            log::info!(
                target: "pasar::events",
                "service={} event={} user={user_id} name={name:?}",
                NAME.name(),
                event.name()
            );
        }
    }
    Ok(())
}
