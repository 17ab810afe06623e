//! The handlers of the routes.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::api::{NewUser, Notification, User, UserPatch, UserRemoval};
use super::state::State;
use super::stream::NotificationSource;
use super::{accounts, store, stream};
use crate::auth::{Admission, Scope};
use crate::domain::{Language, UserId};
use crate::error::{Error, Result, USER_NOT_FOUND};
use crate::storage::{Cursor, Sort, Tx};
use crate::web::{self, ClientAddress, Json, LastEventId, OptionalJson, Page, PathId, Query, Server};

pub async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, &[Sort::Id]);
    query.finish()?;
    web::list::<User>(&request, &state.db, page, store::list).await
}

pub async fn show(scope: Scope, id: PathId<UserId>, state: Data<State>) -> Result<HttpResponse> {
    Ok(web::ok(&find(id, scope, &state).await?))
}

fn unknown(id: UserId) -> Error {
    Error::new(&USER_NOT_FOUND).detail(format!("there is no user {id}"))
}

async fn find(id: PathId<UserId>, scope: Scope, state: &State) -> Result<User> {
    let id = id.or(&USER_NOT_FOUND)?;
    let user = state.db.read(move |tx| store::find(tx, id, scope)).await?;
    user.ok_or_else(|| unknown(id))
}

pub async fn edit(
    Admission { principal, scope }: Admission,
    id: PathId<UserId>,
    Json(patch): Json<UserPatch>,
    client: ClientAddress,
    state: Data<State>,
) -> Result<HttpResponse> {
    let id = id.or(&USER_NOT_FOUND)?;
    let user = accounts::update(&state, principal, &client, id, scope, patch).await?;
    Ok(web::ok(&user.ok_or_else(|| unknown(id))?))
}

pub async fn remove(
    Admission { principal, scope }: Admission,
    id: PathId<UserId>,
    OptionalJson(removal): OptionalJson<UserRemoval>,
    client: ClientAddress,
    state: Data<State>,
) -> Result<HttpResponse> {
    let (id, now, outbox) = (id.or(&USER_NOT_FOUND)?, state.clock.now(), state.outbox);
    let attempt = removal.unwrap_or_default().current_password;
    let proof = accounts::confirm_password(&state, principal, &client, id, scope, attempt).await?;
    let delete = move |tx: &Tx<'_>| {
        proof.check(tx, id)?;
        store::delete(tx, &outbox, id, scope, now)
    };
    if state.db.write(delete).await? { Ok(web::no_content()) } else { Err(unknown(id)) }
}

pub async fn create(Json(new): Json<NewUser>, state: Data<State>) -> Result<HttpResponse> {
    let outbox = state.outbox;
    let user = state.db.write(move |tx| store::insert(tx, &outbox, &new)).await?;
    Ok(web::created(&format!("/users/{}", user.id), &user))
}

pub async fn notifications(
    request: HttpRequest,
    scope: Scope,
    id: PathId<UserId>,
    language: Language,
    state: Data<State>,
) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, &[Sort::Id]);
    query.finish()?;
    let user_id = find(id, scope, &state).await?.id;
    let fetch = move |tx: &Tx<'_>, _: Sort, after: Option<&Cursor>, limit| {
        let records = store::notifications(tx, user_id, after.map_or(0, |cursor| cursor.id), limit)?;
        Ok(records.into_iter().map(|record| stream::notification(record, language)).collect())
    };
    Ok(web::in_language(language, web::list::<Notification>(&request, &state.db, page, fetch).await?))
}

pub async fn live_notifications(
    request: HttpRequest,
    Admission { principal, scope }: Admission,
    id: PathId<UserId>,
    language: Language,
    last: LastEventId,
    server: Data<Server>,
    state: Data<State>,
) -> Result<HttpResponse> {
    let last = last.or_of_query(&request)?.unwrap_or(0);
    let user_id = find(id, scope, &state).await?.id;
    let source = NotificationSource::after(&state, user_id, last, language).await?;
    let messages = web::follow(&server.auth, &state.db, principal, source);
    Ok(web::in_language(language, server.live.answer(&request, principal, messages)?))
}
