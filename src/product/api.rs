//! What goes over the wire.

use serde::{Deserialize, Serialize};

use crate::web::{Body, Fields, Listed, Name, Rupiah};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug)]
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

/// The answer to `POST /products`, as seed 000 has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Added {
    pub message: String,
    pub product: Product,
}
