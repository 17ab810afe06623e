//! The orders of this service, and how they go over the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{
    Language, OrderId, OrderStatus as Status, PaymentId, ProductId, Quantity, Rupiah, Timestamp, UserId,
};
use crate::product::api::Product;
use crate::storage::{Cursor, Listed, Sort, SortKey};
use crate::user::api::User;

/// An order. Names and prices are those of the moment when it was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub id: OrderId,
    pub user_id: UserId,
    pub user_name: String,
    pub items: Vec<Item>,
    /// The sum of price × quantity.
    pub total_price: Rupiah,
    pub status: Status,
    pub created_at: Timestamp,
    /// Of a pending order: when it expires unless it is paid; `None`: never.
    pub expires_at: Option<Timestamp>,
    pub paid_by: PaidBy,
    /// The key of the reservation of its stock, if there is one.
    pub reservation: Option<String>,
}

/// What paid an order. It stays known after the order is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidBy {
    /// The order was never paid.
    Nobody,
    /// Somebody said that it is paid and named no payment.
    Manual,
    Payment(PaymentId),
}

impl PaidBy {
    /// The payment, if one was named.
    pub fn payment(self) -> Option<PaymentId> {
        match self {
            Self::Payment(id) => Some(id),
            Self::Nobody | Self::Manual => None,
        }
    }
}

/// The state of an order's payment, as the order shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum PaymentState {
    Pending,
    Paid,
    Failed,
    Expired,
    /// The order was cancelled before it was paid.
    Cancelled,
    /// The order was cancelled after it was paid. The refund may still be under way.
    Refunded,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OrderItem)]
pub struct Item {
    /// The product's id; absent for a custom line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<i64>)]
    pub id: Option<ProductId>,
    pub name: String,
    /// Whole rupiah a unit.
    #[schema(value_type = i64)]
    pub price: Rupiah,
    #[schema(value_type = i64)]
    pub quantity: Quantity,
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
    #[schema(value_type = i64)]
    order_id: OrderId,
    /// The same as `order_id`.
    #[schema(value_type = i64)]
    id: OrderId,
    #[schema(value_type = i64)]
    user_id: UserId,
    user: OrderUser<'a>,
    /// Of an order of one line only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    product: Option<OrderProduct<'a>>,
    /// Of an order of one line that has a product.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<i64>)]
    product_id: Option<ProductId>,
    /// Of an order of one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<i64>)]
    quantity: Option<Quantity>,
    items: &'a [Item],
    /// Whole rupiah: the sum of price × quantity.
    #[schema(value_type = i64)]
    total_price: Rupiah,
    status: Status,
    /// `pending`, `paid`, `failed`, `expired`, `cancelled` (before it was paid) or `refunded` (or about to be).
    #[schema(value_type = String)]
    payment_status: PaymentState,
    /// The payment that paid it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<i64>)]
    payment_id: Option<PaymentId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Of a pending order: when it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// The user of an order.
#[derive(Serialize, ToSchema)]
pub struct OrderUser<'a> {
    #[schema(value_type = i64)]
    id: UserId,
    name: &'a str,
}

/// The product of an order of one line.
#[derive(Serialize, ToSchema)]
pub struct OrderProduct<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<i64>)]
    id: Option<ProductId>,
    name: &'a str,
    /// Whole rupiah a unit.
    #[schema(value_type = i64)]
    price: Rupiah,
}

impl Order {
    /// Whether the order is paid and was not cancelled since.
    pub fn is_paid(&self) -> bool {
        matches!(self.status, Status::Paid | Status::Confirmed | Status::Shipped | Status::Completed)
    }

    fn payment_status(&self) -> PaymentState {
        match self.status {
            Status::Pending => PaymentState::Pending,
            Status::Paid | Status::Confirmed | Status::Shipped | Status::Completed => PaymentState::Paid,
            Status::Failed => PaymentState::Failed,
            Status::Expired => PaymentState::Expired,
            Status::Cancelled if self.paid_by == PaidBy::Nobody => PaymentState::Cancelled,
            Status::Cancelled => PaymentState::Refunded,
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
            payment_id: order.paid_by.payment(),
            created_at: order.created_at,
            expires_at: order.expires_at,
        }
    }
}

impl Listed for Order {
    fn response(&self) -> impl Serialize {
        OrderResponse::from(self)
    }

    fn cursor(&self, _: Sort) -> Cursor {
        Cursor { key: SortKey::None, id: self.id.get() }
    }
}

/// The fields of an order that another service reads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Summary {
    pub id: OrderId,
    pub user_id: UserId,
    pub total_price: Rupiah,
    pub status: Status,
    pub payment_id: Option<PaymentId>,
    pub expires_at: Option<Timestamp>,
}

/// An order as other services compare it with their rows. Values are as they are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderRecord {
    pub order_id: i64,
    pub user_id: i64,
    pub status: String,
    /// Whole rupiah.
    pub total_price: i64,
    /// The payment that paid it; 0 if it was said to be paid without naming one; null if it was never paid.
    pub paid_by: Option<i64>,
    /// The key of its reservation; null if it has none.
    pub reservation: Option<String>,
    /// The units of products whose stock was tracked.
    pub units: i64,
}

impl Listed for OrderRecord {
    fn response(&self) -> impl Serialize {
        self
    }

    fn cursor(&self, _: Sort) -> Cursor {
        Cursor { key: SortKey::None, id: self.order_id }
    }
}

/// An order with its user and its products as they are now.
#[derive(Serialize, ToSchema)]
pub struct OrderDetail<'a> {
    #[schema(value_type = i64)]
    order_id: OrderId,
    /// The same as `order_id`.
    #[schema(value_type = i64)]
    id: OrderId,
    #[schema(value_type = i64)]
    user_id: UserId,
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
    #[schema(value_type = i64)]
    total_price: Rupiah,
    status: Status,
    /// As in the order.
    #[schema(value_type = String)]
    payment_status: PaymentState,
    /// The payment that paid it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<i64>)]
    payment_id: Option<PaymentId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Of a pending order: when it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
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
            payment_id: order.paid_by.payment(),
            created_at: order.created_at,
            expires_at: order.expires_at,
        }
    }
}

/// A status that an order reached.
#[derive(Serialize, ToSchema)]
pub struct TrackingEntry {
    pub status: Status,
    /// The status as people say it.
    pub label: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// That an order has reached a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityEntry {
    /// Counts up. `None` for `pending`, with which each order begins.
    pub id: Option<i64>,
    pub order_id: OrderId,
    pub status: Status,
    pub at: Timestamp,
}

/// An [`ActivityEntry`] in the reader's language.
#[derive(Debug, Serialize, ToSchema)]
pub struct Activity {
    /// Counts up; absent for `pending`, with which each order begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<i64>,
    #[schema(value_type = i64)]
    pub order_id: OrderId,
    pub status: Status,
    /// The status as people say it.
    pub label: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl Activity {
    pub fn new(ActivityEntry { id, order_id, status, at }: ActivityEntry, language: Language) -> Self {
        Self { id, order_id, status, label: language.pick(&status.label()).to_owned(), at }
    }
}

impl Listed for Activity {
    fn response(&self) -> impl Serialize {
        self
    }

    fn cursor(&self, _: Sort) -> Cursor {
        Cursor { key: SortKey::None, id: self.id.unwrap_or(0) }
    }
}

/// What happened in one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MinuteFigures {
    /// The beginning of the minute.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Orders that were placed.
    pub placed: i64,
    /// Orders that expired or whose payment failed.
    pub refused: i64,
    /// Whole rupiah: what was paid, less what is paid back.
    pub revenue: i64,
}

/// The orders of the shop in figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderFigures {
    /// How many orders have each status now; of `pending` up to 10,000 are counted.
    #[schema(value_type = std::collections::BTreeMap<String, i64>)]
    pub statuses: BTreeMap<Status, i64>,
    /// Orders that were placed in the time that was asked for.
    pub placed: i64,
    /// Orders that expired or whose payment failed in that time.
    pub refused: i64,
    /// Whole rupiah: what was paid in that time, less what is paid back.
    pub revenue: i64,
    /// The last thirty minutes, oldest first.
    pub minutes: Vec<MinuteFigures>,
}

/// A service that this one calls.
#[derive(Serialize, ToSchema)]
pub struct PeerState {
    pub name: &'static str,
    pub url: String,
    /// Whether it answers right now, whatever it says.
    pub answers: bool,
}
