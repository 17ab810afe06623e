//! The SQL of the order service.

use std::time::UNIX_EPOCH;

use super::KEY_LIFE;
use super::api::{Item, Order};
use crate::error::{Error, IDEMPOTENCY_KEY_REUSED, Result};
use crate::storage::{Param, Row, Tx};
use crate::web::Sort;

/// Now, in epoch milliseconds.
pub fn now() -> i64 {
    UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis() as i64)
}

pub fn find(tx: &Tx<'_>, id: i64) -> Result<Option<Order>> {
    Ok(lines(tx, "WHERE id = $1 LIMIT $2", "ASC", &[id.into(), 1.into()])?.pop())
}

pub fn list(tx: &Tx<'_>, sort: Sort, after: Option<i64>, limit: usize) -> Result<Vec<Order>> {
    let limit = (limit as i64).into();
    match sort {
        Sort::Oldest => {
            let after = after.unwrap_or(0).into();
            lines(tx, "WHERE id > $1 ORDER BY id LIMIT $2", "ASC", &[after, limit])
        }
        Sort::Newest => {
            let before = after.unwrap_or(i64::MAX).into();
            lines(tx, "WHERE id < $1 ORDER BY id DESC LIMIT $2", "DESC", &[before, limit])
        }
    }
}

/// The orders that `which` selects, with their lines, in one statement.
fn lines(tx: &Tx<'_>, which: &str, order: &str, params: &[Param<'_>]) -> Result<Vec<Order>> {
    let mut orders: Vec<Order> = Vec::new();
    let sql = format!(
        "SELECT o.id, o.user_id, o.user_name, o.total_price, o.status, o.created_at,
                i.product_id, i.name, i.price, i.quantity
         FROM orders o JOIN order_items i ON i.order_id = o.id
         WHERE o.id IN (SELECT id FROM orders {which})
         ORDER BY o.id {order}, i.line"
    );
    tx.query(&sql, params, |row| {
        let id = row.get(0)?;
        if orders.last().is_none_or(|order| order.id != id) {
            orders.push(Order {
                id,
                user_id: row.get(1)?,
                user_name: row.get(2)?,
                items: Vec::with_capacity(1),
                total_price: row.get(3)?,
                status: row.get(4)?,
                created_at: row.get(5)?,
            });
        }
        if let Some(order) = orders.last_mut() {
            order.items.push(item(row)?);
        }
        Ok(())
    })?;
    Ok(orders)
}

fn item(row: &Row<'_>) -> Result<Item> {
    Ok(Item { id: row.get(6)?, name: row.get(7)?, price: row.get(8)?, quantity: row.get(9)? })
}

/// Adds an order with its lines; its id is given here.
pub fn insert(tx: &Tx<'_>, order: &Order) -> Result<i64> {
    let id = tx.query_one(
        "INSERT INTO orders (user_id, user_name, total_price, status, created_at)
         VALUES ($1, $2, $3, $4, $5) RETURNING id",
        &[
            order.user_id.into(),
            (&order.user_name).into(),
            order.total_price.into(),
            (&order.status).into(),
            order.created_at.into(),
        ],
        |row| row.get(0),
    )?;
    for (line, item) in (1..).zip(&order.items) {
        tx.execute(
            "INSERT INTO order_items (order_id, line, product_id, name, price, quantity)
             VALUES ($1, $2, $3, $4, $5, $6)",
            &[
                i64::into(id),
                i64::into(line),
                item.id.into(),
                (&item.name).into(),
                item.price.into(),
                item.quantity.into(),
            ],
        )?;
    }
    Ok(id)
}

/// What was answered under this key, if it is known; [`IDEMPOTENCY_KEY_REUSED`] if it was for another
/// `request`.
pub fn find_key(tx: &Tx<'_>, key: &str, request: &str, now: i64) -> Result<Option<String>> {
    let found = tx.query_opt(
        "SELECT request, answer FROM order_keys WHERE key = $1 AND created_at > $2",
        &[key.into(), expiry(now).into()],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
    )?;
    match found {
        Some((known, answer)) if known == request => Ok(Some(answer)),
        Some(_) => Err(Error::new(&IDEMPOTENCY_KEY_REUSED)),
        None => Ok(None),
    }
}

/// Remembers what was answered under a key that [`find_key`] has just not found.
pub fn insert_key(tx: &Tx<'_>, key: &str, request: &str, answer: &str, now: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO order_keys (key, request, answer, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (key) DO UPDATE SET request = $2, answer = $3, created_at = $4",
        &[key.into(), request.into(), answer.into(), now.into()],
    )?;
    Ok(())
}

/// Forgets up to `limit` keys whose time is over, and tells how many.
pub fn purge_keys(tx: &Tx<'_>, now: i64, limit: i64) -> Result<u64> {
    tx.execute(
        "DELETE FROM order_keys WHERE key IN (SELECT key FROM order_keys WHERE created_at <= $1 LIMIT $2)",
        &[expiry(now).into(), limit.into()],
    )
}

fn expiry(now: i64) -> i64 {
    now - KEY_LIFE.as_millis() as i64
}
