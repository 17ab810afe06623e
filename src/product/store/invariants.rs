//! The SQL that looks for products and reservations that break an invariant.

use crate::error::Result;
use crate::invariants::{Finding, add_all};
use crate::product::api::ReservationRecord;
use crate::storage::{Cursor, Sort, SortKey, Tx};

/// On hand + reserved + sold = received, and none of them is negative.
pub fn levels(tx: &Tx<'_>) -> Result<Finding> {
    let sql = "SELECT CAST(id AS TEXT) FROM products
               WHERE reserved < 0 OR sold < 0 OR price < 0 OR (stock IS NULL) <> (received IS NULL)
                   OR stock < 0 OR (stock IS NULL AND reserved <> 0) OR stock + reserved + sold <> received
               ORDER BY id";
    Finding::of(tx, sql, &[])?
        .count("on_hand", tx, "SELECT CAST(sum(stock) AS BIGINT) FROM products")?
        .count("reserved", tx, "SELECT CAST(sum(reserved) AS BIGINT) FROM products")?
        .count("sold", tx, "SELECT CAST(sum(sold) AS BIGINT) FROM products WHERE stock IS NOT NULL")?
        .count("received", tx, "SELECT CAST(sum(received) AS BIGINT) FROM products")
}

/// The units of all reservations in a state, by product. Lines of products that tracked no stock have none.
macro_rules! units {
    ($state:literal) => {
        concat!(
            "SELECT i.product_id AS id, sum(i.quantity) AS number
             FROM reservations r JOIN reservation_items i ON i.key = r.key
             WHERE r.state = '",
            $state,
            "' AND i.stock IS NOT NULL GROUP BY i.product_id"
        )
    };
}

/// What is reserved of a product is what is held of it.
pub fn reserved(tx: &Tx<'_>) -> Result<Finding> {
    let sql = concat!(
        "SELECT CAST(p.id AS TEXT) FROM products p LEFT JOIN (",
        units!("held"),
        ") units ON units.id = p.id WHERE p.reserved <> coalesce(units.number, 0) ORDER BY p.id"
    );
    // Of a removed product nothing is held.
    let removed = concat!(
        "SELECT CAST(units.id AS TEXT) FROM (",
        units!("held"),
        ") units WHERE NOT EXISTS (SELECT 1 FROM products p WHERE p.id = units.id)"
    );
    let mut finding = Finding::of(tx, sql, &[])?;
    add_all(&mut finding.broken, tx, removed, &[])?;
    finding.count("held", tx, "SELECT count(*) FROM reservations WHERE state = 'held'")
}

/// What is sold of a product is what was committed of it.
pub fn sold(tx: &Tx<'_>) -> Result<Finding> {
    let sql = concat!(
        "SELECT CAST(p.id AS TEXT) FROM products p LEFT JOIN (",
        units!("committed"),
        ") units ON units.id = p.id WHERE p.sold <> coalesce(units.number, 0) ORDER BY p.id"
    );
    Finding::of(tx, sql, &[])?.count("committed", tx, "SELECT count(*) FROM reservations WHERE state = 'committed'")
}

/// A reservation is held, or has ended at some time; it has lines, unless it was released before it was made.
pub fn reservations(tx: &Tx<'_>) -> Result<Finding> {
    let sql = "SELECT key FROM reservations r
               WHERE state NOT IN ('held', 'committed', 'released') OR (state = 'held') <> (ended_at IS NULL)
                   OR (state <> 'released' AND NOT EXISTS (SELECT 1 FROM reservation_items i WHERE i.key = r.key))";
    let strays = "SELECT DISTINCT key FROM reservation_items i
                  WHERE quantity <= 0 OR NOT EXISTS (SELECT 1 FROM reservations r WHERE r.key = i.key)";
    let mut finding = Finding::of(tx, sql, &[])?;
    add_all(&mut finding.broken, tx, strays, &[])?;
    finding.count("reservations", tx, "SELECT count(*) FROM reservations")
}

/// The reservations by their keys, as other services compare them with their rows.
pub fn records(tx: &Tx<'_>, _: Sort, after: Option<&Cursor>, limit: usize) -> Result<Vec<ReservationRecord>> {
    let after = match after.map(|cursor| &cursor.key) {
        Some(SortKey::Text(key)) => key,
        _ => "",
    };
    let sql = "SELECT key, state, (SELECT CAST(coalesce(sum(quantity), 0) AS BIGINT) FROM reservation_items i
                                   WHERE i.key = r.key AND i.stock IS NOT NULL)
               FROM reservations r WHERE key > $1 ORDER BY key LIMIT $2";
    tx.query(sql, &[after.into(), (limit as i64).into()], |row| {
        Ok(ReservationRecord { key: row.get(0)?, state: row.get(1)?, units: row.get(2)? })
    })
}
