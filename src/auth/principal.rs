//! Principals: who makes a request.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{UnknownName, UserId};
use crate::error::{Error, Result, TOKEN_MISSING};

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

    /// With its article, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Customer => "a customer",
            Self::Admin => "an admin",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let found = [Self::Customer, Self::Admin].into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| UnknownName::new(text, "a role"))
    }
}

/// Who makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A request without a token.
    Nobody,
    User(UserPrincipal),
    /// Another service of this shop.
    Service,
}

/// A user who has authenticated with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserPrincipal {
    pub id: UserId,
    pub role: Role,
    /// The version of the user's credentials when the token was made.
    pub version: i64,
}

impl Principal {
    /// The user; [`TOKEN_MISSING`] if the principal is not a user. On a route for `Access::Account` it always is.
    pub fn user(self) -> Result<UserPrincipal> {
        match self {
            Self::User(user) => Ok(user),
            Self::Nobody | Self::Service => Err(Error::new(&TOKEN_MISSING)),
        }
    }

    /// The subject under which Idempotency-Keys are stored. No two principals share one.
    pub fn subject(self) -> String {
        match self {
            Self::Nobody => String::new(),
            Self::User(user) => user.id.to_string(),
            Self::Service => "service".to_owned(),
        }
    }
}

/// For the log.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::User(UserPrincipal { id, role: Role::Customer, .. }) => write!(f, "user:{id}"),
            Self::User(UserPrincipal { id, role: Role::Admin, .. }) => write!(f, "admin:{id}"),
            Self::Service => f.write_str("service"),
        }
    }
}
