//! The wiring of the user service.

use std::sync::Arc;

use anyhow::Context;

use super::api::User;
use super::arrivals::Arrivals;
use super::invariants::INVARIANTS;
use super::password::Passwords;
use super::routes::routes;
use super::state::State;
use super::{store, subscribers};
use crate::auth::Role;
use crate::clock::Clock;
use crate::domain::Email;
use crate::error::Result;
use crate::events::Outbox;
use crate::service::{Deps, Service, ServiceName};
use crate::storage::{Db, Tx};
use crate::web::Mount;

/// Builds the service.
pub fn build(deps: &Deps) -> anyhow::Result<Service> {
    let Deps { db, clock, outbox, tokens, demo, .. } = deps.clone();
    let arrivals = Arrivals::default();
    let subscribers = subscribers::local(arrivals.clone());
    let passwords = Passwords::new(crate::limits::cores())?;
    let state = State { db: db.clone(), clock, outbox, tokens, passwords: passwords.clone(), arrivals };
    Ok(Service {
        mount: Mount::new(ServiceName::User.name(), routes, move || Ok(state.clone())),
        token_check: store::is_current,
        subscribers,
        invariants: INVARIANTS,
        start_up: Box::pin(async move { start_up(&db, demo).await }),
        tasks: Vec::new(),
        purge: None,
        forget: Some(Arc::new(move || passwords.forget_attempts())),
    })
}

/// Migrates the data of earlier versions, and adds the demo data to a database that never had a user.
pub async fn start_up(db: &Db, demo: bool) -> anyhow::Result<()> {
    db.write(store::update_email_keys).await.context("the users")?;
    if demo {
        db.write(store::seed).await.context("the demo users")?;
    }
    Ok(())
}

/// Adds the rows of a new database.
pub fn refill(tx: &Tx<'_>, demo: bool) -> Result<()> {
    if demo { store::seed(tx) } else { Ok(()) }
}

/// Changes the role of the account with this e-mail address and revokes its tokens. Returns its user; `None` if there
/// is no such account.
pub async fn set_role(db: &Db, clock: &Clock, outbox: Outbox, email: &Email, role: Role) -> Result<Option<User>> {
    let (key, now) = (email.key(), clock.now());
    db.write(move |tx| store::set_role(tx, &outbox, &key, role, now)).await
}
