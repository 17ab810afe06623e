//! The decision whether to admit a request.

use super::access::{Access, Admission, Scope};
use super::principal::{Principal, Role, UserPrincipal};
use super::token::Tokens;
use crate::domain::UserId;
use crate::error::{Error, NOT_ALLOWED, Result, TOKEN_REVOKED};
use crate::storage::{Db, Tx};

/// Whether a user's token of a version is valid, as a service knows it.
pub type TokenCheck = fn(&Tx<'_>, user_id: UserId, version: i64) -> Result<bool>;

/// How a server authenticates and authorizes requests.
#[derive(Clone)]
pub struct Auth {
    /// Whether a login is required (`AUTH=required`).
    pub required: bool,
    pub tokens: Tokens,
    pub token_check: TokenCheck,
    /// The services on this server.
    pub services: Vec<&'static str>,
}

impl Auth {
    /// Admits a request; [`TOKEN_REVOKED`] or [`NOT_ALLOWED`] otherwise.
    pub async fn admit(&self, access: Access, principal: Principal, db: &Db) -> Result<Admission> {
        self.check(principal, db).await?;
        if access.needs_token(self.required) && !access.admits(principal) {
            return Err(Error::new(&NOT_ALLOWED).detail(format!("this is for {}", access.words().en)));
        }
        let scope = match principal {
            Principal::User(UserPrincipal { id, role: Role::Customer, .. }) if self.required => Scope::Of(id),
            _ => Scope::All,
        };
        Ok(Admission { principal, scope })
    }

    /// Whether a principal's token is still valid; [`TOKEN_REVOKED`] if not. A request is checked again after its
    /// body, and during a long answer: its token may have been revoked meanwhile.
    pub async fn check(&self, principal: Principal, db: &Db) -> Result<()> {
        let Principal::User(UserPrincipal { id, version, .. }) = principal else { return Ok(()) };
        let is_current = self.token_check;
        if db.read(move |tx| is_current(tx, id, version)).await? { Ok(()) } else { Err(Error::new(&TOKEN_REVOKED)) }
    }
}
