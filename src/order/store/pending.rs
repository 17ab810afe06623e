//! The SQL of orders that wait to be paid.
//!
//! The index `orders_pending` has them by their wait: how long they wait from their creation to their deadline. Those
//! of one wait are in it by their ids, and so by their deadlines too. There are few waits: `ORDER_TTL`, its earlier
//! values, and those of orders that were made before the clock was set back.

use crate::domain::{OrderId, Timestamp};
use crate::error::Result;
use crate::storage::Tx;

/// The wait of a pending order, in milliseconds. Add a comparison to make it a condition that the index is used for.
pub const WAIT: &str = "status = 'pending' AND expires_at - created_at";

const NEXT_WAIT: &str =
    "SELECT min(expires_at - created_at) FROM orders WHERE status = 'pending' AND expires_at - created_at > $1";
const OF_WAIT: &str = "SELECT id, expires_at FROM orders
                       WHERE status = 'pending' AND expires_at - created_at = $1 ORDER BY id LIMIT $2";

/// The waits of all pending orders that have a deadline.
pub fn waits(tx: &Tx<'_>) -> Result<Vec<i64>> {
    let (mut waits, mut last) = (Vec::new(), i64::MIN);
    // The orders of a wait are skipped by a search for the next wait.
    while let Some(next) = tx.query_one(NEXT_WAIT, &[last.into()], |row| row.get(0))? {
        waits.push(next);
        last = next;
    }
    Ok(waits)
}

/// Up to `limit` unpaid orders whose deadline was at `deadline` or before.
pub fn due(tx: &Tx<'_>, deadline: Timestamp, limit: usize) -> Result<Vec<OrderId>> {
    let mut due = Vec::new();
    for wait in waits(tx)? {
        let rest = (limit - due.len()) as i64;
        // Reads one order more than it finds, not all of the wait.
        due.extend(tx.query_while(OF_WAIT, &[wait.into(), rest.into()], |row| {
            let (id, expires_at): (OrderId, Timestamp) = (row.get(0)?, row.get(1)?);
            Ok((expires_at <= deadline).then_some(id))
        })?);
    }
    Ok(due)
}

/// Makes an unpaid order expire at `deadline`, if that is earlier.
pub fn bring_forward(tx: &Tx<'_>, id: OrderId, deadline: Timestamp) -> Result<()> {
    let sql = "UPDATE orders SET expires_at = $2 WHERE id = $1 AND status = 'pending' AND expires_at > $2";
    tx.execute(sql, &[id.into(), deadline.into()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Db;

    #[tokio::test]
    async fn what_is_expired_is_found_by_the_index_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let db =
            Db::open(&format!("sqlite:{}", folder.path().join("pasar.db").display()).parse().unwrap(), false).unwrap();
        for (sql, params) in [(NEXT_WAIT, vec![1.into()]), (OF_WAIT, vec![1.into(), 1.into()])] {
            let plan =
                move |tx: &Tx<'_>| tx.query(&format!("EXPLAIN QUERY PLAN {sql}"), &params, |row| row.get::<String>(3));
            let plan = db.read(plan).await.unwrap().join("; ");
            assert!(plan.starts_with("SEARCH orders USING INDEX orders_pending (<expr>"), "{sql}: {plan}");
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP"), "{sql}: {plan}");
        }
        tokio::task::spawn_blocking(move || db.close()).await.unwrap();
    }
}
