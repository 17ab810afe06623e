//! The handlers of the routes.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::{join, join_all, try_join_all};

use super::activity::ActivitySource;
use super::api::{Activity, Order, OrderDetail, OrderRecord, OrderResponse, PeerState, TrackingEntry};
use super::forms::{NewOrder, NewOrderPayment, NewOrderStatus, OrderRequest, OrderStatusChange, PaymentStatus};
use super::lifecycle::{self, Initiator, Transition};
use super::state::State;
use super::store::Filter;
use super::{figures, placement, store};
use crate::auth::{Admission, Scope};
use crate::context::Context;
use crate::domain::{Language, OrderId, OrderStatus as Status, Sentence, UserId};
use crate::error::{
    Error, NOT_ALLOWED, ORDER_NOT_FOUND, ORDER_STATE, PAYMENT_STATUS_INVALID, PAYMENT_TOO_LATE, Result, USER_NOT_FOUND,
};
use crate::service::ServiceName;
use crate::storage::{Cursor, Sort, Tx};
use crate::web::{self, IdempotencyKey, Json, LastEventId, Page, PathId, Query, Server};

pub const SORTS: [Sort; 2] = [Sort::Id, Sort::IdDown];

/// What a summary is about, unless it is asked for another time.
const MINUTES_PER_DAY: i64 = 24 * 60;

pub async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    listing(&request, &state, None).await
}

pub async fn of_user(
    request: HttpRequest,
    scope: Scope,
    id: PathId<UserId>,
    state: Data<State>,
) -> Result<HttpResponse> {
    let id = id.or(&USER_NOT_FOUND)?;
    if !scope.includes(id) {
        return Err(Error::new(&USER_NOT_FOUND).detail(format!("there is no user {id}")));
    }
    listing(&request, &state, Some(id)).await
}

/// A list of orders: of the user in the path, else of the user in the query, else of all.
async fn listing(request: &HttpRequest, state: &State, user_id: Option<UserId>) -> Result<HttpResponse> {
    let mut query = Query::of(request);
    let page = Page::take(&mut query, &SORTS);
    let why = Sentence::new("bukan status pesanan", "is not a status of an order");
    let all = |text: &str| text.split(',').map(Status::parse).collect::<Option<Vec<_>>>();
    let mut statuses = query.take("status", why, all).unwrap_or_default();
    statuses.sort_unstable();
    statuses.dedup();
    let user_id = user_id.or_else(|| query.field("user_id"));
    let filter = Filter { statuses, user_id };
    query.finish()?;
    let page = page.scans(|_| !filter.is_indexed());
    let fetch = move |tx: &Tx<'_>, sort, after: Option<&Cursor>, limit| store::list(tx, &filter, sort, after, limit);
    web::list::<Order>(request, &state.db, page, fetch).await
}

/// The orders in figures, for the admin's desk.
pub async fn summary(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let why = Sentence::new("harus bilangan bulat antara 1 dan 10080", "must be an integer between 1 and 10080");
    let minutes = |text: &str| text.parse().ok().filter(|minutes: &i64| minutes.to_string() == text);
    let minutes = |text: &str| minutes(text).filter(|minutes| (1..=figures::MAX_MINUTES).contains(minutes));
    let minutes = query.take("period", why, minutes).unwrap_or(MINUTES_PER_DAY);
    query.finish()?;
    let now = state.clock.now();
    let summary = state.db.read(move |tx| figures::summary(tx, minutes, now)).await?;
    Ok(web::no_store(web::ok(&summary)))
}

/// The orders, for a comparison with other services. It is a scan, so that long lists leave the threads to others.
pub async fn records(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, &[Sort::Id]).scans(|_| true);
    query.finish()?;
    web::list::<OrderRecord>(&request, &state.db, page, store::invariants::records).await
}

/// The latest changes of all orders.
pub async fn activity(request: HttpRequest, language: Language, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, &[Sort::IdDown]);
    query.finish()?;
    let fetch = move |tx: &Tx<'_>, _: Sort, after: Option<&Cursor>, limit| {
        let before = after.map_or(i64::MAX, |cursor| cursor.id);
        let entries = store::figures::activity_before(tx, before, limit)?;
        Ok(entries.into_iter().map(|entry| Activity::new(entry, language)).collect())
    };
    Ok(web::in_language(language, web::list::<Activity>(&request, &state.db, page, fetch).await?))
}

pub async fn live_activity(
    request: HttpRequest,
    Admission { principal, .. }: Admission,
    language: Language,
    last: LastEventId,
    server: Data<Server>,
    state: Data<State>,
) -> Result<HttpResponse> {
    let source = ActivitySource::after(&state, last.or_of_query(&request)?, language).await?;
    let messages = web::follow(&server.auth, &state.db, principal, source);
    Ok(web::in_language(language, server.live.answer(&request, principal, messages)?))
}

async fn find(id: PathId<OrderId>, scope: Scope, state: &State) -> Result<Order> {
    let id = id.or(&ORDER_NOT_FOUND)?;
    let order = state.db.read(move |tx| store::find(tx, id, scope)).await?;
    order.ok_or_else(|| Error::new(&ORDER_NOT_FOUND).detail(format!("there is no order {id}")))
}

pub async fn show(scope: Scope, id: PathId<OrderId>, state: Data<State>) -> Result<HttpResponse> {
    Ok(web::ok(&OrderResponse::from(&find(id, scope, &state).await?)))
}

pub async fn create(
    context: Context,
    scope: Scope,
    key: IdempotencyKey,
    Json(request): Json<OrderRequest>,
    state: Data<State>,
) -> Result<HttpResponse> {
    let new = NewOrder::from(request);
    let key = key.of(ServiceName::Order.name(), &new)?;
    Ok(web::created_once("/orders", placement::place_order(&state, &context, scope, new, key).await?))
}

pub async fn detail(context: Context, scope: Scope, id: PathId<OrderId>, state: Data<State>) -> Result<HttpResponse> {
    let order = find(id, scope, &state).await?;
    let ids = order.items.iter().filter_map(|item| item.id);
    let products = ids.filter_map(|id| Some(state.products.as_ref()?.get(&context, id)));
    let (user, products) = join(state.users.get(&context, order.user_id), try_join_all(products)).await;
    Ok(web::ok(&OrderDetail::new(&order, user?, products?.into_iter().flatten().collect())))
}

pub async fn tracking(
    scope: Scope,
    id: PathId<OrderId>,
    language: Language,
    state: Data<State>,
) -> Result<HttpResponse> {
    let order = find(id, scope, &state).await?;
    let later = state.db.read(move |tx| store::history(tx, order.id)).await?;
    let reached = std::iter::once((Status::Pending, order.created_at)).chain(later);
    let tracking = reached.map(|(status, at)| {
        let label = language.pick(&status.label()).to_owned();
        TrackingEntry { status, label, at }
    });
    Ok(web::in_language(language, web::ok(&tracking.collect::<Vec<_>>())))
}

async fn apply(
    id: PathId<OrderId>,
    scope: Scope,
    state: &State,
    context: &Context,
    transition: Transition,
) -> Result<HttpResponse> {
    let id = id.or(&ORDER_NOT_FOUND)?;
    Ok(web::ok(&OrderResponse::from(&lifecycle::apply(state, context, id, scope, transition).await?)))
}

pub async fn confirm(context: Context, id: PathId<OrderId>, state: Data<State>) -> Result<HttpResponse> {
    apply(id, Scope::All, &state, &context, Transition::Confirm).await
}

pub async fn set_status(
    context: Context,
    scope: Scope,
    id: PathId<OrderId>,
    Json(new): Json<NewOrderStatus>,
    state: Data<State>,
) -> Result<HttpResponse> {
    let transition = match (new.status, scope) {
        (OrderStatusChange::Cancelled, Scope::All) => Transition::Cancel,
        (OrderStatusChange::Cancelled, Scope::Of(_)) => Transition::CancelUnpaid,
        (_, Scope::Of(_)) => return Err(Error::new(&NOT_ALLOWED).detail("users cancel; the rest is for an admin")),
        (OrderStatusChange::Shipped, Scope::All) => Transition::Ship,
        (OrderStatusChange::Completed, Scope::All) => Transition::Complete,
    };
    apply(id, scope, &state, &context, transition).await
}

pub async fn set_payment(
    context: Context,
    id: PathId<OrderId>,
    Json(new): Json<NewOrderPayment>,
    state: Data<State>,
) -> Result<HttpResponse> {
    let id = id.or(&ORDER_NOT_FOUND)?;
    let status = new.payment_status.0.ok_or_else(|| Error::new(&PAYMENT_STATUS_INVALID))?;
    let initiator = new.payment_id.map_or(Initiator::Manual, Initiator::Payment);
    let transition = match status {
        PaymentStatus::Paid => Transition::Pay(initiator),
        PaymentStatus::Failed => Transition::Fail(initiator),
        PaymentStatus::Expired => Transition::Expire(initiator),
        PaymentStatus::Pending => {
            let order = state.db.read(move |tx| store::find(tx, id, Scope::All)).await?;
            let order = order.ok_or_else(|| Error::new(&ORDER_NOT_FOUND))?;
            if order.status == Status::Pending {
                return Ok(web::ok(&OrderResponse::from(&order)));
            }
            return Err(Error::new(&ORDER_STATE).detail(format!("the order is {}", order.status.as_str())));
        }
    };
    match lifecycle::apply(&state, &context, id, Scope::All, transition).await {
        // The deadline has passed, but the worker may not have expired the order yet.
        Err(error) if error.is(&PAYMENT_TOO_LATE) => {
            let expired = lifecycle::apply(&state, &context, id, Scope::All, Transition::Expire(initiator)).await;
            Err(expired.err().filter(|error| !error.is(&ORDER_STATE)).unwrap_or(error))
        }
        applied => Ok(web::ok(&OrderResponse::from(&applied?))),
    }
}

pub async fn peers(state: Data<State>) -> HttpResponse {
    let peers = [
        Some(state.users.peer()),
        state.products.as_ref().map(|products| products.peer()),
        Some(state.payments.peer()),
    ];
    let states = peers.into_iter().flatten().map(|peer| async move {
        PeerState { name: peer.name(), url: peer.url().to_string(), answers: peer.is_reachable().await }
    });
    web::ok(&join_all(states).await)
}
