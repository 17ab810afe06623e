//! The SQL that looks for users, accounts and notifications that break an invariant.

use crate::auth::Role;
use crate::domain::{Email, Field, OrderStatus};
use crate::error::Result;
use crate::invariants::{Finding, add_all};
use crate::storage::Tx;

/// Each e-mail address is stored as it is compared, too, and belongs to one user.
pub fn emails(tx: &Tx<'_>) -> Result<Finding> {
    let mut finding = Finding::default();
    tx.each("SELECT id, email, email_key FROM users ORDER BY id", &[], |row| {
        let (id, email, key): (i64, Option<String>, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let sound = match (email, key) {
            (None, None) => true,
            (Some(email), Some(key)) => match Email::read(email.into()) {
                Ok(email) if email.key() == key => true,
                // Of two users of an earlier version with one address by the present rules, the later one keeps its key.
                Ok(email) => super::with_email(tx, &email.key())?.is_some(),
                // Earlier versions took addresses that are refused now.
                Err(_) => true,
            },
            _ => false,
        };
        if !sound {
            finding.broken.add(id);
        }
        Ok(())
    })?;
    let twice = "SELECT CAST(max(id) AS TEXT) FROM users WHERE email_key IS NOT NULL
                 GROUP BY email_key HAVING count(*) > 1";
    add_all(&mut finding.broken, tx, twice, &[])?;
    // Orders may name users who were removed, but none above the last one.
    let last = tx.last_id("users")?;
    finding.with("last_user", last).count("users", tx, "SELECT count(*) FROM users")
}

/// Each account belongs to a user with an e-mail address, and has a role and a version of its credentials.
pub fn accounts(tx: &Tx<'_>) -> Result<Finding> {
    let mut finding = Finding::default();
    let sql = "SELECT a.user_id, a.role, a.token_version, u.email_key FROM accounts a
               LEFT JOIN users u ON u.id = a.user_id ORDER BY a.user_id";
    let mut accounts = 0;
    tx.each(sql, &[], |row| {
        let (id, role, version): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let email: Option<String> = row.get(3)?;
        if role.parse::<Role>().is_err() || version < 1 || email.is_none() {
            finding.broken.add(id);
        }
        accounts += 1;
        Ok(())
    })?;
    Ok(finding.with("accounts", accounts))
}

/// The notifications of a user are numbered from 1 without gaps, and those of a removed user are gone.
pub fn notifications(tx: &Tx<'_>) -> Result<Finding> {
    let sql = "SELECT CAST(n.user_id AS TEXT) FROM notifications n GROUP BY n.user_id
               HAVING min(n.id) <> 1 OR max(n.id) <> count(*)
                   OR NOT EXISTS (SELECT 1 FROM users u WHERE u.id = n.user_id)";
    Finding::of(tx, sql, &[])?.count("notifications", tx, "SELECT count(*) FROM notifications")
}

/// A user is notified once of each status of an order, and only of statuses that there are.
pub fn notified_once(tx: &Tx<'_>) -> Result<Finding> {
    let twice = "SELECT DISTINCT user_id || ' ' || order_id FROM
                     (SELECT user_id, order_id, status FROM notifications
                      GROUP BY user_id, order_id, status HAVING count(*) > 1) AS repeated";
    let known = OrderStatus::ALL.map(|status| format!("'{}'", status.as_str())).join(", ");
    let unknown = format!("SELECT user_id || ' ' || order_id FROM notifications WHERE status NOT IN ({known})");
    let mut finding = Finding::of(tx, twice, &[])?;
    add_all(&mut finding.broken, tx, &unknown, &[])?;
    Ok(finding)
}
