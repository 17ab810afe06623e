//! Which subscribers are alive, and what happens to the events of the others.

use std::time::Duration;

use super::{Outbox, Subscriber};
use crate::domain::Timestamp;
use crate::error::Result;
use crate::storage::Tx;

/// The most events that are kept for a subscriber that is not alive.
const MAX_KEPT_EVENTS: i64 = 1_000_000;
/// How long a subscriber is alive after a process last recorded it.
const SUBSCRIBER_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Records that the subscribers `names` are alive.
pub fn record_alive(tx: &Tx<'_>, names: &[&str], now: Timestamp) -> Result<()> {
    for name in names {
        tx.execute(
            "INSERT INTO subscribers (name, last_seen) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET last_seen = excluded.last_seen",
            &[(*name).into(), now.into()],
        )?;
    }
    Ok(())
}

/// Drops up to `limit` of the oldest events of each subscriber that is not alive, and returns how many. The newest
/// [`MAX_KEPT_EVENTS`] stay. The subscribers in `own` are those of this process, which are alive. Drops are counted.
pub fn drop_unreceived(tx: &Tx<'_>, outbox: Outbox, own: &[&str], now: Timestamp, limit: usize) -> Result<u64> {
    let mut total = 0;
    for Subscriber { name: subscriber, .. } in outbox.subscribers().filter(|other| !own.contains(&other.name)) {
        let last_seen = "SELECT last_seen FROM subscribers WHERE name = $1";
        let last_seen: Option<Timestamp> = tx.query_opt(last_seen, &[(*subscriber).into()], |row| row.get(0))?;
        if last_seen.is_some_and(|at| at > now - SUBSCRIBER_TTL) {
            continue;
        }
        let dropped = tx.execute(
            "DELETE FROM outbox WHERE subscriber = $1 AND parked = 0
             AND id <= (SELECT max(id) FROM outbox WHERE subscriber = $1) - $2
             AND id <= (SELECT max(id) FROM (SELECT id FROM outbox WHERE subscriber = $1 AND parked = 0
                                             ORDER BY id LIMIT $3) AS oldest)",
            &[(*subscriber).into(), MAX_KEPT_EVENTS.into(), (limit as i64).into()],
        )?;
        if dropped > 0 {
            tx.execute(
                "INSERT INTO subscribers (name, dropped) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET dropped = subscribers.dropped + excluded.dropped",
                &[(*subscriber).into(), (dropped as i64).into()],
            )?;
            log::warn!("dropped {dropped} events, which nobody receives as {subscriber}: the newest million is kept");
            total += dropped;
        }
    }
    Ok(total)
}
