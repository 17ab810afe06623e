//! The SQL of what the admin's desk shows of all orders.

use std::collections::BTreeMap;

use super::history;
use crate::domain::{OrderId, OrderStatus as Status, Rupiah, Timestamp};
use crate::error::Result;
use crate::events::Event;
use crate::order::api::{ActivityEntry, MinuteFigures};
use crate::storage::{Row, Tx};

/// The most pending orders that are counted, so that counting them takes no longer however many there are.
pub const MAX_COUNTED_PENDING: i64 = 10_000;
/// How many changes of orders are kept.
const KEPT_ACTIVITY: i64 = 10_000;
/// The most new orders that are counted in one step.
const MAX_TALLIED: i64 = 2_000;
const MILLIS_PER_MINUTE: i64 = 60_000;
/// How many minutes are kept.
pub const KEPT_MINUTES: i64 = 7 * 24 * 60;
/// The most revenue of a minute, in rupiah, and the most that is paid back in one. What exceeds it is not counted, so that
/// no sum exceeds 64 bits: a single order's total may be almost as large.
const MAX_REVENUE: i64 = 900_000_000_000_000;
const _: () = assert!(MAX_REVENUE.checked_mul(KEPT_MINUTES).is_some(), "the revenue of all minutes has a sum");

/// The minute of a moment, since the epoch.
pub fn minute(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(MILLIS_PER_MINUTE)
}

pub fn start_of(minute: i64) -> Timestamp {
    Timestamp::from_millis(minute * MILLIS_PER_MINUTE)
}

/// Adds changes of orders to the figures: the effect of a subscriber.
pub fn record(tx: &Tx<'_>, events: &[Event]) -> Result<()> {
    let mut counts: BTreeMap<Status, i64> = BTreeMap::new();
    let mut minutes: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for event in events {
        let Event::OrderStatusChanged { order_id, status, at, .. } = event else { continue };
        tx.execute(
            "INSERT INTO order_activity (order_id, status, at) VALUES ($1, $2, $3)",
            &[(*order_id).into(), status.as_str().into(), (*at).into()],
        )?;
        let before = status_before(tx, *order_id, *status)?;
        *counts.entry(*status).or_default() += 1;
        *counts.entry(before).or_default() -= 1;
        let (refused, revenue) = minutes.entry(minute(*at)).or_default();
        match status {
            Status::Paid => *revenue = revenue.saturating_add(total_price(tx, *order_id)?),
            Status::Cancelled if before != Status::Pending => {
                *revenue = revenue.saturating_sub(total_price(tx, *order_id)?);
            }
            Status::Expired | Status::Failed => *refused += 1,
            _ => {}
        }
    }
    counts.remove(&Status::Pending);
    for (status, change) in counts {
        tx.execute(
            "INSERT INTO order_counts (status, count) VALUES ($1, $2)
             ON CONFLICT (status) DO UPDATE SET count = order_counts.count + excluded.count",
            &[status.as_str().into(), change.into()],
        )?;
    }
    for (minute, (refused, revenue)) in minutes {
        add_to_minute(tx, minute, 0, refused, revenue)?;
    }
    let sql = "DELETE FROM order_activity WHERE id <= (SELECT max(id) FROM order_activity) - $1";
    tx.execute(sql, &[KEPT_ACTIVITY.into()])?;
    Ok(())
}

/// The status that an order had before it reached `status`.
fn status_before(tx: &Tx<'_>, id: OrderId, status: Status) -> Result<Status> {
    // Of several ends of an order only one is reached, so what comes before an end is a step of its life.
    let reached = history(tx, id)?.into_iter().map(|(reached, _)| reached);
    let steps = reached.filter(|reached| *reached < status && *reached <= Status::Completed);
    Ok(steps.max().unwrap_or(Status::Pending))
}

fn total_price(tx: &Tx<'_>, id: OrderId) -> Result<i64> {
    tx.query_one("SELECT total_price FROM orders WHERE id = $1", &[id.into()], |row| row.get::<Rupiah>(0))
        .map(Rupiah::get)
}

fn add_to_minute(tx: &Tx<'_>, minute: i64, placed: i64, refused: i64, revenue: i64) -> Result<()> {
    let revenue = revenue.clamp(-MAX_REVENUE, MAX_REVENUE);
    tx.execute(
        "INSERT INTO order_minutes (minute, placed, refused, revenue) VALUES ($1, $2, $3, $4)
         ON CONFLICT (minute) DO UPDATE SET placed = order_minutes.placed + excluded.placed,
             refused = order_minutes.refused + excluded.refused,
             revenue = CASE WHEN order_minutes.revenue + excluded.revenue > $5 THEN $5
                            WHEN order_minutes.revenue + excluded.revenue < -$5 THEN -$5
                            ELSE order_minutes.revenue + excluded.revenue END",
        &[minute.into(), placed.into(), refused.into(), revenue.into(), MAX_REVENUE.into()],
    )?;
    Ok(())
}

/// Begins to count, in a database without orders.
pub fn begin(tx: &Tx<'_>) -> Result<()> {
    tx.execute("INSERT INTO order_tally (last_order_id) VALUES (0)", &[]).map(drop)
}

/// New orders that are not counted yet.
#[derive(Debug)]
pub struct NewOrders {
    /// The last order that was counted before.
    after: i64,
    last: i64,
    /// How many were placed in each minute.
    placed: Vec<(i64, i64)>,
}

/// The orders that are not counted yet, or as many as are counted in one step; `None` if there are none.
///
/// An order that appears later must have a higher id than all that are counted: one that does not is never counted. It
/// is so where orders get their ids in the order of their commits, as with SQLite, which has one writer at a time.
/// Their times need not be in that order: a clock can be set back, and two processes read it before they write.
pub fn uncounted(tx: &Tx<'_>) -> Result<Option<NewOrders>> {
    let after: i64 = tx.query_one("SELECT last_order_id FROM order_tally", &[], |row| row.get(0))?;
    let sql = format!(
        "SELECT created_at / {MILLIS_PER_MINUTE}, count(*), max(id)
         FROM (SELECT id, created_at FROM orders WHERE id > $1 ORDER BY id LIMIT $2) AS new
         GROUP BY created_at / {MILLIS_PER_MINUTE}"
    );
    let rows: Vec<(i64, i64, i64)> =
        tx.query(&sql, &[after.into(), MAX_TALLIED.into()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let last = rows.iter().map(|(_, _, last)| *last).max();
    let placed = rows.iter().map(|(minute, placed, _)| (*minute, *placed)).collect();
    Ok(last.map(|last| NewOrders { after, last, placed }))
}

/// Counts new orders, unless another process has.
pub fn count(tx: &Tx<'_>, new: &NewOrders) -> Result<()> {
    let sql = "UPDATE order_tally SET last_order_id = $2 WHERE last_order_id = $1";
    if tx.execute(sql, &[new.after.into(), new.last.into()])? == 1 {
        for (minute, placed) in &new.placed {
            add_to_minute(tx, *minute, *placed, 0, 0)?;
        }
    }
    Ok(())
}

/// How many orders have each status; of pending ones up to [`MAX_COUNTED_PENDING`].
pub fn counts(tx: &Tx<'_>) -> Result<BTreeMap<Status, i64>> {
    let pending = "SELECT count(*) FROM (SELECT 1 FROM orders WHERE status = 'pending' LIMIT $1) AS pending";
    let pending = tx.query_one(pending, &[MAX_COUNTED_PENDING.into()], |row| row.get(0))?;
    let mut counts: BTreeMap<Status, i64> = Status::ALL.map(|status| (status, 0)).into();
    counts.insert(Status::Pending, pending);
    let counted: Vec<(Status, i64)> =
        tx.query("SELECT status, count FROM order_counts", &[], |row| Ok((row.parse(0)?, row.get(1)?)))?;
    counts.extend(counted);
    Ok(counts)
}

/// The minutes from `first` to `last` in which anything happened.
pub fn minutes(tx: &Tx<'_>, first: i64, last: i64) -> Result<Vec<MinuteFigures>> {
    let sql =
        "SELECT minute, placed, refused, revenue FROM order_minutes WHERE minute BETWEEN $1 AND $2 ORDER BY minute";
    tx.query(sql, &[first.into(), last.into()], |row| {
        Ok(MinuteFigures { at: start_of(row.get(0)?), placed: row.get(1)?, refused: row.get(2)?, revenue: row.get(3)? })
    })
}

/// The orders that were placed and refused, and the revenue, in the minutes from `first` to `last`.
pub fn totals(tx: &Tx<'_>, first: i64, last: i64) -> Result<(i64, i64, i64)> {
    let sql = "SELECT CAST(coalesce(sum(placed), 0) AS BIGINT), CAST(coalesce(sum(refused), 0) AS BIGINT),
                      CAST(coalesce(sum(revenue), 0) AS BIGINT)
               FROM order_minutes WHERE minute BETWEEN $1 AND $2";
    tx.query_one(sql, &[first.into(), last.into()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// Removes the minutes before one.
pub fn purge(tx: &Tx<'_>, before: i64) -> Result<u64> {
    tx.execute("DELETE FROM order_minutes WHERE minute < $1", &[before.into()])
}

/// The id of the latest change; 0 if there was none.
pub fn last_activity(tx: &Tx<'_>) -> Result<i64> {
    tx.query_one("SELECT coalesce(max(id), 0) FROM order_activity", &[], |row| row.get(0))
}

/// The first changes after the one with the id `last`.
pub fn activity_after(tx: &Tx<'_>, last: i64, limit: usize) -> Result<Vec<ActivityEntry>> {
    let sql = "SELECT id, order_id, status, at FROM order_activity WHERE id > $1 ORDER BY id LIMIT $2";
    tx.query(sql, &[last.into(), (limit as i64).into()], entry)
}

/// The latest changes before the one with the id `before`, newest first.
pub fn activity_before(tx: &Tx<'_>, before: i64, limit: usize) -> Result<Vec<ActivityEntry>> {
    let sql = "SELECT id, order_id, status, at FROM order_activity WHERE id < $1 ORDER BY id DESC LIMIT $2";
    tx.query(sql, &[before.into(), (limit as i64).into()], entry)
}

/// The newest order of all.
pub fn newest_placed(tx: &Tx<'_>) -> Result<OrderId> {
    tx.query_one("SELECT coalesce(max(id), 0) FROM orders", &[], |row| row.get(0))
}

/// The newest orders after `last`, oldest first, as they were placed.
pub fn placed_after(tx: &Tx<'_>, last: OrderId, limit: usize) -> Result<Vec<ActivityEntry>> {
    let sql = "SELECT id, created_at FROM orders WHERE id > $1 ORDER BY id DESC LIMIT $2";
    let mut placed = tx.query(sql, &[last.into(), (limit as i64).into()], |row| {
        Ok(ActivityEntry { id: None, order_id: row.get(0)?, status: Status::Pending, at: row.get(1)? })
    })?;
    placed.reverse();
    Ok(placed)
}

fn entry(row: &Row<'_>) -> Result<ActivityEntry> {
    Ok(ActivityEntry { id: Some(row.get(0)?), order_id: row.get(1)?, status: row.parse(2)?, at: row.get(3)? })
}
