//! How an order is stored in a row.

use crate::domain::PaymentId;
use crate::error::{Error, Result};
use crate::order::api::{Order, PaidBy};
use crate::storage::{Param, Row};

/// The columns that are read of an order, in the order of [`order`].
pub const COLUMNS: &str =
    "id, user_id, user_name, items, total_price, status, created_at, expires_at, paid_by, reservation";

pub fn order(row: &Row<'_>) -> Result<Order> {
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
