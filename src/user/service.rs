//! How the user service is put together.

use std::sync::Arc;

use anyhow::Context;

use super::api::User;
use super::arrivals::Arrivals;
use super::password::Passwords;
use super::routes::routes;
use super::state::State;
use super::store;
use crate::auth::Role;
use crate::clock::Clock;
use crate::domain::Email;
use crate::error::Result;
use crate::events::{NOTIFICATIONS, Subscriber};
use crate::service::{Deps, Service, ServiceName};
use crate::storage::Db;
use crate::web::Mount;

/// Builds the service.
pub fn build(deps: &Deps) -> anyhow::Result<Service> {
    let Deps { db, clock, tokens, demo, .. } = deps.clone();
    let arrivals = Arrivals::default();
    let notifications = notifications(arrivals.clone());
    let state = State { db: db.clone(), clock, tokens, passwords: Passwords::new(crate::limits::cores())?, arrivals };
    Ok(Service {
        mount: Mount::new(ServiceName::User.name(), routes, move || state.clone()),
        token_check: store::is_current,
        subscribers: vec![notifications],
        start_up: Box::pin(async move { start_up(&db, demo).await }),
        tasks: Vec::new(),
        purge: None,
    })
}

/// Brings what an earlier version stored up to date, and adds the demo data to a database that never had a user.
async fn start_up(db: &Db, demo: bool) -> anyhow::Result<()> {
    db.write(store::fold_emails).await.context("the users")?;
    if demo {
        db.write(store::seed).await.context("the demo users")?;
    }
    Ok(())
}

/// Makes notifications of what happens to orders, and tells the live streams.
fn notifications(arrivals: Arrivals) -> Subscriber {
    let after = move |events: &[_]| arrivals.tell(events);
    Subscriber { name: NOTIFICATIONS, effect: store::notify, after: Some(Arc::new(after)), before_serving: false }
}

/// Gives the account with this e-mail address a role, which ends its tokens. The user whose it is, if there is one.
pub async fn set_role(db: &Db, clock: &Clock, email: &Email, role: Role) -> Result<Option<User>> {
    let (key, now) = (email.key(), clock.now());
    db.write(move |tx| store::set_role(tx, &key, role, now)).await
}
