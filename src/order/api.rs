//! What goes over the wire.

use std::time::{Duration, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Item {
    /// The product's id.
    pub id: i64,
    pub name: String,
    /// Whole rupiah a unit.
    pub price: i64,
    pub quantity: i64,
}

/// An order as it goes over the wire: the seeds' forms in one. Seed 000 reads `order_id`, `user` and
/// `product`, seed 003 `id`, `user_id`, `items` and the rest.
#[derive(Serialize, ToSchema)]
#[schema(as = Order)]
pub struct Shown<'a> {
    order_id: i64,
    /// The same as `order_id`.
    id: i64,
    user_id: i64,
    user: Buyer<'a>,
    /// Of an order of one line only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    product: Option<Bought<'a>>,
    items: &'a [Item],
    /// Whole rupiah: the sum of price × quantity.
    total_price: i64,
    status: &'a str,
    payment_status: &'a str,
    #[schema(format = DateTime)]
    created_at: String,
}

/// The user of an order.
#[derive(Serialize, ToSchema)]
pub struct Buyer<'a> {
    id: i64,
    name: &'a str,
}

/// The product of an order of one line.
#[derive(Serialize, ToSchema)]
pub struct Bought<'a> {
    id: i64,
    name: &'a str,
    /// Whole rupiah a unit.
    price: i64,
}

impl Serialize for Order {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let product = match self.items.as_slice() {
            [item] => Some(Bought { id: item.id, name: &item.name, price: item.price }),
            _ => None,
        };
        let shown = Shown {
            order_id: self.id,
            id: self.id,
            user_id: self.user_id,
            user: Buyer { id: self.user_id, name: &self.user_name },
            product,
            items: &self.items,
            total_price: self.total_price,
            status: &self.status,
            payment_status: &self.status,
            created_at: rfc3339(self.created_at),
        };
        shown.serialize(serializer)
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

/// A service that this one calls.
#[derive(Serialize, ToSchema)]
pub struct PeerState {
    pub name: &'static str,
    pub url: String,
    /// Whether it answers right now, whatever it says.
    pub answers: bool,
}

/// The body of `POST /orders`. Serialised, it is what a replay of its Idempotency-Key must equal.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    pub user_id: Id,
    pub product_id: Id,
    /// One, unless it is given.
    #[schema(value_type = Option<Quantity>)]
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
