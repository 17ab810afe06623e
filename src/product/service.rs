//! The wiring of the product service.

use std::time::Duration;

use anyhow::Context;

use super::invariants::INVARIANTS;
use super::routes::routes;
use super::state::State;
use super::store;
use super::subscribers::SUBSCRIBERS;
use crate::auth::revocations;
use crate::clock::Clock;
use crate::context::CALL_BUDGET;
use crate::error::Result;
use crate::events::LocalSubscribers;
use crate::service::{Deps, Service, ServiceName};
use crate::storage::{Db, Tx};
use crate::web::Mount;

/// How long the key of a released reservation is kept. No request to reserve arrives so late.
const TOMBSTONE_TTL: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const _: () = assert!(
    TOMBSTONE_TTL.as_millis() > CALL_BUDGET.as_millis(),
    "a request to reserve that arrives after its release must find its key"
);

/// Builds the service.
pub fn build(deps: &Deps) -> Service {
    let Deps { db, clock, outbox, demo, .. } = deps.clone();
    let state = State { db: db.clone(), clock: clock.clone(), outbox };
    let purged = state.clone();
    Service {
        mount: Mount::new(ServiceName::Product.name(), routes, move || Ok(state.clone())),
        token_check: revocations::is_current,
        subscribers: LocalSubscribers { subscribers: SUBSCRIBERS, after: None },
        invariants: INVARIANTS,
        start_up: Box::pin(async move { start_up(&db, demo).await }),
        tasks: Vec::new(),
        purge: Some(Box::new(move || {
            let State { db, clock, .. } = purged.clone();
            Box::pin(async move { purge(&db, &clock).await })
        })),
        forget: None,
    }
}

/// Migrates the data of earlier versions, and adds the demo data to a database that never had a product.
pub(super) async fn start_up(db: &Db, demo: bool) -> anyhow::Result<()> {
    index_for_search(db).await.context("the products")?;
    if demo {
        db.write(store::seed).await.context("the demo products")?;
    }
    Ok(())
}

/// Adds the rows of a new database.
pub fn refill(tx: &Tx<'_>, demo: bool) -> Result<()> {
    if demo { store::seed(tx) } else { Ok(()) }
}

async fn index_for_search(db: &Db) -> Result<()> {
    while db.write(|tx| store::search::fill_search_text(tx, 1000)).await? > 0 {}
    // In small steps: a long description takes a while, and other processes may share the database.
    let mut after = None;
    loop {
        after = db.write(move |tx| store::search::index(tx, after, 100)).await?;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Removes the keys of reservations that were released long ago.
async fn purge(db: &Db, clock: &Clock) -> Result<()> {
    let before = clock.now() - TOMBSTONE_TTL;
    // In steps, so that many keys delay no order.
    while db.write(move |tx| store::stock::purge(tx, before, 1000)).await? > 0 {}
    Ok(())
}
