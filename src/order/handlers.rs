//! What each route does.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::api::{NewOrder, Order, PeerState};
use super::{State, placement, store};
use crate::error::{Error, ORDER_NOT_FOUND, Result, Sentence};
use crate::web::{self, Context, IdempotencyKey, Json, Page, PathId, Query, Sort};

pub async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let why = Sentence::new("harus id atau -id", "must be id or -id");
    let sort = query.take("sort", why, Sort::parse).unwrap_or(Sort::Oldest);
    let page = Page::take(&mut query, sort);
    query.finish()?;
    web::list::<Order>(&request, &state.db, page, store::list).await
}

pub async fn show(id: PathId, state: Data<State>) -> Result<HttpResponse> {
    let id = id.or(&ORDER_NOT_FOUND)?.get();
    let order = state.db.read(move |tx| store::find(tx, id)).await?;
    let order = order.ok_or_else(|| Error::new(&ORDER_NOT_FOUND).detail(format!("there is no order {id}")))?;
    Ok(web::ok(&order))
}

pub async fn create(
    context: Context,
    key: IdempotencyKey,
    Json(new): Json<NewOrder>,
    state: Data<State>,
) -> Result<HttpResponse> {
    let placed = placement::place(&state, &context, new, key.0).await?;
    Ok(web::created_once(&format!("/orders/{}", placed.id), placed.json, placed.replayed))
}

pub async fn peers(state: Data<State>) -> HttpResponse {
    let peers = [state.users.peer(), state.products.peer()];
    let states = peers.map(|peer| async move {
        PeerState { name: peer.name(), url: peer.url().to_string(), answers: peer.answers().await }
    });
    web::ok(&futures_util::future::join_all(states).await)
}
