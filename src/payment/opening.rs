//! Opening a payment for a pending order.

use super::api::{NewPayment, PaymentResponse, Status};
use super::state::State;
use super::store::PaymentDraft;
use super::{settlement, store};
use crate::auth::Scope;
use crate::context::Context;
use crate::domain::OrderStatus;
use crate::error::{Error, ORDER_NOT_FOUND, ORDER_STATE, PAYMENT_MISMATCH, PAYMENT_OPEN, PAYMENT_TOO_LATE, Result};
use crate::storage::Tx;
use crate::storage::idempotency::{self, Created, Key};

/// How many times the window somebody gets who asks for more time. WCAG 2.2.1 asks for ten.
const MORE_TIME: u32 = 10;

/// Opens the only payment of an order within `scope`. Requests with the same `key` open one payment and get the same
/// answer.
pub async fn open(
    state: &State,
    context: &Context,
    scope: Scope,
    new: &NewPayment,
    key: Option<Key>,
) -> Result<Created> {
    if let Some(opened) = idempotency::replay(&state.db, key.as_ref(), state.clock.now()).await? {
        return Ok(opened);
    }
    let draft = prepare(state, context, scope, new).await?;
    let (order_id, outbox) = (draft.order_id, state.outbox);
    let opened = state.db.write(move |tx| {
        idempotency::once(tx, key.as_ref(), draft.created_at, || {
            check_none_open(tx, &draft)?;
            let payment = store::insert(tx, &outbox, &draft)?;
            Created::first(payment.id.get(), &PaymentResponse::from(&payment))
        })
    });
    match opened.await {
        // The deadline has passed, but the worker may not have expired the payment yet.
        Err(error) if error.is(&PAYMENT_TOO_LATE) => {
            settlement::expire_of_order(state, context, order_id).await?;
            Err(error)
        }
        opened => opened,
    }
}

/// Refuses a second payment of an order; [`PAYMENT_OPEN`], [`PAYMENT_TOO_LATE`] or [`ORDER_STATE`].
fn check_none_open(tx: &Tx<'_>, draft: &PaymentDraft) -> Result<()> {
    let Some(before) = store::of_order(tx, draft.order_id, Scope::All)? else { return Ok(()) };
    Err(match before.status {
        Status::Pending if before.expires_at <= draft.created_at => Error::new(&PAYMENT_TOO_LATE),
        Status::Pending | Status::Confirming => {
            Error::new(&PAYMENT_OPEN).detail(format!("payment {} is open", before.id))
        }
        // Its order expires with it, even if that is not reported yet.
        Status::Expired => Error::new(&PAYMENT_TOO_LATE),
        status => {
            Error::new(&ORDER_STATE).detail(format!("payment {} of this order is {}", before.id, status.as_str()))
        }
    })
}

/// The payment to open, for the order as the order service shows it.
async fn prepare(state: &State, context: &Context, scope: Scope, new: &NewPayment) -> Result<PaymentDraft> {
    let order_id = new.order_id;
    let order = state.settler.orders.get(context, order_id).await?;
    // The order service shows this service every order, so the scope is checked here.
    let order = order
        .filter(|order| scope.includes(order.user_id))
        .ok_or_else(|| Error::new(&ORDER_NOT_FOUND).detail(format!("there is no order {order_id}")))?;
    let mismatch = |what: &str, is: i64| Error::new(&PAYMENT_MISMATCH).detail(format!("the order's {what} is {is}"));
    if new.amount.is_some_and(|amount| amount != order.total_price) {
        return Err(mismatch("total", order.total_price.get()));
    }
    if new.user_id.is_some_and(|user_id| user_id != order.user_id) {
        return Err(mismatch("user", order.user_id.get()));
    }
    let created_at = state.clock.now();
    let deadline = order.expires_at;
    match order.status {
        OrderStatus::Pending if deadline.is_none_or(|deadline| created_at < deadline) => {}
        OrderStatus::Pending | OrderStatus::Expired => return Err(Error::new(&PAYMENT_TOO_LATE)),
        status => return Err(Error::new(&ORDER_STATE).detail(format!("the order is {}", status.as_str()))),
    }
    let times = if new.more_time == Some(true) { MORE_TIME } else { 1 };
    let window = state.clock.after(state.window.saturating_mul(times));
    Ok(PaymentDraft {
        order_id,
        user_id: order.user_id,
        amount: order.total_price,
        method: new.method,
        created_at,
        expires_at: deadline.map_or(window, |deadline| window.min(deadline)),
    })
}
