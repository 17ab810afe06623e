//! The handlers of the routes.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::api::{
    Method, NewPayment, Payment, PaymentConfirmation, PaymentMethodOption, PaymentRequest, PaymentResponse, Status,
};
use super::state::State;
use super::store::PaymentDraft;
use super::{settlement, store};
use crate::auth::Scope;
use crate::context::Context;
use crate::domain::{Language, OrderId, OrderStatus, PaymentId};
use crate::error::{
    Error, ORDER_NOT_FOUND, ORDER_STATE, PAYMENT_MISMATCH, PAYMENT_NOT_FOUND, PAYMENT_OPEN, PAYMENT_TOO_LATE, Result,
};
use crate::service::ServiceName;
use crate::storage::idempotency::{self, Created};
use crate::storage::{Sort, Tx};
use crate::web::{self, IdempotencyKey, Json, Page, PathId, Query};

pub async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, &[Sort::Id]);
    query.finish()?;
    web::list::<Payment>(&request, &state.db, page, store::list).await
}

pub async fn methods(language: Language) -> HttpResponse {
    let offered =
        Method::ALL.map(|method| PaymentMethodOption { method, label: language.pick(&method.label()).to_owned() });
    web::in_language(language, web::ok(&offered))
}

pub async fn show(scope: Scope, id: PathId<PaymentId>, state: Data<State>) -> Result<HttpResponse> {
    let id = id.or(&PAYMENT_NOT_FOUND)?;
    let payment = state.db.read(move |tx| store::find(tx, id, scope)).await?;
    let missing = || Error::new(&PAYMENT_NOT_FOUND).detail(format!("there is no payment {id}"));
    Ok(web::ok(&PaymentResponse::from(&payment.ok_or_else(missing)?)))
}

pub async fn of_order(scope: Scope, id: PathId<OrderId>, state: Data<State>) -> Result<HttpResponse> {
    let id = id.or(&PAYMENT_NOT_FOUND)?;
    let payment = state.db.read(move |tx| store::of_order(tx, id, scope)).await?;
    let missing = || Error::new(&PAYMENT_NOT_FOUND).detail(format!("order {id} has no payment"));
    Ok(web::ok(&PaymentResponse::from(&payment.ok_or_else(missing)?)))
}

pub async fn confirm(
    context: Context,
    scope: Scope,
    Json(which): Json<PaymentConfirmation>,
    state: Data<State>,
) -> Result<HttpResponse> {
    Ok(web::ok(&PaymentResponse::from(&settlement::confirm(&state, &context, scope, which).await?)))
}

pub async fn refund(context: Context, id: PathId<PaymentId>, state: Data<State>) -> Result<HttpResponse> {
    let id = id.or(&PAYMENT_NOT_FOUND)?;
    Ok(web::ok(&PaymentResponse::from(&settlement::refund(&state, &context, id).await?)))
}

pub async fn settle(context: Context, id: PathId<OrderId>, state: Data<State>) -> Result<HttpResponse> {
    let id = id.or(&PAYMENT_NOT_FOUND)?;
    Ok(web::ok(&PaymentResponse::from(&settlement::follow_order(&state, &context, id).await?)))
}

pub async fn create(
    context: Context,
    scope: Scope,
    key: IdempotencyKey,
    Json(request): Json<PaymentRequest>,
    state: Data<State>,
) -> Result<HttpResponse> {
    let new = NewPayment::from(request);
    let key = key.of(ServiceName::Payment.name(), &new)?;
    if let Some(opened) = idempotency::replay(&state.db, key.as_ref(), state.clock.now()).await? {
        return Ok(web::created_once("/payments", opened));
    }
    let draft = prepare(&state, &context, scope, &new).await?;
    let (order_id, outbox) = (draft.order_id, state.outbox);
    let opened = state.db.write(move |tx| {
        idempotency::once(tx, key.as_ref(), draft.created_at, || {
            check_none_open(tx, &draft)?;
            let payment = store::insert(tx, &outbox, &draft)?;
            Created::first(payment.id.get(), &PaymentResponse::from(&payment))
        })
    });
    match opened.await {
        Ok(opened) => Ok(web::created_once("/payments", opened)),
        // The deadline has passed, but the worker may not have expired the payment yet.
        Err(error) if error.is(&PAYMENT_TOO_LATE) => {
            settlement::expire_of_order(&state, &context, order_id).await?;
            Err(error)
        }
        Err(error) => Err(error),
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
        .filter(|order| scope.holds(order.user_id))
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
    let window = state.clock.after(state.window);
    Ok(PaymentDraft {
        order_id,
        user_id: order.user_id,
        amount: order.total_price,
        method: new.method,
        created_at,
        expires_at: deadline.map_or(window, |deadline| window.min(deadline)),
    })
}
