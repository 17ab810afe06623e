//! Which tokens count no more, as far as a service has heard.
//!
//! The user service knows by itself; the others hear it as an event, and keep it for as long as one of
//! the tokens could still be shown.

use std::time::Duration;

use super::token::{LEEWAY, LIFE};
use crate::domain::{Timestamp, UserId};
use crate::error::Result;
use crate::events::{Event, EventKind, Subscriber};
use crate::storage::Tx;

/// How long after the change a login that had begun before it may still be given a token.
const LATE: Duration = Duration::from_secs(60);

/// A subscriber that records them for a service.
pub const fn subscriber(name: &'static str) -> Subscriber {
    let kinds = &[EventKind::UserCredentialsChanged];
    // What was revoked while a process was away must not count when it serves again.
    Subscriber { name, kinds, effect: record, is_needed_to_serve: true }
}

fn record(tx: &Tx<'_>, events: &[Event]) -> Result<()> {
    for event in events {
        let Event::UserCredentialsChanged { user_id, version, at } = event else { continue };
        // Services that share a database hear it more than once.
        tx.execute(
            "INSERT INTO revocations (user_id, version, until) VALUES ($1, $2, $3)
             ON CONFLICT (user_id) DO UPDATE SET version = excluded.version, until = excluded.until
             WHERE revocations.version < excluded.version",
            &[(*user_id).into(), (*version).into(), (*at + LIFE + LEEWAY + LATE).into()],
        )?;
    }
    Ok(())
}

/// Whether a user's token of this version counts, as far as is known here.
pub fn is_current(tx: &Tx<'_>, user_id: UserId, version: i64) -> Result<bool> {
    let sql = "SELECT version FROM revocations WHERE user_id = $1";
    let oldest: Option<i64> = tx.query_opt(sql, &[user_id.into()], |row| row.get(0))?;
    Ok(oldest.is_none_or(|oldest| oldest <= version))
}

/// Forgets what no token that is still good can be about.
pub fn purge(tx: &Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM revocations WHERE until <= $1", &[now.into()])
}
