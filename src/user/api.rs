//! What goes over the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::web::{Body, Email, Fields, Listed, Name, Phone};

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
    fn id(&self) -> i64 {
        self.id
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
