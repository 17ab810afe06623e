//! What goes over the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::password::{Attempt, Password};
use crate::auth::Role;
use crate::clock::rfc3339;
use crate::domain::{Email, Language, Name, OrderStatus, Phone};
use crate::storage::{Listed, Place, Sort, SortKey};
use crate::web::body;

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
    pub status: OrderStatus,
    /// The status as people say it.
    pub label: String,
    pub message: String,
    #[schema(format = DateTime)]
    pub at: String,
}

impl Notification {
    /// `at`: epoch milliseconds.
    pub fn new(id: i64, order_id: i64, status: OrderStatus, at: i64, language: Language) -> Self {
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

body! {
    /// The body of `POST /users`.
    #[derive(Clone, Debug)]
    pub struct NewUser {
        required name: Name,
        optional email: Email,
        optional phone: Phone,
    }
}

body! {
    /// The body of `PATCH /users/{id}` and `PATCH /auth/me`: what is not named stays as it is.
    #[schema(min_properties = 0)]
    pub struct UserPatch {
        replace name: Name,
        /// Null: none any more. Whoever logs in needs one.
        patch email: Email,
        /// Null: none any more.
        patch phone: Phone,
        /// Of a user who has an account: needed to change `email`, unless an admin changes another's.
        #[schema(value_type = Option<String>)]
        optional current_password: Attempt,
    }
}

body! {
    /// The body of `DELETE /users/{id}`, which may be absent.
    #[derive(Default)]
    #[schema(min_properties = 0)]
    pub struct UserRemoval {
        /// Of a user who has an account: needed, unless an admin removes another's.
        #[schema(value_type = Option<String>)]
        optional current_password: Attempt,
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
pub struct StreamTicket {
    pub ticket: String,
    /// Seconds within which the stream must be opened.
    pub expires_in: u64,
}

body! {
    /// The body of `POST /auth/register`.
    pub struct Registration {
        required name: Name,
        required email: Email,
        required password: Password,
        optional phone: Phone,
    }
}

body! {
    /// The body of `POST /auth/login`.
    pub struct Login {
        required email: Email,
        #[schema(value_type = String)]
        required password: Attempt,
    }
}

body! {
    /// The body of `PUT /auth/me/password`.
    pub struct PasswordChange {
        #[schema(value_type = String)]
        required current_password: Attempt,
        required new_password: Password,
    }
}
