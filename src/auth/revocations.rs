//! Revoked tokens, as a service knows them.
//!
//! The user service has the versions of all credentials. The other services receive each change as an event, and keep
//! it until every revoked token has expired.

use std::time::Duration;

use super::token::{LEEWAY, TOKEN_TTL};
use crate::domain::{Timestamp, UserId};
use crate::error::Result;
use crate::events::{Event, EventKind, Subscriber};
use crate::storage::Tx;

/// How long a login may take. One that began before a revocation may still receive a token after it.
const MAX_LOGIN_TIME: Duration = Duration::from_secs(60);
/// How long a revocation is kept.
const REVOCATION_TTL: Duration = TOKEN_TTL.saturating_add(LEEWAY).saturating_add(MAX_LOGIN_TIME);
const _: () = assert!(
    REVOCATION_TTL.as_millis() >= TOKEN_TTL.as_millis() + LEEWAY.as_millis(),
    "a revocation must be known for as long as a server accepts the revoked token"
);

/// The subscriber that records revocations for a service.
pub const fn subscriber(name: &'static str) -> Subscriber {
    let kinds = &[EventKind::UserCredentialsChanged];
    // A token that was revoked while the process was down must be refused from its first request on.
    Subscriber { name, kinds, effect: record, is_needed_to_serve: true }
}

fn record(tx: &Tx<'_>, events: &[Event]) -> Result<()> {
    for event in events {
        let Event::UserCredentialsChanged { user_id, version, at } = event else { continue };
        // Services that share a database receive the event more than once.
        tx.execute(
            "INSERT INTO revocations (user_id, version, until) VALUES ($1, $2, $3)
             ON CONFLICT (user_id) DO UPDATE SET version = excluded.version, until = excluded.until
             WHERE revocations.version < excluded.version",
            &[(*user_id).into(), (*version).into(), (*at + REVOCATION_TTL).into()],
        )?;
    }
    Ok(())
}

/// Whether a user's token of this version is valid, as far as this service knows.
pub fn is_current(tx: &Tx<'_>, user_id: UserId, version: i64) -> Result<bool> {
    let sql = "SELECT version FROM revocations WHERE user_id = $1";
    let oldest: Option<i64> = tx.query_opt(sql, &[user_id.into()], |row| row.get(0))?;
    Ok(oldest.is_none_or(|oldest| oldest <= version))
}

/// Removes the revocations whose tokens have all expired by `now`.
pub fn purge(tx: &Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM revocations WHERE until <= $1", &[now.into()])
}
