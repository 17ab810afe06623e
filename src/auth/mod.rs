//! Who makes a request, and what they may do.
//!
//! Each route says in its `Doc` who may call it ([`Access`]); `web::front::guard` asks [`Auth::admit`] before the
//! handler runs. What belongs to somebody is found within a [`Scope`], which goes into the `WHERE` of the query:
//! another's object is simply not there.

pub mod revocations;
pub mod token;

use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, NOT_ALLOWED, Result, TOKEN_MALFORMED, TOKEN_MISSING, TOKEN_REVOKED};
use crate::storage::{Db, Param, Tx};
use token::Tokens;

/// The longest token that is looked at, in bytes; ours have some 300.
const LONGEST: usize = 4096;

/// What somebody is in the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Customer,
    Admin,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Admin => "admin",
        }
    }

    /// A role as it was stored.
    pub fn stored(text: &str) -> Result<Self> {
        let found = [Self::Customer, Self::Admin].into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| Error::internal(anyhow::anyhow!("{text} is not a role")))
    }

    /// With its article, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Customer => "a customer",
            Self::Admin => "an admin",
        }
    }
}

/// Whom a request speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Nobody in particular.
    Nobody,
    User(Holder),
    /// One of our own processes.
    Service,
}

/// A user who has shown a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    pub id: i64,
    pub role: Role,
    /// The version of the credentials that the token was made with.
    pub version: i64,
}

impl Principal {
    /// The user; [`TOKEN_MISSING`] if it is none. On a route for [`Access::Account`] there always is one.
    pub fn user(self) -> Result<Holder> {
        match self {
            Self::User(holder) => Ok(holder),
            Self::Nobody | Self::Service => Err(Error::new(&TOKEN_MISSING)),
        }
    }

    /// Its name in the storage's books: users, services and nobody never meet.
    pub fn subject(self) -> String {
        match self {
            Self::Nobody => String::new(),
            Self::User(holder) => holder.id.to_string(),
            Self::Service => "service".to_owned(),
        }
    }
}

/// For the log.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::User(Holder { id, role: Role::Customer, .. }) => write!(f, "user:{id}"),
            Self::User(Holder { id, role: Role::Admin, .. }) => write!(f, "admin:{id}"),
            Self::Service => f.write_str("service"),
        }
    }
}

/// Whose objects a request may see and change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    All,
    /// Those of this user.
    Of(i64),
}

impl Scope {
    /// Whether what belongs to this user is within it.
    pub fn holds(self, user_id: i64) -> bool {
        match self {
            Self::All => true,
            Self::Of(id) => id == user_id,
        }
    }
}

/// For `user_id = coalesce($n, user_id)`.
impl From<Scope> for Param<'_> {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::All => Self::Null,
            Scope::Of(id) => Self::Int(id),
        }
    }
}

/// Who may make a call where one has to log in. An admin always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever likes to; a token is not even looked at.
    Anyone,
    Admin,
    /// Users, for what is theirs.
    User,
    /// Other services.
    Service,
    UserOrService,
    /// Users, about their own account: there is nothing that it could mean without one, so that it needs a
    /// token even where nobody has to log in.
    Account,
    /// Like `User`, or by a ticket in the query.
    Stream,
}

impl Access {
    fn admits(self, principal: Principal) -> bool {
        match principal {
            Principal::User(Holder { role: Role::Admin, .. }) => true,
            Principal::User(_) => {
                matches!(self, Self::Anyone | Self::User | Self::UserOrService | Self::Account | Self::Stream)
            }
            Principal::Service => matches!(self, Self::Anyone | Self::Service | Self::UserOrService),
            Principal::Nobody => self == Self::Anyone,
        }
    }

    /// Whether a request must say who makes it.
    pub fn needs_token(self, required: bool) -> bool {
        match self {
            Self::Anyone => false,
            Self::Account => true,
            _ => required,
        }
    }

    /// In words, for the documentation.
    pub fn words(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Admin => "an admin",
            Self::User => "a user, for what is theirs; an admin",
            Self::Service => "another service; an admin",
            Self::UserOrService => "a user, for what is theirs; another service; an admin",
            Self::Account => "a user, about their own account",
            Self::Stream => "a user, for what is theirs, or whoever has a ticket of theirs; an admin",
        }
    }
}

/// Whether a user's token of a version counts, as a service knows it.
pub type IsCurrent = fn(&Tx<'_>, user_id: i64, version: i64) -> Result<bool>;

/// Who makes a request, and whose objects they may see.
#[derive(Clone, Copy, Debug)]
pub struct Admitted {
    pub principal: Principal,
    pub scope: Scope,
}

/// How a server finds out who asks.
#[derive(Clone)]
pub struct Auth {
    /// Whether one has to log in (`AUTH=required`).
    pub required: bool,
    pub tokens: Tokens,
    pub is_current: IsCurrent,
    /// The services that the server answers for.
    pub services: Vec<&'static str>,
}

impl Auth {
    /// Who makes a request, by what it shows. `None` where it does not matter: nothing is even looked at there.
    pub fn identify(&self, access: Access, headers: &HeaderMap, query: &str) -> Result<Option<Principal>> {
        if access == Access::Anyone {
            return Ok(None);
        }
        let ticket = if access == Access::Stream { ticket(query)? } else { None };
        let needed = access.needs_token(self.required);
        match (bearer(headers, needed)?, ticket) {
            (Some(_), Some(_)) => Err(Error::new(&TOKEN_MALFORMED).detail("there is a ticket and a token")),
            (Some(token), None) => self.tokens.read(token, &self.services).map(Some),
            (None, Some(ticket)) => self.tokens.read_ticket(&ticket).map(Some),
            (None, None) if needed => Err(Error::new(&TOKEN_MISSING)),
            (None, None) => Ok(Some(Principal::Nobody)),
        }
    }

    /// Whose objects somebody may see who makes a request, or why they may not make it.
    pub async fn admit(&self, access: Access, principal: Principal, db: &Db) -> Result<Admitted> {
        self.check(principal, db).await?;
        if access.needs_token(self.required) && !access.admits(principal) {
            return Err(Error::new(&NOT_ALLOWED).detail(format!("this is for {}", access.words())));
        }
        let scope = match principal {
            Principal::User(Holder { id, role: Role::Customer, .. }) if self.required => Scope::Of(id),
            _ => Scope::All,
        };
        Ok(Admitted { principal, scope })
    }

    /// Whether a principal's token still counts; [`TOKEN_REVOKED`] if not. Whoever takes their time, with a body or
    /// with a long answer, is looked at again.
    pub async fn check(&self, principal: Principal, db: &Db) -> Result<()> {
        let Principal::User(Holder { id, version, .. }) = principal else { return Ok(()) };
        let is_current = self.is_current;
        if db.read(move |tx| is_current(tx, id, version)).await? { Ok(()) } else { Err(Error::new(&TOKEN_REVOKED)) }
    }
}

/// The token of an `Authorization` header (RFC 6750, 2.1), if there is such a header. Another scheme is meant for
/// somebody else, a proxy say, unless a token is `needed`.
fn bearer(headers: &HeaderMap, needed: bool) -> Result<Option<&str>> {
    let malformed = |why: &str| Error::new(&TOKEN_MALFORMED).detail(why);
    let mut values = headers.get_all(header::AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed("the header is repeated"));
    }
    let value = value.to_str().map_err(|_| malformed("it is not ASCII"))?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Some(token.trim())
                .filter(|token| token.len() <= LONGEST)
                .map(Some)
                .ok_or_else(|| malformed("it is too long"))
        }
        Some((scheme, _)) if !needed && !scheme.eq_ignore_ascii_case("bearer") => Ok(None),
        _ => Err(malformed("it is not of the form Bearer <token>")),
    }
}

/// The `ticket` of a query, if it has one.
fn ticket(query: &str) -> Result<Option<String>> {
    let mut tickets = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "ticket");
    match (tickets.next(), tickets.next()) {
        (None, _) => Ok(None),
        (Some((_, ticket)), None) if ticket.len() <= LONGEST => Ok(Some(ticket.into_owned())),
        _ => Err(Error::new(&TOKEN_MALFORMED).detail("the ticket is repeated or too long")),
    }
}

impl Admitted {
    /// What the guard has found out. Without it, nothing is allowed.
    fn to(request: &HttpRequest) -> Result<Self> {
        let found = request.extensions().get::<Self>().copied();
        found.ok_or_else(|| Error::internal(anyhow::anyhow!("nobody was admitted to {}", request.path())))
    }
}

impl Principal {
    /// Who makes a request.
    pub fn of(request: &HttpRequest) -> Result<Self> {
        Admitted::to(request).map(|admitted| admitted.principal)
    }
}

impl FromRequest for Admitted {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::to(request))
    }
}

impl FromRequest for Principal {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl FromRequest for Scope {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Admitted::to(request).map(|admitted| admitted.scope))
    }
}
