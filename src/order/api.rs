//! What goes over the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;

use crate::clock::rfc3339;
use crate::error::{Error, Result, Sentence};
use crate::product::api::{Basket, MAX_LINES, Product, Wanted};
use crate::user::api::User;
use crate::web::{Body, Fault, Field, Fields, Id, Key, Listed, Name, Place, Quantity, Rupiah, Sort};

/// How far an order has come; the steps between are in `lifecycle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OrderStatus)]
pub enum Status {
    Pending,
    Paid,
    Confirmed,
    Shipped,
    Completed,
    Cancelled,
    Expired,
    Failed,
}

impl Status {
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Paid,
        Self::Confirmed,
        Self::Shipped,
        Self::Completed,
        Self::Cancelled,
        Self::Expired,
        Self::Failed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Confirmed => "confirmed",
            Self::Shipped => "shipped",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// A status as it was stored.
    pub fn stored(text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| Error::internal(anyhow::anyhow!("{text} is not a status of an order")))
    }

    /// How people say it.
    pub fn label(self) -> Sentence {
        match self {
            Self::Pending => Sentence::new("menunggu pembayaran", "waiting for payment"),
            Self::Paid => Sentence::new("dibayar", "paid"),
            Self::Confirmed => Sentence::new("dalam proses", "in process"),
            Self::Shipped => Sentence::new("dikirim", "shipped"),
            Self::Completed => Sentence::new("selesai", "completed"),
            Self::Cancelled => Sentence::new("dibatalkan", "cancelled"),
            Self::Expired => Sentence::new("kedaluwarsa", "expired"),
            Self::Failed => Sentence::new("pembayaran gagal", "payment failed"),
        }
    }
}

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
    status: Status,
    /// `pending`, `paid`, `failed`, `expired`, `cancelled` (before it was paid) or `refunded`.
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
pub struct Buyer<'a> {
    id: i64,
    name: &'a str,
}

/// The product of an order of one line.
#[derive(Serialize, ToSchema)]
pub struct Bought<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    id: Option<i64>,
    name: &'a str,
    /// Whole rupiah a unit.
    price: i64,
}

impl Order {
    fn payment_status(&self) -> &'static str {
        match self.status {
            Status::Pending | Status::Failed | Status::Expired => self.status.as_str(),
            Status::Cancelled if self.paid_by.is_none() => "cancelled",
            Status::Cancelled => "refunded",
            Status::Paid | Status::Confirmed | Status::Shipped | Status::Completed => "paid",
        }
    }
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
            status: self.status,
            payment_status: self.payment_status(),
            payment_id: self.paid_by.filter(|payment| *payment > 0),
            created_at: rfc3339(self.created_at),
            expires_at: self.expires_at.map(rfc3339),
        };
        shown.serialize(serializer)
    }
}

impl Listed for Order {
    fn place(&self, _: Sort) -> Place {
        Place { key: Key::None, id: self.id }
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
    /// RFC 3339.
    pub expires_at: Option<String>,
}

/// An order with its user and its products as they are now.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderDetail)]
pub struct Detail<'a> {
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
    #[schema(format = DateTime)]
    created_at: String,
}

impl<'a> Detail<'a> {
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
            created_at: rfc3339(order.created_at),
        }
    }
}

/// A status that an order reached.
#[derive(Serialize, ToSchema)]
pub struct Reached {
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

/// The body of `POST /orders`, whichever form it has. Serialised, it is what a replay of its
/// Idempotency-Key must equal.
#[derive(Clone, Debug, Serialize)]
pub struct NewOrder {
    pub user_id: i64,
    pub what: What,
    /// The field that says what is ordered.
    #[serde(skip)]
    pub field: &'static str,
}

/// What is ordered.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Products by their ids.
    Products(Basket),
    /// One product by its name, or something that the catalogue does not have, at this price.
    Named { name: String, price: i64 },
}

/// The forms of `POST /orders`, for the documentation.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = NewOrder)]
pub enum Forms {
    One(OneProduct),
    Several(Items),
    Menus(Menus),
    Named(Named),
}

/// Seeds 000 and 001.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "see Forms")]
pub struct OneProduct {
    user_id: Id,
    product_id: Id,
    /// One, unless it is given.
    quantity: Option<Quantity>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "see Forms")]
pub struct Items {
    user_id: Id,
    #[schema(min_items = 1, max_items = 50)]
    items: Vec<Wanted>,
}

/// Seed 003: a repeated id is a quantity.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "see Forms")]
pub struct Menus {
    user_id: Id,
    #[schema(min_items = 1, max_items = 1000)]
    menu_ids: Vec<Id>,
}

/// Seed 004: the product of this name, or a custom line.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "see Forms")]
pub struct Named {
    #[schema(rename = "userId")]
    user_id: Id,
    product: Name,
    price: Rupiah,
    status: Option<Beginning>,
}

/// The only status that an order can begin with.
#[derive(Clone, Copy, Debug, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Beginning {
    Pending,
}

impl Field for Beginning {
    fn read(value: Value) -> Result<Self, Fault> {
        match word(value)?.as_str() {
            "pending" => Ok(Self::Pending),
            _ => Err(Fault::rule("harus pending", "must be pending")),
        }
    }
}

/// The most entries of `menu_ids`.
const MAX_MENUS: usize = 1000;

struct MenuIds(Basket);

impl Field for MenuIds {
    fn read(value: Value) -> Result<Self, Fault> {
        let Value::Array(values) = value else {
            return Err(Fault::wrong_type("harus larik", "must be an array"));
        };
        if values.is_empty() || values.len() > MAX_MENUS {
            return Err(Fault::rule(
                format!("harus berisi 1 sampai {MAX_MENUS}"),
                format!("must have 1 to {MAX_MENUS} entries"),
            ));
        }
        let mut basket = Basket(BTreeMap::new());
        for value in values {
            basket.add(Id::read(value)?, Quantity::ONE).ok_or_else(Fault::too_many)?;
        }
        if basket.0.len() > MAX_LINES {
            return Err(Fault::rule(
                format!("paling banyak {MAX_LINES} menu yang berbeda"),
                format!("must have at most {MAX_LINES} different ids"),
            ));
        }
        Ok(Self(basket))
    }
}

impl Body for NewOrder {
    fn read(fields: &mut Fields) -> Option<Self> {
        let form = ["userId", "items", "menu_ids"].into_iter().find(|name| fields.has(name));
        let user_id = fields.required::<Id>(if form == Some("userId") { "userId" } else { "user_id" });
        // What belongs to another form is left over, and refused as unknown.
        let (field, what) = match form {
            Some("items") => ("items", fields.required("items").map(What::Products)),
            Some("menu_ids") => ("menu_ids", fields.required("menu_ids").map(|MenuIds(ids)| What::Products(ids))),
            Some(_) => {
                let name = fields.required::<Name>("product");
                let price = fields.required::<Rupiah>("price");
                let status = fields.optional::<Beginning>("status");
                let named =
                    |((name, price), _)| What::Named { name: Name::into_string(name), price: Rupiah::get(price) };
                ("price", name.zip(price).zip(status).map(named))
            }
            None => {
                let product_id = fields.required("product_id");
                let quantity = fields.optional("quantity");
                let what = product_id.zip(quantity).and_then(|(id, quantity)| {
                    let mut basket = Basket(BTreeMap::new());
                    basket.add(id, quantity.unwrap_or(Quantity::ONE))?;
                    Some(What::Products(basket))
                });
                ("quantity", what)
            }
        };
        Some(Self { user_id: user_id?.get(), what: what?, field })
    }
}

/// What a payment may have come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    Pending,
    Paid,
    Failed,
    Expired,
}

/// The body of `PUT /orders/{id}/payment`.
#[derive(Clone, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPaymentStatus {
    #[schema(value_type = PaymentStatus)]
    pub payment_status: Word,
    /// The payment that says so: the same one may say it again.
    pub payment_id: Option<Id>,
}

impl NewPaymentStatus {
    /// The status, if it is one.
    pub fn status(&self) -> Option<PaymentStatus> {
        match self.payment_status.0.as_str() {
            "pending" => Some(PaymentStatus::Pending),
            "paid" => Some(PaymentStatus::Paid),
            "failed" => Some(PaymentStatus::Failed),
            "expired" => Some(PaymentStatus::Expired),
            _ => None,
        }
    }
}

impl Body for NewPaymentStatus {
    fn read(fields: &mut Fields) -> Option<Self> {
        let payment_status = fields.required("payment_status");
        let payment_id = fields.optional("payment_id");
        Some(Self { payment_status: payment_status?, payment_id: payment_id? })
    }
}

/// Any text, to be looked up in a list of words.
#[derive(Clone, Debug)]
pub struct Word(String);

impl Field for Word {
    fn read(value: Value) -> Result<Self, Fault> {
        word(value).map(Self)
    }
}

fn word(value: Value) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Fault::wrong_type("harus teks", "must be a string")),
    }
}

/// A status that an order can be given by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    Shipped,
    Completed,
    Cancelled,
}

impl Field for Given {
    fn read(value: Value) -> Result<Self, Fault> {
        match word(value)?.as_str() {
            "shipped" => Ok(Self::Shipped),
            "completed" => Ok(Self::Completed),
            "cancelled" => Ok(Self::Cancelled),
            _ => Err(Fault::rule("harus shipped, completed atau cancelled", "must be shipped, completed or cancelled")),
        }
    }
}

/// The body of `PUT /orders/{id}/status`.
#[derive(Clone, Copy, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStatus {
    pub status: Given,
}

impl Body for NewStatus {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { status: fields.required("status")? })
    }
}
