//! The SQL that looks for payments that break an invariant.

use serde::Deserialize;

use crate::domain::Timestamp;
use crate::error::Result;
use crate::events::job_targets;
use crate::invariants::{Finding, add_all};
use crate::payment::api::{Method, PaymentRecord, Status};
use crate::storage::{Cursor, Sort, Tx, idempotency};

pub fn one_for_each_order(tx: &Tx<'_>) -> Result<Finding> {
    let sql = "SELECT CAST(max(id) AS TEXT) FROM payments GROUP BY order_id HAVING count(*) > 1";
    Finding::of(tx, sql, &[])?.count("payments", tx, "SELECT count(*) FROM payments")
}

/// `now`: pending payments with this deadline or an earlier one should have expired.
pub fn deadlines(tx: &Tx<'_>, now: Timestamp) -> Result<Finding> {
    let sql = "SELECT CAST(id AS TEXT) FROM payments WHERE expires_at <= created_at OR amount < 0 ORDER BY id";
    let late = "SELECT CAST(id AS TEXT) FROM payments WHERE status = 'pending' AND expires_at <= $1 ORDER BY id";
    let mut finding = Finding::of(tx, sql, &[])?;
    add_all(&mut finding.under_way, tx, late, &[now.into()])?;
    finding.count("pending", tx, "SELECT count(*) FROM payments WHERE status = 'pending'")
}

pub fn statuses(tx: &Tx<'_>) -> Result<Finding> {
    let mut finding = Finding::default();
    tx.each("SELECT id, status, method FROM payments ORDER BY id", &[], |row| {
        let (id, status, method): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if status.parse::<Status>().is_err() || method.parse::<Method>().is_err() {
            finding.broken.add(id);
        }
        Ok(())
    })?;
    finding.count("rupiah", tx, "SELECT CAST(sum(amount) AS BIGINT) FROM payments WHERE status = 'paid'")
}

/// A payment that is being charged or refunded has a job that ends it.
pub fn settlements(tx: &Tx<'_>, service: &str) -> Result<Finding> {
    let jobs = job_targets(tx, service, "settle")?;
    let mut finding = Finding::default();
    let sql = "SELECT CAST(id AS TEXT) FROM payments WHERE status IN ('confirming', 'refunding') ORDER BY id";
    tx.each(sql, &[], |row| {
        let id: String = row.get(0)?;
        if jobs.contains(&id) {
            finding.under_way.add(id)
        } else {
            finding.broken.add(id)
        }
        Ok(())
    })?;
    Ok(finding.with("jobs", jobs.len() as i64))
}

/// Each answered key names a payment that exists, of the order that was answered.
pub fn keys(tx: &Tx<'_>, service: &str) -> Result<Finding> {
    #[derive(Deserialize)]
    struct Opened {
        id: i64,
        order_id: i64,
    }
    let mut finding = Finding::default();
    let mut answered = 0;
    idempotency::each_answer(tx, service, |key, answer| {
        answered += 1;
        let sql = "SELECT 1 FROM payments WHERE id = $1 AND order_id = $2";
        let found = match serde_json::from_str::<Opened>(answer) {
            Ok(Opened { id, order_id }) => tx.query_opt(sql, &[id.into(), order_id.into()], |_| Ok(()))?,
            Err(_) => None,
        };
        if found.is_none() {
            finding.broken.add(key);
        }
        Ok(())
    })?;
    Ok(finding.with("keys", answered))
}

/// The latest payment of each order, by the orders' ids.
pub fn records(tx: &Tx<'_>, _: Sort, after: Option<&Cursor>, limit: usize) -> Result<Vec<PaymentRecord>> {
    let sql = "SELECT order_id, id, user_id, amount, status FROM payments p
               WHERE order_id > $1 AND id = (SELECT max(id) FROM payments WHERE order_id = p.order_id)
               ORDER BY order_id LIMIT $2";
    tx.query(sql, &[after.map_or(0, |cursor| cursor.id).into(), (limit as i64).into()], |row| {
        Ok(PaymentRecord {
            order_id: row.get(0)?,
            payment_id: row.get(1)?,
            user_id: row.get(2)?,
            amount: row.get(3)?,
            status: row.get(4)?,
        })
    })
}
