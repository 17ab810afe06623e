//! Who may make which call, and whose objects they may see.

use super::principal::{Principal, Role, UserPrincipal};
use crate::domain::UserId;
use crate::storage::Param;

/// Whose objects a request may see and change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    All,
    /// Those of this user.
    Of(UserId),
}

impl Scope {
    /// Whether what belongs to this user is within it.
    pub fn holds(self, user_id: UserId) -> bool {
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
            Scope::Of(id) => id.into(),
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
    pub(super) fn admits(self, principal: Principal) -> bool {
        match principal {
            Principal::User(UserPrincipal { role: Role::Admin, .. }) => true,
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

/// Who makes a request, and whose objects they may see.
#[derive(Clone, Copy, Debug)]
pub struct Admitted {
    pub principal: Principal,
    pub scope: Scope,
}
