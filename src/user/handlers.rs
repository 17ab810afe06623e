//! What each route does.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::api::{NewUser, Notification, User};
use super::{State, store, stream};
use crate::error::{Error, Result, USER_NOT_FOUND};
use crate::storage::Tx;
use crate::web::{self, Json, Language, LastEventId, Page, PathId, Place, Query, Server, Sort};

pub async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, &[Sort::Id]);
    query.finish()?;
    web::list::<User>(&request, &state.db, page, store::list).await
}

pub async fn show(id: PathId, state: Data<State>) -> Result<HttpResponse> {
    Ok(web::ok(&find(id, &state).await?))
}

async fn find(id: PathId, state: &State) -> Result<User> {
    let id = id.or(&USER_NOT_FOUND)?.get();
    let user = state.db.read(move |tx| store::find(tx, id)).await?;
    user.ok_or_else(|| Error::new(&USER_NOT_FOUND).detail(format!("there is no user {id}")))
}

pub async fn create(Json(new): Json<NewUser>, state: Data<State>) -> Result<HttpResponse> {
    let user = state.db.write(move |tx| store::insert(tx, &new)).await?;
    Ok(web::created(&format!("/users/{}", user.id), &user))
}

pub async fn notifications(
    request: HttpRequest,
    id: PathId,
    language: Language,
    state: Data<State>,
) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, &[Sort::Id]);
    query.finish()?;
    let user_id = find(id, &state).await?.id;
    let fetch = move |tx: &Tx<'_>, _: Sort, after: Option<&Place>, limit| {
        store::notifications(tx, user_id, after.map_or(0, |place| place.id), limit, language)
    };
    Ok(web::in_language(language, web::list::<Notification>(&request, &state.db, page, fetch).await?))
}

pub async fn live_notifications(
    id: PathId,
    language: Language,
    last: LastEventId,
    server: Data<Server>,
    state: Data<State>,
) -> Result<HttpResponse> {
    let user_id = find(id, &state).await?.id;
    Ok(web::in_language(language, server.live.answer(stream::of(&state, user_id, last.0, language))?))
}
