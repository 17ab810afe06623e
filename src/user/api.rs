//! The users of this service, and how they go over the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::password::{Attempt, Password};
use crate::auth::Role;
use crate::domain::{Email, Language, Name, OrderId, OrderStatus, Phone, Timestamp, UserId};
use crate::storage::{Cursor, Listed, Sort, SortKey};
use crate::web::body;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    #[schema(value_type = i64)]
    pub id: UserId,
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

    fn cursor(&self, _: Sort) -> Cursor {
        Cursor { key: SortKey::None, id: self.id.get() }
    }
}

/// That an order of the user has reached a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    /// Counts up per user, from 1.
    pub id: i64,
    #[schema(value_type = i64)]
    pub order_id: OrderId,
    pub status: OrderStatus,
    /// The status as people say it.
    pub label: String,
    pub message: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl Notification {
    pub fn new(id: i64, order_id: OrderId, status: OrderStatus, at: Timestamp, language: Language) -> Self {
        let label = language.pick(&status.label()).to_owned();
        let message = match language {
            Language::Indonesian => format!("Pesanan {order_id}: {label}."),
            Language::English => format!("Order {order_id}: {label}."),
        };
        Self { id, order_id, status, label, message, at }
    }
}

impl Listed for Notification {
    fn response(&self) -> impl Serialize {
        self
    }

    fn cursor(&self, _: Sort) -> Cursor {
        Cursor { key: SortKey::None, id: self.id }
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
