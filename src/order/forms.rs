//! What comes in over the wire: the forms of `POST /orders`, and the bodies that change an order.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{Fault, Field, Id, Name, Quantity, Rupiah};
use crate::error::Result;
use crate::product::api::{Basket, MAX_LINES, Wanted, too_many};
use crate::web::{Body, Fields};

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
#[expect(dead_code, reason = "only its schema is used: NewOrder reads all forms")]
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
            basket.add(Id::read(value)?, Quantity::ONE).ok_or_else(too_many)?;
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
    pub payment_status: PaymentWord,
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

/// What is said of a payment: any text, to be looked up among the statuses. Seed 001 says `true` for `paid`.
#[derive(Clone, Debug)]
pub struct PaymentWord(String);

impl Field for PaymentWord {
    fn read(value: Value) -> Result<Self, Fault> {
        match value {
            Value::Bool(true) => Ok(Self("paid".to_owned())),
            Value::Bool(false) => Ok(Self("false".to_owned())),
            value => word(value).map(Self),
        }
    }
}

impl ToSchema for PaymentWord {}

impl utoipa::PartialSchema for PaymentWord {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
        let paid = ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true]));
        let status = <PaymentStatus as utoipa::PartialSchema>::schema();
        OneOfBuilder::new().item(status).item(paid.description(Some("Means `paid`."))).into()
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
