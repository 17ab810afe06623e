//! The SQL of the payment service.

pub mod invariants;

use super::api::{Method, Payment, Status};
use crate::auth::Scope;
use crate::domain::{OrderId, PaymentId, Rupiah, Timestamp, UserId};
use crate::error::Result;
use crate::events::{Event, Outbox};
use crate::storage::{Cursor, Row, Sort, Tx};

const COLUMNS: &str = "id, order_id, user_id, amount, method, status, created_at, expires_at";

fn payment(row: &Row<'_>) -> Result<Payment> {
    Ok(Payment {
        id: row.get(0)?,
        order_id: row.get(1)?,
        user_id: row.get(2)?,
        amount: row.get(3)?,
        method: row.parse(4)?,
        status: row.parse(5)?,
        created_at: row.get(6)?,
        expires_at: row.get(7)?,
    })
}

pub fn find(tx: &Tx<'_>, id: PaymentId, scope: Scope) -> Result<Option<Payment>> {
    let sql = format!("SELECT {COLUMNS} FROM payments WHERE id = $1 AND user_id = coalesce($2, user_id)");
    tx.query_opt(&sql, &[id.into(), scope.into()], payment)
}

/// The latest payment of an order.
pub fn of_order(tx: &Tx<'_>, order_id: OrderId, scope: Scope) -> Result<Option<Payment>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM payments WHERE order_id = $1 AND user_id = coalesce($2, user_id)
         ORDER BY id DESC LIMIT 1"
    );
    tx.query_opt(&sql, &[order_id.into(), scope.into()], payment)
}

pub fn list(tx: &Tx<'_>, _: Sort, after: Option<&Cursor>, limit: usize) -> Result<Vec<Payment>> {
    tx.query(
        &format!("SELECT {COLUMNS} FROM payments WHERE id > $1 ORDER BY id LIMIT $2"),
        &[after.map_or(0, |cursor| cursor.id).into(), (limit as i64).into()],
        payment,
    )
}

/// A payment that has no id yet. It is pending.
#[derive(Clone, Debug)]
pub struct PaymentDraft {
    pub order_id: OrderId,
    pub user_id: UserId,
    pub amount: Rupiah,
    pub method: Method,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Adds a payment. The database assigns its id.
pub fn insert(tx: &Tx<'_>, outbox: &Outbox, new: &PaymentDraft) -> Result<Payment> {
    let added = tx.query_one(
        &format!(
            "INSERT INTO payments (order_id, user_id, amount, method, status, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {COLUMNS}"
        ),
        &[
            new.order_id.into(),
            new.user_id.into(),
            new.amount.into(),
            new.method.as_str().into(),
            Status::Pending.as_str().into(),
            new.created_at.into(),
            new.expires_at.into(),
        ],
        payment,
    )?;
    let Payment { id, order_id, user_id, amount, .. } = added;
    outbox.emit(tx, &Event::PaymentCreated { payment_id: id, order_id, user_id, amount })?;
    Ok(added)
}

/// Begins to confirm a payment; false if its deadline has passed, or if it is not pending.
pub fn begin_confirming(tx: &Tx<'_>, id: PaymentId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE payments SET status = 'confirming' WHERE id = $1 AND status = 'pending' AND expires_at > $2";
    Ok(tx.execute(sql, &[id.into(), now.into()])? == 1)
}

/// Expires a payment; false if its deadline has not passed, or if it is not pending.
pub fn expire(tx: &Tx<'_>, id: PaymentId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE payments SET status = 'expired' WHERE id = $1 AND status = 'pending' AND expires_at <= $2";
    Ok(tx.execute(sql, &[id.into(), now.into()])? == 1)
}

/// Changes the status of a payment; false if it is not in `from`.
pub fn set_status(tx: &Tx<'_>, id: PaymentId, from: Status, to: Status) -> Result<bool> {
    let sql = "UPDATE payments SET status = $3 WHERE id = $1 AND status = $2";
    Ok(tx.execute(sql, &[id.into(), from.as_str().into(), to.as_str().into()])? == 1)
}

/// Up to `limit` pending payments whose deadline has passed.
pub fn overdue(tx: &Tx<'_>, now: Timestamp, limit: i64) -> Result<Vec<Payment>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM payments WHERE status = 'pending' AND expires_at <= $1 ORDER BY expires_at LIMIT $2"
    );
    tx.query(&sql, &[now.into(), limit.into()], payment)
}

const MADE_LATER: &str = "SELECT 1 FROM payments WHERE status = 'pending' AND created_at > $1 LIMIT 1";
const BRING_FORWARD: &str = "UPDATE payments SET expires_at = expires_at - created_at + $1, created_at = $1
                             WHERE status = 'pending' AND created_at > $1";

/// Whether a pending payment was made after `now`: the clock was set back since.
pub fn any_made_later(tx: &Tx<'_>, now: Timestamp) -> Result<bool> {
    Ok(tx.query_opt(MADE_LATER, &[now.into()], |_| Ok(()))?.is_some())
}

/// Makes such payments expire when they would if they were made now. Each keeps its own window, and `now` becomes its
/// time of creation, for clients too: a time in the future would be as wrong, and be found again.
pub fn bring_forward(tx: &Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute(BRING_FORWARD, &[now.into()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Db;

    #[tokio::test]
    async fn payments_that_were_made_in_the_future_are_found_by_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let db =
            Db::open(&format!("sqlite:{}", folder.path().join("pasar.db").display()).parse().unwrap(), false).unwrap();
        for sql in [MADE_LATER, BRING_FORWARD] {
            let plan = move |tx: &Tx<'_>| {
                tx.query(&format!("EXPLAIN QUERY PLAN {sql}"), &[1.into()], |row| row.get::<String>(3))
            };
            let plan = db.read(plan).await.unwrap();
            let plan = plan.join("; ").replace("COVERING ", "");
            assert_eq!(plan, "SEARCH payments USING INDEX payments_created_at (created_at>?)");
        }
        tokio::task::spawn_blocking(move || db.close()).await.unwrap();
    }
}
