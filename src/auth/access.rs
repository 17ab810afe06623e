//! Who may make a request, and whose objects they may see.

use super::principal::{Principal, Role, UserPrincipal};
use crate::domain::{Sentence, UserId};
use crate::storage::Param;

/// The objects that a request may see and change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    All,
    /// The objects of this user.
    Of(UserId),
}

impl Scope {
    /// Whether it includes the objects of this user.
    pub fn includes(self, user_id: UserId) -> bool {
        match self {
            Self::All => true,
            Self::Of(id) => id == user_id,
        }
    }
}

/// For the condition `user_id = coalesce($n, user_id)`.
impl From<Scope> for Param<'_> {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::All => Self::Null,
            Scope::Of(id) => id.into(),
        }
    }
}

/// Who may make a request where a login is required. An admin always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody. A token is ignored.
    Anyone,
    Admin,
    /// Users, for their own objects.
    User,
    /// Other services.
    Service,
    UserOrService,
    /// Users, for their own account. The token names the account, so one is needed even where no login is
    /// required.
    Account,
    /// Like [`Self::User`], or anybody with a ticket in the query.
    Stream,
    /// An admin, or anybody with a ticket of an admin's in the query.
    AdminStream,
}

impl Access {
    pub fn admits(self, principal: Principal) -> bool {
        match principal {
            Principal::User(UserPrincipal { role: Role::Admin, .. }) => true,
            Principal::User(_) => {
                matches!(self, Self::Anyone | Self::User | Self::UserOrService | Self::Account | Self::Stream)
            }
            Principal::Service => matches!(self, Self::Anyone | Self::Service | Self::UserOrService),
            Principal::Nobody => self == Self::Anyone,
        }
    }

    /// Whether a request needs a token. `required`: whether a login is required.
    pub fn needs_token(self, required: bool) -> bool {
        match self {
            Self::Anyone => false,
            Self::Account => true,
            _ => required,
        }
    }

    /// Whether a ticket in the query does for a token.
    pub fn takes_ticket(self) -> bool {
        matches!(self, Self::Stream | Self::AdminStream)
    }

    /// The rule in words, for the documentation.
    pub fn words(self) -> Sentence {
        match self {
            Self::Anyone => Sentence::new("siapa saja", "anyone"),
            Self::Admin => Sentence::new("admin", "an admin"),
            Self::User => Sentence::new("user, atas miliknya sendiri; admin", "a user, for what is theirs; an admin"),
            Self::Service => Sentence::new("service lain; admin", "another service; an admin"),
            Self::UserOrService => Sentence::new(
                "user, atas miliknya sendiri; service lain; admin",
                "a user, for what is theirs; another service; an admin",
            ),
            Self::Account => Sentence::new("user, tentang akunnya sendiri", "a user, about their own account"),
            Self::Stream => Sentence::new(
                "user, atas miliknya sendiri, atau pemegang tiketnya; admin",
                "a user, for what is theirs, or whoever has a ticket of theirs; an admin",
            ),
            Self::AdminStream => Sentence::new(
                "admin, atau pemegang tiket seorang admin",
                "an admin, or whoever has a ticket of an admin's",
            ),
        }
    }
}

/// The principal of an admitted request, and the objects that it may see.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    pub principal: Principal,
    pub scope: Scope,
}
