//! The handlers of the routes.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::api::{
    ADDED, NewProduct, NewReservation, NewStock, Product, ProductCreated, ProductPatch, ReservationRecord, StockCheck,
};
use super::state::State;
use super::store::{self, Filter, stock};
use crate::domain::{ProductId, Quantity, Sentence};
use crate::error::{Error, PRODUCT_NOT_FOUND, RESERVATION_NOT_FOUND, Result};
use crate::storage::{Cursor, Sort, Tx};
use crate::web::{self, Json, Page, PathId, PathKey, Query};

pub const SORTS: [Sort; 6] = [Sort::Id, Sort::IdDown, Sort::Price, Sort::PriceDown, Sort::Name, Sort::Stock];

pub async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, &SORTS);
    let yes_or_no = Sentence::new("harus true atau false", "must be true or false");
    let filter = Filter {
        search: query.field("search"),
        name: query.field("name"),
        category: query.field("category"),
        min_price: query.field("min_price"),
        max_price: query.field("max_price"),
        in_stock: query.take("in_stock", yes_or_no, |text| text.parse().ok()),
    };
    query.finish()?;
    let page = page.scans(|sort| !filter.is_indexed(sort));
    let fetch = move |tx: &Tx<'_>, sort, after: Option<&Cursor>, limit| store::list(tx, &filter, sort, after, limit);
    web::list::<Product>(&request, &state.db, page, fetch).await
}

fn unknown(id: ProductId) -> Error {
    Error::new(&PRODUCT_NOT_FOUND).detail(format!("there is no product {id}"))
}

pub async fn show(id: PathId<ProductId>, state: Data<State>) -> Result<HttpResponse> {
    let id = id.or(&PRODUCT_NOT_FOUND)?;
    let product = state.db.read(move |tx| store::find(tx, id)).await?;
    Ok(web::ok(&product.ok_or_else(|| unknown(id))?))
}

pub async fn create(Json(new): Json<NewProduct>, state: Data<State>) -> Result<HttpResponse> {
    let outbox = state.outbox;
    let product = state.db.write(move |tx| store::insert(tx, &outbox, &new)).await?;
    let location = format!("/products/{}", product.id);
    Ok(web::created(&location, &ProductCreated { message: ADDED.to_owned(), product }))
}

/// Replaces a product: an edit that keeps no value.
pub async fn replace(id: PathId<ProductId>, Json(new): Json<NewProduct>, state: Data<State>) -> Result<HttpResponse> {
    edit(id, Json(new.into()), state).await
}

pub async fn edit(id: PathId<ProductId>, Json(patch): Json<ProductPatch>, state: Data<State>) -> Result<HttpResponse> {
    let (id, outbox) = (id.or(&PRODUCT_NOT_FOUND)?, state.outbox);
    let product = state.db.write(move |tx| store::update(tx, &outbox, id, &patch)).await?;
    Ok(web::ok(&product.ok_or_else(|| unknown(id))?))
}

pub async fn remove(id: PathId<ProductId>, state: Data<State>) -> Result<HttpResponse> {
    let id = id.or(&PRODUCT_NOT_FOUND)?;
    if state.db.write(move |tx| store::delete(tx, id)).await? { Ok(web::no_content()) } else { Err(unknown(id)) }
}

pub async fn levels(id: PathId<ProductId>, state: Data<State>) -> Result<HttpResponse> {
    let id = id.or(&PRODUCT_NOT_FOUND)?;
    let levels = state.db.read(move |tx| stock::levels(tx, id)).await?;
    Ok(web::ok(&levels.ok_or_else(|| unknown(id))?))
}

pub async fn set_stock(id: PathId<ProductId>, Json(new): Json<NewStock>, state: Data<State>) -> Result<HttpResponse> {
    let (id, outbox) = (id.or(&PRODUCT_NOT_FOUND)?, state.outbox);
    let levels = state.db.write(move |tx| match new {
        NewStock::Set(set) => stock::set(tx, &outbox, id, set.stock.get()),
        NewStock::Change(by) => stock::change(tx, &outbox, id, by.change.get()),
        NewStock::Quantity(by) => stock::change(tx, &outbox, id, by.quantity.get()),
    });
    Ok(web::ok(&levels.await?.ok_or_else(|| unknown(id))?))
}

pub async fn check_stock(request: HttpRequest, id: PathId<ProductId>, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let quantity = query.field("quantity").unwrap_or(Quantity::ONE);
    query.finish()?;
    let id = id.or(&PRODUCT_NOT_FOUND)?;
    let product = state.db.read(move |tx| store::find(tx, id)).await?.ok_or_else(|| unknown(id))?;
    let available = product.stock.is_none_or(|stock| stock >= quantity.get());
    Ok(web::ok(&StockCheck { product_id: id, quantity, stock: product.stock, available }))
}

pub async fn reserve(key: PathKey, Json(new): Json<NewReservation>, state: Data<State>) -> Result<HttpResponse> {
    let (key, outbox) = (key.or(&RESERVATION_NOT_FOUND)?, state.outbox);
    Ok(web::ok(&state.db.write(move |tx| stock::reserve(tx, &outbox, &key, &new.items)).await?))
}

/// The reservations by their keys, for a comparison with other services.
pub async fn records(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, &[Sort::Name]).scans(|_| true);
    query.finish()?;
    web::list::<ReservationRecord>(&request, &state.db, page, store::invariants::records).await
}

pub async fn commit(key: PathKey, state: Data<State>) -> Result<HttpResponse> {
    let (key, now) = (key.or(&RESERVATION_NOT_FOUND)?, state.clock.now());
    Ok(web::ok(&state.db.write(move |tx| stock::commit(tx, &key, now)).await?))
}

pub async fn release(key: PathKey, state: Data<State>) -> Result<HttpResponse> {
    let (key, now, outbox) = (key.or(&RESERVATION_NOT_FOUND)?, state.clock.now(), state.outbox);
    state.db.write(move |tx| stock::release(tx, &outbox, &key, now)).await?;
    Ok(web::no_content())
}
