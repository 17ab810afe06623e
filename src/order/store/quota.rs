//! The quota of each account: its orders that are being placed or wait to be paid, and the units that they hold.
//!
//! An order claims its share of the quota in its first write, before it reserves anything. So concurrent requests never
//! hold more than the quota together, if the units of the claim are right. A hint may have counted too few of them: then
//! the last write claims all, or refuses the order, which holds too much until its reservation is released. The claim of
//! a placement that never ended expires with its lease.

use std::time::Duration;

use crate::context::CALL_BUDGET;
use crate::domain::{OrderId, Timestamp, UserId};
use crate::error::{Error, Result, TOO_MANY_HELD_UNITS, TOO_MANY_OPEN_ORDERS};
use crate::order::state::Quota;
use crate::storage::Tx;

/// How far apart two requests may read the clock before their claims are written one after the other.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(10);
const _: () = assert!(
    MAX_CLOCK_SKEW.as_millis() > CALL_BUDGET.as_millis(),
    "a request may wait for its whole budget between reading the clock and writing its claim"
);

/// Claims an order of `units` tracked units for an account. Returns the id of the claim, which expires at `lease_until`
/// unless [`keep`] is called before. [`TOO_MANY_OPEN_ORDERS`] or [`TOO_MANY_HELD_UNITS`] if the quota does not allow
/// it.
pub fn claim(
    tx: &Tx<'_>,
    quota: Quota,
    user_id: UserId,
    units: i64,
    lease_until: Timestamp,
    now: Timestamp,
) -> Result<i64> {
    // A lease that ends much later than this one was written before the clock was set back, and has ended.
    let latest = lease_until + MAX_CLOCK_SKEW;
    let expired = "DELETE FROM open_orders WHERE user_id = $1 AND (lease_until <= $2 OR lease_until > $3)";
    tx.execute(expired, &[user_id.into(), now.into(), latest.into()])?;
    let (orders, held): (i64, i64) = tx.query_one(
        "SELECT count(*), CAST(coalesce(sum(units), 0) AS BIGINT) FROM open_orders WHERE user_id = $1",
        &[user_id.into()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if orders >= quota.orders {
        return Err(Error::new(&TOO_MANY_OPEN_ORDERS).detail(format!(
            "{orders} orders of this account wait to be paid, and it may have {} (MAX_PENDING_ORDERS): pay or cancel \
             one, or wait until one expires",
            quota.orders
        )));
    }
    if units > 0 && held + units > quota.units {
        return Err(Error::new(&TOO_MANY_HELD_UNITS).detail(format!(
            "unpaid orders of this account hold {held} units, this one asks for {units} more, and it may hold {} \
             (MAX_HELD_UNITS): order fewer, pay or cancel an order, or wait until one expires",
            quota.units
        )));
    }
    tx.query_one(
        "INSERT INTO open_orders (user_id, units, lease_until) VALUES ($1, $2, $3) RETURNING id",
        &[user_id.into(), units.into(), lease_until.into()],
        |row| row.get(0),
    )
}

/// Keeps a claim for its order until [`end`]; false if the claim has expired.
pub fn keep(tx: &Tx<'_>, claim: i64, order_id: OrderId) -> Result<bool> {
    let sql = "UPDATE open_orders SET order_id = $2, lease_until = NULL WHERE id = $1 AND order_id IS NULL";
    Ok(tx.execute(sql, &[claim.into(), order_id.into()])? == 1)
}

/// Removes the claim of an order that was not placed.
pub fn abandon(tx: &Tx<'_>, claim: i64) -> Result<()> {
    tx.execute("DELETE FROM open_orders WHERE id = $1 AND order_id IS NULL", &[claim.into()])?;
    Ok(())
}

/// Removes the claim of an order that no longer waits to be paid.
pub fn end(tx: &Tx<'_>, order_id: OrderId) -> Result<()> {
    tx.execute("DELETE FROM open_orders WHERE order_id = $1", &[order_id.into()])?;
    Ok(())
}
