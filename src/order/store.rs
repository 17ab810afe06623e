//! The SQL of the order service.

pub mod figures;
pub mod invariants;
mod list;
pub mod pending;
pub mod quota;
mod row;

use super::api::{Item, Order, PaidBy};
use crate::auth::Scope;
use crate::domain::{OrderId, OrderStatus as Status, PaymentId, Rupiah, Timestamp, UserId};
use crate::error::{Error, Result};
use crate::storage::Tx;
use row::{COLUMNS, order};

pub use list::{Filter, list};

pub fn find(tx: &Tx<'_>, id: OrderId, scope: Scope) -> Result<Option<Order>> {
    let sql = format!("SELECT {COLUMNS} FROM orders WHERE id = $1 AND user_id = coalesce($2, user_id)");
    tx.query_opt(&sql, &[id.into(), scope.into()], order)
}

/// The newest order.
pub fn newest(tx: &Tx<'_>) -> Result<Option<OrderId>> {
    tx.query_one("SELECT max(id) FROM orders", &[], |row| row.get(0))
}

/// An order that has no id yet. It is pending.
#[derive(Clone, Debug)]
pub struct OrderDraft {
    pub user_id: UserId,
    pub user_name: String,
    pub items: Vec<Item>,
    pub total_price: Rupiah,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub reservation: Option<String>,
}

/// Adds an order. The database assigns its id.
pub fn insert(tx: &Tx<'_>, draft: OrderDraft) -> Result<Order> {
    let status = Status::Pending;
    let items = serde_json::to_string(&draft.items).map_err(Error::internal)?;
    let id = tx.query_one(
        "INSERT INTO orders (user_id, user_name, items, total_price, status, created_at, expires_at, reservation)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        &[
            draft.user_id.into(),
            (&draft.user_name).into(),
            (&items).into(),
            draft.total_price.into(),
            status.as_str().into(),
            draft.created_at.into(),
            draft.expires_at.into(),
            draft.reservation.as_ref().into(),
        ],
        |row| row.get(0),
    )?;
    let OrderDraft { user_id, user_name, items, total_price, created_at, expires_at, reservation } = draft;
    Ok(Order {
        id,
        user_id,
        user_name,
        items,
        total_price,
        status,
        created_at,
        expires_at: Some(expires_at),
        paid_by: PaidBy::Nobody,
        reservation,
    })
}

/// Changes the status of an order and removes its deadline; false if the order is not in `from`.
pub fn set_status(tx: &Tx<'_>, id: OrderId, from: Status, to: Status, paid_by: PaidBy) -> Result<bool> {
    let changed = tx.execute(
        "UPDATE orders SET status = $3, paid_by = $4, expires_at = NULL WHERE id = $1 AND status = $2",
        &[id.into(), from.as_str().into(), to.as_str().into(), paid_by.into()],
    )?;
    if from == Status::Pending && changed == 1 {
        quota::end(tx, id)?;
    }
    Ok(changed == 1)
}

/// Names the payment of an order that is paid without one; false if a payment is named, or the order is not paid.
pub fn name_payment(tx: &Tx<'_>, id: OrderId, payment: PaymentId) -> Result<bool> {
    let sql = "UPDATE orders SET paid_by = $2 WHERE id = $1 AND paid_by = 0";
    Ok(tx.execute(sql, &[id.into(), payment.into()])? == 1)
}

pub fn add_to_history(tx: &Tx<'_>, id: OrderId, status: Status, at: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO order_history (order_id, status, at) VALUES ($1, $2, $3)",
        &[id.into(), status.as_str().into(), at.into()],
    )?;
    Ok(())
}

/// The statuses that an order reached after `pending`, each with its time, in the order of the life of an order.
pub fn history(tx: &Tx<'_>, id: OrderId) -> Result<Vec<(Status, Timestamp)>> {
    let sql = "SELECT status, at FROM order_history WHERE order_id = $1";
    let mut reached = tx.query(sql, &[id.into()], |row| Ok((row.parse(0)?, row.get(1)?)))?;
    // Not by the times: the clock may have been set back in between.
    reached.sort_by_key(|(status, _)| *status);
    Ok(reached)
}
