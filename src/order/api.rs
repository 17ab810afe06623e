//! What goes over the wire.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::clock::{parse_rfc3339, rfc3339};
use crate::domain::OrderStatus as Status;
use crate::error::Result;
use crate::product::api::Product;
use crate::storage::{Listed, Place, Sort, SortKey};
use crate::user::api::User;

/// An order. Names and prices are those of the moment when it was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub id: i64,
    pub user_id: i64,
    pub user_name: String,
    pub items: Vec<Item>,
    /// Whole rupiah: the sum of price × quantity.
    pub total_price: i64,
    pub status: Status,
    /// Epoch milliseconds.
    pub created_at: i64,
    /// Of a pending order: when it expires unless it is paid, in epoch milliseconds; `None`: never.
    pub expires_at: Option<i64>,
    /// The payment that paid it; 0 if none was named.
    pub paid_by: Option<i64>,
    /// The reservation that holds its stock, if it holds any.
    pub reservation: Option<String>,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OrderItem)]
pub struct Item {
    /// The product's id; absent for a custom line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<i64>,
    pub name: String,
    /// Whole rupiah a unit.
    pub price: i64,
    pub quantity: i64,
    /// What was left when the line was reserved; absent if the product tracks no stock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stock: Option<i64>,
}

/// An order as it goes over the wire: the seeds' forms in one. Seed 000 reads `order_id`, `user` and
/// `product`, seed 003 `id`, `user_id`, `items` and the rest.
#[derive(Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderResponse<'a> {
    order_id: i64,
    /// The same as `order_id`.
    id: i64,
    user_id: i64,
    user: OrderUser<'a>,
    /// Of an order of one line only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    product: Option<OrderProduct<'a>>,
    /// Of an order of one line that has a product.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    product_id: Option<i64>,
    /// Of an order of one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    quantity: Option<i64>,
    items: &'a [Item],
    /// Whole rupiah: the sum of price × quantity.
    total_price: i64,
    status: Status,
    /// `pending`, `paid`, `failed`, `expired`, `cancelled` (before it was paid) or `refunded` (or about to be).
    payment_status: &'static str,
    /// The payment that paid it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    payment_id: Option<i64>,
    #[schema(format = DateTime)]
    created_at: String,
    /// Of a pending order: when it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    expires_at: Option<String>,
}

/// The user of an order.
#[derive(Serialize, ToSchema)]
pub struct OrderUser<'a> {
    id: i64,
    name: &'a str,
}

/// The product of an order of one line.
#[derive(Serialize, ToSchema)]
pub struct OrderProduct<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    id: Option<i64>,
    name: &'a str,
    /// Whole rupiah a unit.
    price: i64,
}

impl Order {
    /// The payment that paid it, if one was named.
    pub fn payment_id(&self) -> Option<i64> {
        self.paid_by.filter(|payment| *payment > 0)
    }

    /// Whether it is paid, and was not cancelled since.
    pub fn is_paid(&self) -> bool {
        matches!(self.status, Status::Paid | Status::Confirmed | Status::Shipped | Status::Completed)
    }

    fn payment_status(&self) -> &'static str {
        match self.status {
            Status::Pending | Status::Failed | Status::Expired => self.status.as_str(),
            Status::Cancelled if self.paid_by.is_none() => "cancelled",
            Status::Cancelled => "refunded",
            Status::Paid | Status::Confirmed | Status::Shipped | Status::Completed => "paid",
        }
    }
}

impl<'a> From<&'a Order> for OrderResponse<'a> {
    fn from(order: &'a Order) -> Self {
        let only = match order.items.as_slice() {
            [item] => Some(item),
            _ => None,
        };
        Self {
            order_id: order.id,
            id: order.id,
            user_id: order.user_id,
            user: OrderUser { id: order.user_id, name: &order.user_name },
            product: only.map(|item| OrderProduct { id: item.id, name: &item.name, price: item.price }),
            product_id: only.and_then(|item| item.id),
            quantity: only.map(|item| item.quantity),
            items: &order.items,
            total_price: order.total_price,
            status: order.status,
            payment_status: order.payment_status(),
            payment_id: order.payment_id(),
            created_at: rfc3339(order.created_at),
            expires_at: order.expires_at.map(rfc3339),
        }
    }
}

impl Listed for Order {
    fn response(&self) -> impl Serialize {
        OrderResponse::from(self)
    }

    fn place(&self, _: Sort) -> Place {
        Place { key: SortKey::None, id: self.id }
    }
}

/// What another service reads of an order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Summary {
    pub id: i64,
    pub user_id: i64,
    /// Whole rupiah.
    pub total_price: i64,
    pub status: Status,
    pub payment_id: Option<i64>,
    /// Epoch milliseconds.
    #[serde(default, deserialize_with = "moment")]
    pub expires_at: Option<i64>,
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    parse_rfc3339(&text).map(Some).ok_or_else(|| serde::de::Error::custom("not a time"))
}

/// An order with its user and its products as they are now.
#[derive(Serialize, ToSchema)]
pub struct OrderDetail<'a> {
    order_id: i64,
    /// The same as `order_id`.
    id: i64,
    user_id: i64,
    /// Only id and name if the user is gone.
    user: User,
    /// Of an order of one line whose product is still there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    product: Option<Product>,
    /// Those that are still there.
    products: Vec<Product>,
    items: &'a [Item],
    /// Whole rupiah: the sum of price × quantity.
    total_price: i64,
    status: Status,
    /// As in the order.
    payment_status: &'static str,
    /// The payment that paid it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    payment_id: Option<i64>,
    #[schema(format = DateTime)]
    created_at: String,
    /// Of a pending order: when it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    expires_at: Option<String>,
}

impl<'a> OrderDetail<'a> {
    pub fn new(order: &'a Order, user: Option<User>, products: Vec<Product>) -> Self {
        let gone = || User { id: order.user_id, name: order.user_name.clone(), email: None, phone: None };
        Self {
            order_id: order.id,
            id: order.id,
            user_id: order.user_id,
            user: user.unwrap_or_else(gone),
            product: products.first().filter(|_| order.items.len() == 1).cloned(),
            products,
            items: &order.items,
            total_price: order.total_price,
            status: order.status,
            payment_status: order.payment_status(),
            payment_id: order.payment_id(),
            created_at: rfc3339(order.created_at),
            expires_at: order.expires_at.map(rfc3339),
        }
    }
}

/// A status that an order reached.
#[derive(Serialize, ToSchema)]
pub struct TrackingEntry {
    pub status: Status,
    /// The status as people say it.
    pub label: String,
    #[schema(format = DateTime)]
    pub at: String,
}

/// A service that this one calls.
#[derive(Serialize, ToSchema)]
pub struct PeerState {
    pub name: &'static str,
    pub url: String,
    /// Whether it answers right now, whatever it says.
    pub answers: bool,
}
