//! What each route does.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::api::{NewUser, User};
use super::{State, store};
use crate::error::{Error, Result, USER_NOT_FOUND};
use crate::web::{self, Json, Page, PathId, Query, Sort};

pub async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, Sort::Oldest);
    query.finish()?;
    web::list::<User>(&request, &state.db, page, store::list).await
}

pub async fn show(id: PathId, state: Data<State>) -> Result<HttpResponse> {
    let id = id.or(&USER_NOT_FOUND)?.get();
    let user = state.db.read(move |tx| store::find(tx, id)).await?;
    let user = user.ok_or_else(|| Error::new(&USER_NOT_FOUND).detail(format!("there is no user {id}")))?;
    Ok(web::ok(&user))
}

pub async fn create(Json(new): Json<NewUser>, state: Data<State>) -> Result<HttpResponse> {
    let user = state.db.write(move |tx| store::insert(tx, &new)).await?;
    Ok(web::created(&format!("/users/{}", user.id), &user))
}
