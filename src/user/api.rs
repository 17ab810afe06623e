//! What goes over the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::password::{Attempt, Password};
use crate::auth::Role;
use crate::clock::rfc3339;
use crate::order::api::Status;
use crate::web::{Body, Email, Fields, Language, Listed, Name, Patch, Phone, Place, Sort, SortKey};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    pub id: i64,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub phone: Option<String>,
}

impl Listed for User {
    fn response(&self) -> impl Serialize {
        self
    }

    fn place(&self, _: Sort) -> Place {
        Place { key: SortKey::None, id: self.id }
    }
}

/// That an order of the user has reached a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    /// Counts up per user, from 1.
    pub id: i64,
    pub order_id: i64,
    pub status: Status,
    /// The status as people say it.
    pub label: String,
    pub message: String,
    #[schema(format = DateTime)]
    pub at: String,
}

impl Notification {
    /// `at`: epoch milliseconds.
    pub fn new(id: i64, order_id: i64, status: Status, at: i64, language: Language) -> Self {
        let label = language.pick(&status.label()).to_owned();
        let message = match language {
            Language::Indonesian => format!("Pesanan {order_id}: {label}."),
            Language::English => format!("Order {order_id}: {label}."),
        };
        Self { id, order_id, status, label, message, at: rfc3339(at) }
    }
}

impl Listed for Notification {
    fn response(&self) -> impl Serialize {
        self
    }

    fn place(&self, _: Sort) -> Place {
        Place { key: SortKey::None, id: self.id }
    }
}

/// The body of `POST /users`.
#[derive(Clone, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    pub name: Name,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
}

/// The body of `PATCH /users/{id}` and `PATCH /auth/me`: what is not named stays as it is.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 0)]
pub struct UserPatch {
    #[schema(value_type = Option<Name>, nullable = false)]
    pub name: Option<Name>,
    /// Null: none any more. Whoever logs in needs one.
    #[schema(value_type = Option<Email>)]
    pub email: Patch<Email>,
    /// Null: none any more.
    #[schema(value_type = Option<Phone>)]
    pub phone: Patch<Phone>,
    /// Of a user who has an account: needed to change `email`, unless an admin changes another's.
    #[schema(value_type = Option<String>)]
    pub current_password: Option<Attempt>,
}

impl Body for UserPatch {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.has("name").then(|| fields.required("name"));
        let email = fields.patch("email");
        let phone = fields.patch("phone");
        let current_password = fields.optional("current_password");
        let name = match name {
            Some(name) => Some(name?),
            None => None,
        };
        Some(Self { name, email: email?, phone: phone?, current_password: current_password? })
    }
}

/// The body of `DELETE /users/{id}`, which may be absent.
#[derive(Default, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 0)]
pub struct Removal {
    /// Of a user who has an account: needed, unless an admin removes another's.
    #[schema(value_type = Option<String>)]
    pub current_password: Option<Attempt>,
}

impl Body for Removal {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { current_password: fields.optional("current_password")? })
    }
}

/// A user with what only they see of themselves.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    #[serde(flatten)]
    pub user: User,
    pub role: Role,
}

/// What a client that has logged in goes on with (RFC 6749, 5.1).
#[derive(Serialize, ToSchema)]
pub struct Session {
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds that the token counts.
    pub expires_in: u64,
    pub user: Profile,
}

/// What opens a live stream for a client that can't send headers.
#[derive(Serialize, ToSchema)]
pub struct Ticket {
    pub ticket: String,
    /// Seconds within which the stream must be opened.
    pub expires_in: u64,
}

/// The body of `POST /auth/register`.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    pub name: Name,
    pub email: Email,
    pub password: Password,
    pub phone: Option<Phone>,
}

impl Body for Registration {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name");
        let email = fields.required("email");
        let password = fields.required("password");
        let phone = fields.optional("phone");
        Some(Self { name: name?, email: email?, password: password?, phone: phone? })
    }
}

/// The body of `POST /auth/login`.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub email: Email,
    #[schema(value_type = String)]
    pub password: Attempt,
}

impl Body for Login {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email");
        let password = fields.required("password");
        Some(Self { email: email?, password: password? })
    }
}

/// The body of `PUT /auth/me/password`.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    #[schema(value_type = String)]
    pub current_password: Attempt,
    pub new_password: Password,
}

impl Body for PasswordChange {
    fn read(fields: &mut Fields) -> Option<Self> {
        let current_password = fields.required("current_password");
        let new_password = fields.required("new_password");
        Some(Self { current_password: current_password?, new_password: new_password? })
    }
}

impl Body for NewUser {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name");
        let email = fields.optional("email");
        let phone = fields.optional("phone");
        Some(Self { name: name?, email: email?, phone: phone? })
    }
}
