//! The handlers of the routes.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::api::{
    Method, NewPayment, Payment, PaymentConfirmation, PaymentMethodOption, PaymentRecord, PaymentRequest,
    PaymentResponse,
};
use super::state::State;
use super::{opening, settlement, store};
use crate::auth::Scope;
use crate::context::Context;
use crate::domain::{Language, OrderId, PaymentId};
use crate::error::{Error, PAYMENT_NOT_FOUND, Result};
use crate::service::ServiceName;
use crate::storage::Sort;
use crate::web::{self, IdempotencyKey, Json, Page, PathId, Query};

pub async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, &[Sort::Id]);
    query.finish()?;
    web::list::<Payment>(&request, &state.db, page, store::list).await
}

/// The latest payment of each order, for a comparison with other services.
pub async fn records(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, &[Sort::Id]).scans(|_| true);
    query.finish()?;
    web::list::<PaymentRecord>(&request, &state.db, page, store::invariants::records).await
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
    Ok(web::created_once("/payments", opening::open(&state, &context, scope, &new, key).await?))
}
