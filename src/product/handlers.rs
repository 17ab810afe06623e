//! What each route does.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::api::{ADDED, Added, NewProduct, Product};
use super::{State, store};
use crate::error::{Error, PRODUCT_NOT_FOUND, Result};
use crate::web::{self, Json, Page, PathId, Query, Sort};

pub async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, Sort::Oldest);
    query.finish()?;
    web::list::<Product>(&request, &state.db, page, store::list).await
}

pub async fn show(id: PathId, state: Data<State>) -> Result<HttpResponse> {
    let id = id.or(&PRODUCT_NOT_FOUND)?.get();
    let product = state.db.read(move |tx| store::find(tx, id)).await?;
    let product = product.ok_or_else(|| Error::new(&PRODUCT_NOT_FOUND).detail(format!("there is no product {id}")))?;
    Ok(web::ok(&product))
}

pub async fn create(Json(new): Json<NewProduct>, state: Data<State>) -> Result<HttpResponse> {
    let product = state.db.write(move |tx| store::insert(tx, &new)).await?;
    let location = format!("/products/{}", product.id);
    Ok(web::created(&location, &Added { message: ADDED.to_owned(), product }))
}
