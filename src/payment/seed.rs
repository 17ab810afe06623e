//! The payments of orders of the past.

use super::api::{Method, Payment, Status};
use super::settlement::expiry_event;
use super::store::{self, PaymentDraft};
use crate::auth::Scope;
use crate::domain::{OrderId, PaymentId, Rupiah, Timestamp, UserId};
use crate::error::{Error, PAYMENT_NOT_FOUND, Result};
use crate::events::{Event, Outbox};
use crate::storage::Tx;

/// An order that is paid for.
#[derive(Clone, Copy, Debug)]
pub struct PaidOrder {
    pub id: OrderId,
    pub user_id: UserId,
    pub total_price: Rupiah,
}

/// Writes the payments of a made-up shop.
#[derive(Clone, Copy, Debug)]
pub struct PastPayments<'a> {
    pub outbox: &'a Outbox,
}

impl PastPayments<'_> {
    /// Opens a payment, which can be confirmed until `expires_at`.
    pub fn open(
        self,
        tx: &Tx<'_>,
        order: PaidOrder,
        method: Method,
        created_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<PaymentId> {
        let PaidOrder { id: order_id, user_id, total_price: amount } = order;
        let draft = PaymentDraft { order_id, user_id, amount, method, created_at, expires_at };
        store::insert(tx, self.outbox, &draft).map(|payment| payment.id)
    }

    /// Ends a payment that is open or paid: with `Paid`, `Failed`, `Expired` or `Refunded`.
    pub fn end(self, tx: &Tx<'_>, id: PaymentId, status: Status) -> Result<()> {
        let payment = store::find(tx, id, Scope::All)?.ok_or_else(|| Error::new(&PAYMENT_NOT_FOUND))?;
        store::set_status(tx, id, payment.status, status)?;
        let Payment { order_id, user_id, amount, .. } = payment;
        match status {
            Status::Paid => self.outbox.emit(tx, &Event::PaymentPaid { payment_id: id, order_id, user_id, amount }),
            Status::Expired => self.outbox.emit(tx, &expiry_event(&payment)),
            _ => Ok(()),
        }
    }
}
