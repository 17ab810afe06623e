//! The handlers of accounts: registration, login, profile, password and tokens.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::api::{Login, NewUser, PasswordChange, Profile, Registration, Session, StreamTicket, User, UserPatch};
use super::limits::AccountKey;
use super::password::Attempt;
use super::state::State;
use super::store;
use super::store::Account;
use crate::auth::{Principal, Role, Scope, UserPrincipal, token};
use crate::domain::{Patch, Sentence, UserId};
use crate::error::{EMAIL_TAKEN, Error, INVALID_FIELDS, Result, TOKEN_REVOKED, WRONG_CREDENTIALS};
use crate::storage::Tx;
use crate::web::{self, ClientAddress, Json};

pub async fn register(
    Json(new): Json<Registration>,
    client: ClientAddress,
    state: Data<State>,
) -> Result<HttpResponse> {
    let slot = state.passwords.queue_registration(client.0).await?;
    let key = new.email.key();
    // This saves the hash. The write below decides.
    if state.db.read(move |tx| store::with_email(tx, &key)).await?.is_some() {
        return Err(Error::new(&EMAIL_TAKEN));
    }
    let password_hash = state.passwords.hash(&slot, new.password).await?;
    let new = NewUser { name: new.name, email: Some(new.email), phone: new.phone };
    let outbox = state.outbox;
    let (user, account) = state
        .db
        .write(move |tx| {
            let user = store::insert(tx, &outbox, &new)?;
            let account = store::open_account(tx, user.id, &password_hash)?;
            Ok((user, account))
        })
        .await?;
    let location = format!("/users/{}", user.id);
    Ok(web::no_store(web::created(&location, &session(&state, user, &account)?)))
}

pub async fn login(Json(login): Json<Login>, client: ClientAddress, state: Data<State>) -> Result<HttpResponse> {
    let key = login.email.key();
    let (account_key, found) = state
        .db
        .read(move |tx| {
            let Some(user) = store::with_email(tx, &key)? else { return Ok((AccountKey::Unknown(key), None)) };
            Ok((AccountKey::User(user.id), store::account(tx, user.id)?.map(|account| (user, account))))
        })
        .await?;
    let slot = state.passwords.queue_attempt(&account_key, client.0).await?;
    let hash = found.as_ref().map(|(_, account)| account.password_hash.clone());
    let matches = state.passwords.verify(&slot, login.password, hash).await?;
    let (user, account) = found.filter(|_| matches).ok_or_else(|| Error::new(&WRONG_CREDENTIALS))?;
    Ok(web::no_store(web::ok(&session(&state, user, &account)?)))
}

fn session(state: &State, user: User, &Account { user_id, role, version, .. }: &Account) -> Result<Session> {
    let access_token = state.tokens.of_user(user_id, role, version)?;
    let user = Profile { user, role };
    Ok(Session { access_token, token_type: "Bearer", expires_in: token::TOKEN_TTL.as_secs(), user })
}

pub async fn show(principal: Principal, state: Data<State>) -> Result<HttpResponse> {
    let UserPrincipal { id, role, .. } = principal.user()?;
    let user = state.db.read(move |tx| store::find(tx, id, Scope::Of(id))).await?;
    let user = user.ok_or_else(|| Error::new(&TOKEN_REVOKED))?;
    Ok(web::ok(&Profile { user, role }))
}

pub async fn edit(
    principal: Principal,
    Json(patch): Json<UserPatch>,
    client: ClientAddress,
    state: Data<State>,
) -> Result<HttpResponse> {
    let UserPrincipal { id, role, .. } = principal.user()?;
    let user = update(&state, principal, &client, id, Scope::Of(id), patch).await?;
    let user = user.ok_or_else(|| Error::new(&TOKEN_REVOKED))?;
    Ok(web::ok(&Profile { user, role }))
}

/// Edits a user within `scope`; `None` if there is none. A new e-mail address needs [`confirm_password`].
pub async fn update(
    state: &State,
    principal: Principal,
    client: &ClientAddress,
    id: UserId,
    scope: Scope,
    mut patch: UserPatch,
) -> Result<Option<User>> {
    let attempt = patch.current_password.take();
    let proof = match patch.email {
        Patch::Set(_) => confirm_password(state, principal, client, id, scope, attempt).await?,
        // `store::update` refuses to remove the address of an account.
        Patch::Keep | Patch::Remove => PasswordProof(None),
    };
    let outbox = state.outbox;
    let update = move |tx: &Tx<'_>| {
        proof.check(tx, id)?;
        store::update(tx, &outbox, id, scope, &patch)
    };
    state.db.write(update).await
}

/// The permission to change a user's credentials: the hash of the password that the request proved; `None` if it needed
/// none.
pub struct PasswordProof(Option<String>);

impl PasswordProof {
    /// Must be called in the transaction of the change: the password may have been changed after it was proved.
    pub fn check(&self, tx: &Tx<'_>, id: UserId) -> Result<()> {
        match &self.0 {
            Some(hash) if store::account(tx, id)?.is_none_or(|account| account.password_hash != *hash) => {
                Err(wrong_password())
            }
            _ => Ok(()),
        }
    }
}

/// Checks the password of a user within `scope` who has an account, unless an admin acts on another's account. So
/// nobody can take over an account with a stolen token, or without one where no login is required.
pub async fn confirm_password(
    state: &State,
    principal: Principal,
    client: &ClientAddress,
    id: UserId,
    scope: Scope,
    attempt: Option<Attempt>,
) -> Result<PasswordProof> {
    let by_admin = matches!(principal, Principal::User(UserPrincipal { id: own, role: Role::Admin, .. }) if own != id);
    if by_admin || !scope.includes(id) {
        return Ok(PasswordProof(None));
    }
    let Some(account) = state.db.read(move |tx| store::account(tx, id)).await? else { return Ok(PasswordProof(None)) };
    let attempt = attempt.ok_or_else(|| {
        let why = Sentence::new("wajib diisi: pengguna ini memiliki akun", "is required: the user has an account");
        Error::new(&INVALID_FIELDS).field("current_password", why)
    })?;
    let slot = state.passwords.queue_attempt(&AccountKey::User(id), client.0).await?;
    if state.passwords.verify(&slot, attempt, Some(account.password_hash.clone())).await? {
        Ok(PasswordProof(Some(account.password_hash)))
    } else {
        Err(wrong_password())
    }
}

fn wrong_password() -> Error {
    let why = Sentence::new("bukan kata sandi saat ini", "is not the present password");
    Error::new(&INVALID_FIELDS).field("current_password", why)
}

pub async fn change_password(
    principal: Principal,
    Json(change): Json<PasswordChange>,
    client: ClientAddress,
    state: Data<State>,
) -> Result<HttpResponse> {
    let UserPrincipal { id, version, .. } = principal.user()?;
    // A stolen token must not allow more attempts than a login.
    let slot = state.passwords.queue_attempt(&AccountKey::User(id), client.0).await?;
    let account = state.db.read(move |tx| store::account(tx, id)).await?;
    let account = account.ok_or_else(|| Error::new(&TOKEN_REVOKED))?;
    if !state.passwords.verify(&slot, change.current_password, Some(account.password_hash)).await? {
        return Err(wrong_password());
    }
    let hash = state.passwords.hash(&slot, change.new_password).await?;
    let (now, outbox) = (state.clock.now(), state.outbox);
    if !state.db.write(move |tx| store::set_password(tx, &outbox, id, version, &hash, now)).await? {
        return Err(Error::new(&TOKEN_REVOKED));
    }
    Ok(web::no_content())
}

pub async fn logout(principal: Principal, state: Data<State>) -> Result<HttpResponse> {
    let (UserPrincipal { id, .. }, now, outbox) = (principal.user()?, state.clock.now(), state.outbox);
    state.db.write(move |tx| store::revoke_tokens(tx, &outbox, id, now)).await?;
    Ok(web::no_content())
}

pub async fn ticket(principal: Principal, state: Data<State>) -> Result<HttpResponse> {
    let UserPrincipal { id, role, version } = principal.user()?;
    let ticket = state.tokens.ticket(id, role, version)?;
    Ok(web::no_store(web::ok(&StreamTicket { ticket, expires_in: token::TICKET_TTL.as_secs() })))
}
