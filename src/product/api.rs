//! What goes over the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::web::{Body, Fields, Listed, Name, Rupiah};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    pub id: i64,
    pub name: String,
    /// Whole rupiah.
    pub price: i64,
}

impl Listed for Product {
    fn id(&self) -> i64 {
        self.id
    }
}

/// The body of `POST /products`.
#[derive(Clone, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    pub name: Name,
    pub price: Rupiah,
}

impl Body for NewProduct {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name");
        let price = fields.required("price");
        Some(Self { name: name?, price: price? })
    }
}

/// What `POST /products` says when it has worked.
pub const ADDED: &str = "Produk berhasil ditambahkan";

/// The answer to `POST /products`, as seed 000 has it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Added {
    pub message: String,
    pub product: Product,
}
