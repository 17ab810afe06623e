//! Whom a request speaks for.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
