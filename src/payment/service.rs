//! The wiring of the payment service.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;

use super::gateway::{Gateway, Rule};
use super::invariants::INVARIANTS;
use super::jobs::PaymentJob;
use super::routes::routes;
use super::settlement;
use super::state::{Settler, State};
use super::subscribers::SUBSCRIBERS;
use crate::auth::revocations;
use crate::context::Context;
use crate::events::{JobRunner, LocalSubscribers, jobs::RunJob};
use crate::order::client::OrderClient;
use crate::peer::{self, Peer};
use crate::service::{Deps, Service, ServiceName, every};
use crate::web::Mount;

const NAME: ServiceName = ServiceName::Payment;

/// The settings of payments.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a payment can be confirmed.
    pub window: Duration,
    /// How the built-in gateway treats the methods.
    pub gateway: Vec<Rule>,
    /// How often expired deadlines are looked for.
    pub sweep: Duration,
}

/// Builds the service.
pub fn build(deps: &Deps, settings: &Settings) -> anyhow::Result<Service> {
    let orders = deps.target(NAME, ServiceName::Order)?;
    let Deps { db, clock, outbox, .. } = deps.clone();
    let Settings { window, gateway, sweep } = settings.clone();
    let gateway = Gateway::new(gateway);
    let state = move |client: &Client| {
        let settler = Settler {
            db: db.clone(),
            outbox,
            orders: OrderClient::new(Peer::new(client.clone(), orders.clone())),
            gateway: gateway.clone(),
        };
        let work = work(settler.clone());
        State {
            db: db.clone(),
            clock: clock.clone(),
            settler,
            outbox,
            jobs: JobRunner::new(db.clone(), clock.clone(), work),
            window,
        }
    };
    // A client of its own for the tasks: they run on the launcher's runtime, and a connection ends with its runtime.
    let own = state(&peer::client()?);
    let jobs = own.jobs.clone().run();
    let expiry = every("expiring payments", sweep, move || {
        let own = own.clone();
        async move { own.db.in_generation(settlement::expire(&own)).await }
    });
    Ok(Service {
        mount: Mount::new(NAME.name(), routes, move || Ok(state(&peer::client()?))),
        token_check: revocations::is_current,
        subscribers: LocalSubscribers { subscribers: SUBSCRIBERS, after: None },
        invariants: INVARIANTS,
        start_up: Box::pin(async { Ok(()) }),
        tasks: vec![Box::pin(jobs), Box::pin(expiry)],
        purge: None,
        forget: None,
    })
}

/// How the worker runs jobs, without a request.
fn work(settler: Settler) -> RunJob<PaymentJob> {
    Arc::new(move |job| {
        let settler = settler.clone();
        Box::pin(async move { settler.run(&Context::own(), &job).await })
    })
}
