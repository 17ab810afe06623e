//! The SQL of the order service.

pub mod quota;

use super::api::{Item, Order, PaidBy};
use crate::auth::Scope;
use crate::domain::{OrderId, OrderStatus as Status, PaymentId, Rupiah, Timestamp, UserId};
use crate::error::{Error, Result};
use crate::storage::{Cursor, Param, Row, Sort, Tx};

const COLUMNS: &str =
    "id, user_id, user_name, items, total_price, status, created_at, expires_at, paid_by, reservation";

fn order(row: &Row<'_>) -> Result<Order> {
    let items: String = row.get(3)?;
    Ok(Order {
        id: row.get(0)?,
        user_id: row.get(1)?,
        user_name: row.get(2)?,
        items: serde_json::from_str(&items).map_err(Error::internal)?,
        total_price: row.get(4)?,
        status: row.parse(5)?,
        created_at: row.get(6)?,
        expires_at: row.get(7)?,
        paid_by: paid_by(row.get(8)?),
        reservation: row.get(9)?,
    })
}

/// The column `paid_by`: NULL, 0 for a payment that was not named, or the payment's id.
fn paid_by(column: Option<i64>) -> PaidBy {
    match column {
        None => PaidBy::Nobody,
        Some(0) => PaidBy::Manual,
        Some(id) => PaidBy::Payment(PaymentId::new(id)),
    }
}

impl From<PaidBy> for Param<'_> {
    fn from(paid_by: PaidBy) -> Self {
        match paid_by {
            PaidBy::Nobody => Self::Null,
            PaidBy::Manual => Self::Int(0),
            PaidBy::Payment(id) => id.into(),
        }
    }
}

pub fn find(tx: &Tx<'_>, id: OrderId, scope: Scope) -> Result<Option<Order>> {
    let sql = format!("SELECT {COLUMNS} FROM orders WHERE id = $1 AND user_id = coalesce($2, user_id)");
    tx.query_opt(&sql, &[id.into(), scope.into()], order)
}

/// The filters of a list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Orders in one of these; all orders if empty.
    pub statuses: Vec<Status>,
    pub user_id: Option<UserId>,
}

impl Filter {
    /// Whether an index holds exactly these orders, by their ids. Then a page costs no more than its rows.
    pub fn is_indexed(&self) -> bool {
        self.statuses.is_empty() || (self.user_id.is_none() && !self.statuses.contains(&Status::Pending))
    }
}

pub fn list(tx: &Tx<'_>, filter: &Filter, sort: Sort, after: Option<&Cursor>, limit: usize) -> Result<Vec<Order>> {
    let of = |status| list_of(tx, status, filter.user_id, sort, after, limit);
    match filter.statuses.as_slice() {
        [] => of(None),
        [status] => of(Some(*status)),
        statuses => {
            // Each status is read in the order of its index. One query for all of them would sort every match.
            let mut all = Vec::new();
            for status in statuses {
                all.extend(of(Some(*status))?);
            }
            all.sort_unstable_by_key(|order| if sort == Sort::IdDown { -order.id.get() } else { order.id.get() });
            all.truncate(limit);
            Ok(all)
        }
    }
}

fn list_of(
    tx: &Tx<'_>,
    status: Option<Status>,
    user_id: Option<UserId>,
    sort: Sort,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<Order>> {
    let (comparison, direction, first) = match sort {
        Sort::IdDown => ('<', "DESC", i64::MAX),
        _ => ('>', "ASC", 0),
    };
    let mut params: Vec<Param<'_>> = vec![after.map_or(first, |cursor| cursor.id).into(), (limit as i64).into()];
    let mut which = format!("WHERE id {comparison} $1");
    if let Some(status) = status {
        params.push(status.as_str().into());
        which += &format!(" AND status = ${}", params.len());
        if status != Status::Pending && user_id.is_none() {
            // The partial index needs this condition. The orders of one user are found by their index instead.
            which += " AND status <> 'pending'";
        }
    }
    if let Some(user_id) = user_id {
        params.push(user_id.into());
        which += &format!(" AND user_id = ${}", params.len());
    }
    let sql = format!("SELECT {COLUMNS} FROM orders {which} ORDER BY id {direction} LIMIT $2");
    tx.query(&sql, &params, order)
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

/// Up to `limit` unpaid orders whose deadline was at `deadline` or before.
pub fn unpaid(tx: &Tx<'_>, deadline: Timestamp, limit: i64) -> Result<Vec<OrderId>> {
    tx.query(
        "SELECT id FROM orders WHERE status = 'pending' AND expires_at <= $1
         ORDER BY expires_at LIMIT $2",
        &[deadline.into(), limit.into()],
        |row| row.get(0),
    )
}

/// Up to `limit` unpaid orders that were made after `now` and expire after `deadline`: the clock was set back since.
pub fn made_later(tx: &Tx<'_>, now: Timestamp, deadline: Timestamp, limit: i64) -> Result<Vec<OrderId>> {
    tx.query(
        // Only the latest deadlines are read, so that the cost does not depend on the number of orders.
        "SELECT id FROM (SELECT id, created_at FROM orders WHERE status = 'pending' AND expires_at > $2
                         ORDER BY expires_at DESC LIMIT $3) AS latest
         WHERE created_at > $1",
        &[now.into(), deadline.into(), limit.into()],
        |row| row.get(0),
    )
}

/// Makes an unpaid order expire at `deadline`, if that is earlier.
pub fn bring_forward(tx: &Tx<'_>, id: OrderId, deadline: Timestamp) -> Result<()> {
    let sql = "UPDATE orders SET expires_at = $2 WHERE id = $1 AND status = 'pending' AND expires_at > $2";
    tx.execute(sql, &[id.into(), deadline.into()])?;
    Ok(())
}
