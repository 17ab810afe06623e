//! What goes over the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::rfc3339;
use crate::order::api::Status;
use crate::web::{Body, Email, Fields, Language, Listed, Name, Phone, Place, Sort, SortKey};

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

impl Body for NewUser {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name");
        let email = fields.optional("email");
        let phone = fields.optional("phone");
        Some(Self { name: name?, email: email?, phone: phone? })
    }
}
