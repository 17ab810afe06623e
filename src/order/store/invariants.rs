//! The SQL that looks for orders that break an invariant. Columns are read as they are: a value that no service would
//! write is a fault, not a failure.

use serde::Deserialize;

use crate::domain::{OrderStatus as Status, Timestamp};
use crate::error::Result;
use crate::events::waiting_events;
use crate::invariants::{Finding, add_all};
use crate::order::api::OrderRecord;
use crate::storage::{Cursor, Sort, Tx, idempotency};

/// A line of an order, as far as it counts here.
#[derive(Deserialize)]
struct Line {
    price: i64,
    quantity: i64,
    stock: Option<i64>,
}

/// The lines of an order; `None` if the column holds none.
fn lines(items: &str) -> Option<Vec<Line>> {
    serde_json::from_str(items).ok()
}

/// The sum of price × quantity.
fn total(lines: &[Line]) -> Option<i64> {
    lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.price.checked_mul(line.quantity)?))
}

/// The units of the lines whose products tracked their stock.
fn tracked_units(lines: &[Line]) -> i64 {
    lines.iter().filter(|line| line.stock.is_some()).map(|line| line.quantity).fold(0, i64::saturating_add)
}

pub fn totals(tx: &Tx<'_>) -> Result<Finding> {
    let mut finding = Finding::default();
    let (mut orders, mut sum) = (0, 0_i64);
    tx.each("SELECT id, items, total_price FROM orders ORDER BY id", &[], |row| {
        let (id, items, total_price): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let is_line = |line: &Line| line.price >= 0 && line.quantity > 0;
        if lines(&items).is_none_or(|lines| !lines.iter().all(is_line) || total(&lines) != Some(total_price)) {
            finding.broken.add(id);
        }
        orders += 1;
        sum = sum.saturating_add(total_price);
        Ok(())
    })?;
    Ok(finding.with("orders", orders).with("rupiah", sum))
}

/// Whether the life of an order leads to `status` by way of what it has `reached` after `pending`.
fn is_path(status: &str, reached: &[Status]) -> bool {
    use Status::{Cancelled, Completed, Confirmed, Expired, Failed, Paid, Pending, Shipped};
    let paths: &[&[Status]] = match Status::parse(status) {
        Some(Pending) => &[&[]],
        Some(Paid) => &[&[Paid]],
        Some(Confirmed) => &[&[Paid, Confirmed]],
        Some(Shipped) => &[&[Paid, Confirmed, Shipped]],
        Some(Completed) => &[&[Paid, Confirmed, Shipped, Completed]],
        Some(Cancelled) => &[&[Cancelled], &[Paid, Cancelled]],
        Some(Expired) => &[&[Expired]],
        Some(Failed) => &[&[Failed]],
        None => &[],
    };
    paths.contains(&reached)
}

pub fn histories(tx: &Tx<'_>) -> Result<Finding> {
    let mut finding = Finding::default();
    let mut steps = 0;
    // The order whose rows are being read: its id, its status, what it has reached, and whether it reached anything else.
    let mut current: Option<(i64, String, Vec<Status>, bool)> = None;
    let judge = |order: Option<(i64, String, Vec<Status>, bool)>, finding: &mut Finding| {
        if let Some((id, status, mut reached, unknown)) = order {
            reached.sort_unstable();
            if unknown || !is_path(&status, &reached) {
                finding.broken.add(id);
            }
        }
    };
    let sql =
        "SELECT o.id, o.status, h.status FROM orders o LEFT JOIN order_history h ON h.order_id = o.id ORDER BY o.id";
    tx.each(sql, &[], |row| {
        let id: i64 = row.get(0)?;
        if current.as_ref().is_none_or(|(last, ..)| *last != id) {
            judge(current.replace((id, row.get(1)?, Vec::new(), false)), &mut finding);
        }
        if let (Some((.., reached, unknown)), Some(status)) = (&mut current, row.get::<Option<String>>(2)?) {
            steps += 1;
            match Status::parse(&status) {
                Some(status) => reached.push(status),
                None => *unknown = true,
            }
        }
        Ok(())
    })?;
    judge(current, &mut finding);
    let strays = "SELECT DISTINCT CAST(order_id AS TEXT) FROM order_history h
                  WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = h.order_id)";
    add_all(&mut finding.broken, tx, strays, &[])?;
    Ok(finding.with("steps", steps))
}

/// An order names what paid it if and only if it was paid.
pub fn payers(tx: &Tx<'_>) -> Result<Finding> {
    let sql = "SELECT CAST(id AS TEXT) FROM orders o WHERE (paid_by IS NOT NULL) <>
                   (status IN ('paid', 'confirmed', 'shipped', 'completed') OR (status = 'cancelled' AND EXISTS
                       (SELECT 1 FROM order_history h WHERE h.order_id = o.id AND h.status = 'paid')))
               ORDER BY id";
    let twice = "SELECT CAST(max(id) AS TEXT) FROM orders WHERE paid_by > 0 GROUP BY paid_by HAVING count(*) > 1";
    let mut finding = Finding::of(tx, sql, &[])?;
    add_all(&mut finding.broken, tx, twice, &[])?;
    finding.count("paid", tx, "SELECT count(*) FROM orders WHERE paid_by IS NOT NULL")
}

/// `overdue`: pending orders with such a deadline or an earlier one should have expired.
pub fn deadlines(tx: &Tx<'_>, overdue: Timestamp) -> Result<Finding> {
    // An order of the first version waits for ever, and holds nothing.
    let sql = "SELECT CAST(id AS TEXT) FROM orders
               WHERE CASE WHEN status = 'pending'
                   THEN expires_at IS NULL AND reservation IS NOT NULL
                   ELSE expires_at IS NOT NULL END ORDER BY id";
    let late = "SELECT CAST(id AS TEXT) FROM orders WHERE status = 'pending' AND expires_at <= $1 ORDER BY id";
    let mut finding = Finding::of(tx, sql, &[])?;
    add_all(&mut finding.under_way, tx, late, &[overdue.into()])?;
    finding.count("pending", tx, "SELECT count(*) FROM orders WHERE status = 'pending'")
}

/// Who orders tracked units has a reservation, and no other order has the same.
pub fn reservations(tx: &Tx<'_>) -> Result<Finding> {
    let mut finding = Finding::default();
    let mut units = 0_i64;
    tx.each("SELECT id, items, reservation IS NULL FROM orders ORDER BY id", &[], |row| {
        let (id, items, unreserved): (i64, String, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let tracked = lines(&items).map_or(0, |lines| tracked_units(&lines));
        if tracked > 0 && unreserved {
            finding.broken.add(id);
        }
        units = units.saturating_add(tracked);
        Ok(())
    })?;
    let shared = "SELECT CAST(max(id) AS TEXT) FROM orders WHERE reservation IS NOT NULL
                  GROUP BY reservation HAVING count(*) > 1";
    add_all(&mut finding.broken, tx, shared, &[])?;
    Ok(finding.with("units", units))
}

/// Each answered key names an order that exists, and has the user that was answered.
pub fn keys(tx: &Tx<'_>, service: &str) -> Result<Finding> {
    #[derive(Deserialize)]
    struct Placed {
        id: i64,
        /// Answers of the first version have none.
        user_id: Option<i64>,
    }
    let mut finding = Finding::default();
    let mut answered = 0;
    idempotency::each_answer(tx, service, |key, answer| {
        answered += 1;
        let sql = "SELECT 1 FROM orders WHERE id = $1 AND user_id = coalesce($2, user_id)";
        let found = match serde_json::from_str::<Placed>(answer) {
            Ok(Placed { id, user_id }) => tx.query_opt(sql, &[id.into(), user_id.into()], |_| Ok(()))?,
            Err(_) => None,
        };
        if found.is_none() {
            finding.broken.add(key);
        }
        Ok(())
    })?;
    Ok(finding.with("keys", answered))
}

/// What counts against the quota of an account is a pending order of theirs, with the units that it holds.
pub fn quotas(tx: &Tx<'_>) -> Result<Finding> {
    let mut finding = Finding::default();
    let sql = "SELECT c.order_id, c.units, o.items FROM open_orders c
               LEFT JOIN orders o ON o.id = c.order_id AND o.user_id = c.user_id AND o.status = 'pending'
               WHERE c.order_id IS NOT NULL ORDER BY c.order_id";
    tx.each(sql, &[], |row| {
        let (id, units, items): (i64, i64, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if items.and_then(|items| lines(&items)).is_none_or(|lines| tracked_units(&lines) != units) {
            finding.broken.add(id);
        }
        Ok(())
    })?;
    finding.count("counted", tx, "SELECT count(*) FROM open_orders WHERE order_id IS NOT NULL")
}

/// The counted figures are those of the orders, as soon as `subscriber` has counted all changes.
pub fn counts(tx: &Tx<'_>, subscriber: &str) -> Result<Finding> {
    let waiting = waiting_events(tx, subscriber)?;
    let mut finding = Finding::default();
    let sql = "SELECT status, CAST(sum(counted) AS BIGINT), CAST(sum(present) AS BIGINT) FROM (
                   SELECT status, count AS counted, 0 AS present FROM order_counts WHERE status <> 'pending'
                   UNION ALL
                   SELECT status, 0, count(*) FROM orders WHERE status <> 'pending' GROUP BY status
               ) AS both_counts GROUP BY status ORDER BY status";
    tx.each(sql, &[], |row| {
        let (status, counted, present): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let difference = counted.abs_diff(present);
        if difference > waiting.unsigned_abs() {
            finding.broken.add(status);
        } else if difference > 0 {
            finding.under_way.add(status);
        }
        Ok(())
    })?;
    Ok(finding.with("waiting_events", waiting))
}

/// The orders by their ids, as other services compare them with theirs.
pub fn records(tx: &Tx<'_>, _: Sort, after: Option<&Cursor>, limit: usize) -> Result<Vec<OrderRecord>> {
    let sql = "SELECT id, user_id, status, total_price, paid_by, reservation, items FROM orders
               WHERE id > $1 ORDER BY id LIMIT $2";
    tx.query(sql, &[after.map_or(0, |cursor| cursor.id).into(), (limit as i64).into()], |row| {
        let items: String = row.get(6)?;
        Ok(OrderRecord {
            order_id: row.get(0)?,
            user_id: row.get(1)?,
            status: row.get(2)?,
            total_price: row.get(3)?,
            paid_by: row.get(4)?,
            reservation: row.get(5)?,
            units: lines(&items).map_or(0, |lines| tracked_units(&lines)),
        })
    })
}
