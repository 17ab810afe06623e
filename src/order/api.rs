//! What goes over the wire.

use std::time::{Duration, UNIX_EPOCH};

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::web::{Body, Fields, Id, Listed, Quantity};

/// An order. Names and prices are those of the moment when it was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub id: i64,
    pub user_id: i64,
    pub user_name: String,
    pub items: Vec<Item>,
    /// Whole rupiah: the sum of price × quantity.
    pub total_price: i64,
    pub status: String,
    /// Epoch milliseconds.
    pub created_at: i64,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The product's id.
    pub id: i64,
    pub name: String,
    /// Whole rupiah a unit.
    pub price: i64,
    pub quantity: i64,
}

/// What orders show of a user or of a product.
#[derive(Serialize)]
struct Named<'a> {
    id: i64,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<i64>,
}

/// The seeds' forms of an order in one: seed 000 reads `order_id`, `user` and `product` (which an order
/// of one line has), seed 003 `id`, `user_id`, `items` and the rest.
impl Serialize for Order {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Order", 10)?;
        fields.serialize_field("order_id", &self.id)?;
        fields.serialize_field("id", &self.id)?;
        fields.serialize_field("user_id", &self.user_id)?;
        fields.serialize_field("user", &Named { id: self.user_id, name: &self.user_name, price: None })?;
        if let [item] = self.items.as_slice() {
            fields.serialize_field("product", &Named { id: item.id, name: &item.name, price: Some(item.price) })?;
        }
        fields.serialize_field("items", &self.items)?;
        fields.serialize_field("total_price", &self.total_price)?;
        fields.serialize_field("status", &self.status)?;
        fields.serialize_field("payment_status", &self.status)?;
        fields.serialize_field("created_at", &rfc3339(self.created_at))?;
        fields.end()
    }
}

impl Listed for Order {
    fn id(&self) -> i64 {
        self.id
    }
}

fn rfc3339(epoch_ms: i64) -> String {
    let since = Duration::from_millis(u64::try_from(epoch_ms).unwrap_or(0));
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

/// The body of `POST /orders`. Serialised, it is what a replay of its Idempotency-Key must equal.
#[derive(Clone, Debug, Serialize)]
pub struct NewOrder {
    pub user_id: Id,
    pub product_id: Id,
    pub quantity: Quantity,
}

impl Body for NewOrder {
    fn read(fields: &mut Fields) -> Option<Self> {
        let user_id = fields.required("user_id");
        let product_id = fields.required("product_id");
        let quantity = fields.optional("quantity");
        Some(Self { user_id: user_id?, product_id: product_id?, quantity: quantity?.unwrap_or(Quantity::ONE) })
    }
}
