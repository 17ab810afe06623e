//! The SQL of the order service.

use super::api::{Item, Order, Status};
use crate::error::Result;
use crate::storage::{Param, Row, Tx};
use crate::web::{Place, Sort};

pub fn find(tx: &Tx<'_>, id: i64) -> Result<Option<Order>> {
    Ok(lines(tx, "WHERE id = $1", "ASC", &[id.into()])?.pop())
}

/// What a list is narrowed down to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub user_id: Option<i64>,
}

pub fn list(tx: &Tx<'_>, filter: Filter, sort: Sort, after: Option<&Place>, limit: usize) -> Result<Vec<Order>> {
    let (comparison, direction, first) = match sort {
        Sort::IdDown => ('<', "DESC", i64::MAX),
        _ => ('>', "ASC", 0),
    };
    let mut params: Vec<Param<'_>> = vec![after.map_or(first, |place| place.id).into(), (limit as i64).into()];
    let mut which = format!("WHERE id {comparison} $1");
    if let Some(status) = filter.status {
        params.push(status.as_str().into());
        which += &format!(" AND status = ${}", params.len());
        if status != Status::Pending && filter.user_id.is_none() {
            // Said for the index; one user's orders are found by the user.
            which += " AND status <> 'pending'";
        }
    }
    if let Some(user_id) = filter.user_id {
        params.push(user_id.into());
        which += &format!(" AND user_id = ${}", params.len());
    }
    lines(tx, &format!("{which} ORDER BY id {direction} LIMIT $2"), direction, &params)
}

/// The orders that `which` selects, with their lines, in one statement.
fn lines(tx: &Tx<'_>, which: &str, direction: &str, params: &[Param<'_>]) -> Result<Vec<Order>> {
    let mut orders: Vec<Order> = Vec::new();
    let sql = format!(
        "SELECT o.id, o.user_id, o.user_name, o.total_price, o.status, o.created_at, o.expires_at, o.paid_by,
                o.reservation, i.product_id, i.name, i.price, i.quantity, i.stock
         FROM orders o JOIN order_items i ON i.order_id = o.id
         WHERE o.id IN (SELECT id FROM orders {which})
         ORDER BY o.id {direction}, i.line"
    );
    tx.query(&sql, params, |row| {
        let id = row.get(0)?;
        if orders.last().is_none_or(|order| order.id != id) {
            let status: String = row.get(4)?;
            orders.push(Order {
                id,
                user_id: row.get(1)?,
                user_name: row.get(2)?,
                items: Vec::with_capacity(1),
                total_price: row.get(3)?,
                status: Status::stored(&status)?,
                created_at: row.get(5)?,
                expires_at: row.get(6)?,
                paid_by: row.get(7)?,
                reservation: row.get(8)?,
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
    Ok(Item { id: row.get(9)?, name: row.get(10)?, price: row.get(11)?, quantity: row.get(12)?, stock: row.get(13)? })
}

/// Adds an order with its lines; its id is given here.
pub fn insert(tx: &Tx<'_>, order: &Order) -> Result<i64> {
    let id = tx.query_one(
        "INSERT INTO orders (user_id, user_name, total_price, status, created_at, expires_at, reservation)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        &[
            order.user_id.into(),
            (&order.user_name).into(),
            order.total_price.into(),
            order.status.as_str().into(),
            order.created_at.into(),
            order.expires_at.into(),
            order.reservation.as_ref().into(),
        ],
        |row| row.get(0),
    )?;
    for (line, item) in (1..).zip(&order.items) {
        tx.execute(
            "INSERT INTO order_items (order_id, line, product_id, name, price, quantity, stock)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &[
                i64::into(id),
                i64::into(line),
                item.id.into(),
                (&item.name).into(),
                item.price.into(),
                item.quantity.into(),
                item.stock.into(),
            ],
        )?;
    }
    Ok(id)
}

/// Takes an order from one status to the next, where no deadline waits for it any more; false if it is not
/// in the first.
pub fn set_status(tx: &Tx<'_>, id: i64, from: Status, to: Status, paid_by: Option<i64>) -> Result<bool> {
    let changed = tx.execute(
        "UPDATE orders SET status = $3, paid_by = $4, expires_at = NULL WHERE id = $1 AND status = $2",
        &[id.into(), from.as_str().into(), to.as_str().into(), paid_by.into()],
    )?;
    Ok(changed == 1)
}

pub fn add_to_history(tx: &Tx<'_>, id: i64, status: Status, at: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO order_history (order_id, status, at) VALUES ($1, $2, $3)",
        &[id.into(), status.as_str().into(), at.into()],
    )?;
    Ok(())
}

/// The statuses that an order reached after `pending`, with the times in epoch milliseconds, oldest first.
pub fn history(tx: &Tx<'_>, id: i64) -> Result<Vec<(Status, i64)>> {
    let sql = "SELECT status, at FROM order_history WHERE order_id = $1";
    let mut reached = tx.query(sql, &[id.into()], |row| {
        let status: String = row.get(0)?;
        Ok((Status::stored(&status)?, row.get(1)?))
    })?;
    // By the order of life, which no clock that is set back can change.
    reached.sort_by_key(|(status, _)| *status);
    Ok(reached)
}

/// Up to `limit` orders that nobody had paid by `deadline` (epoch milliseconds).
pub fn unpaid(tx: &Tx<'_>, deadline: i64, limit: i64) -> Result<Vec<i64>> {
    tx.query(
        "SELECT id FROM orders WHERE status = 'pending' AND expires_at <= $1
         ORDER BY expires_at LIMIT $2",
        &[deadline.into(), limit.into()],
        |row| row.get(0),
    )
}
