//! Request bodies: the forms of `POST /orders`, and the changes of an order.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{Field, FieldError, Name, PaymentId, ProductId, Quantity, Rupiah, UserId};
use crate::error::Result;
use crate::product::api::{Basket, LineRequest, MAX_LINES, too_many};
use crate::web::{Body, Fields, body};

/// The order that `POST /orders` asks for, from any of its forms. A replay of an Idempotency-Key must serialise to the
/// same text.
#[derive(Clone, Debug, Serialize)]
pub struct NewOrder {
    pub user_id: UserId,
    /// Stored keys of earlier versions hold it under this name.
    #[serde(rename = "what")]
    pub selection: Selection,
    /// The field of the request that names the products.
    #[serde(skip)]
    pub field: &'static str,
}

/// The products of a new order.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Products by their ids.
    Products(Basket),
    /// One product by its name, or a custom line if the catalogue does not have it, at this price.
    Named { name: Name, price: Rupiah },
}

/// The forms of `POST /orders`, for the documentation.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum OrderRequest {
    Product(ProductOrder),
    Lines(LinesOrder),
    Menus(MenuOrder),
    Named(NamedOrder),
}

body! {
    /// Seeds 000 and 001.
    pub struct ProductOrder {
        required user_id: UserId,
        required product_id: ProductId,
        /// One, unless it is given.
        optional quantity: Quantity = Quantity::ONE,
    }
}

body! {
    pub struct LinesOrder {
        required user_id: UserId,
        #[schema(value_type = Vec<LineRequest>, min_items = 1, max_items = 50)]
        required items: Basket,
    }
}

body! {
    /// Seed 003: a repeated id is a quantity.
    pub struct MenuOrder {
        required user_id: UserId,
        #[schema(value_type = Vec<ProductId>, min_items = 1, max_items = 1000)]
        required menu_ids: MenuIds,
    }
}

body! {
    /// Seed 004: the product of this name, or a custom line.
    pub struct NamedOrder {
        required user_id as "userId": UserId,
        required product: Name,
        required price: Rupiah,
        optional status: InitialOrderStatus,
    }
}

impl Body for OrderRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        // The fields of another form are left over, and refused as unknown.
        if fields.has("userId") {
            return NamedOrder::read(fields).map(Self::Named);
        }
        if fields.has("items") {
            return LinesOrder::read(fields).map(Self::Lines);
        }
        if fields.has("menu_ids") {
            return MenuOrder::read(fields).map(Self::Menus);
        }
        ProductOrder::read(fields).map(Self::Product)
    }
}

impl From<OrderRequest> for NewOrder {
    fn from(request: OrderRequest) -> Self {
        use InitialOrderStatus::Pending;
        let (user_id, field, selection) = match request {
            OrderRequest::Product(ProductOrder { user_id, product_id, quantity }) => {
                (user_id, "quantity", Selection::Products(Basket([(product_id, quantity)].into())))
            }
            OrderRequest::Lines(LinesOrder { user_id, items }) => (user_id, "items", Selection::Products(items)),
            OrderRequest::Menus(MenuOrder { user_id, menu_ids: MenuIds(ids) }) => {
                (user_id, "menu_ids", Selection::Products(ids))
            }
            OrderRequest::Named(NamedOrder { user_id, product, price, status: None | Some(Pending) }) => {
                (user_id, "price", Selection::Named { name: product, price })
            }
        };
        Self { user_id, selection, field }
    }
}

/// The only status that an order can begin with.
#[derive(Clone, Copy, Debug, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InitialOrderStatus {
    Pending,
}

impl Field for InitialOrderStatus {
    fn read(value: Value) -> Result<Self, FieldError> {
        match word(value)?.as_str() {
            "pending" => Ok(Self::Pending),
            _ => Err(FieldError::rule("harus pending", "must be pending")),
        }
    }
}

/// The most entries of `menu_ids`.
const MAX_MENUS: usize = 1000;
const _: () = assert!(MAX_LINES == 50 && MAX_MENUS == 1000, "the schemas of the bodies above say so");

pub struct MenuIds(Basket);

impl Field for MenuIds {
    fn read(value: Value) -> Result<Self, FieldError> {
        let Value::Array(values) = value else {
            return Err(FieldError::wrong_type("harus larik", "must be an array"));
        };
        if values.is_empty() || values.len() > MAX_MENUS {
            return Err(FieldError::rule(
                format!("harus berisi 1 sampai {MAX_MENUS}"),
                format!("must have 1 to {MAX_MENUS} entries"),
            ));
        }
        let mut basket = Basket(BTreeMap::new());
        for value in values {
            basket.add(ProductId::read(value)?, Quantity::ONE).ok_or_else(too_many)?;
        }
        if basket.0.len() > MAX_LINES {
            return Err(FieldError::rule(
                format!("paling banyak {MAX_LINES} menu yang berbeda"),
                format!("must have at most {MAX_LINES} different ids"),
            ));
        }
        Ok(Self(basket))
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

body! {
    /// The body of `PUT /orders/{id}/payment`.
    #[derive(Clone, Debug)]
    pub struct NewOrderPayment {
        required payment_status: OrderPaymentStatus,
        /// The payment that says so: the same one may say it again.
        optional payment_id: PaymentId,
    }
}

/// The reported outcome of a payment: one of the statuses, or any other text, which is `None`. Seed 001 sends `true`
/// for `paid`.
#[derive(Clone, Copy, Debug)]
pub struct OrderPaymentStatus(pub Option<PaymentStatus>);

impl Field for OrderPaymentStatus {
    fn read(value: Value) -> Result<Self, FieldError> {
        Ok(Self(match value {
            Value::Bool(paid) => paid.then_some(PaymentStatus::Paid),
            value => match word(value)?.as_str() {
                "pending" => Some(PaymentStatus::Pending),
                "paid" => Some(PaymentStatus::Paid),
                "failed" => Some(PaymentStatus::Failed),
                "expired" => Some(PaymentStatus::Expired),
                _ => None,
            },
        }))
    }
}

impl ToSchema for OrderPaymentStatus {}

impl utoipa::PartialSchema for OrderPaymentStatus {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
        let paid = ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true]));
        let status = <PaymentStatus as utoipa::PartialSchema>::schema();
        OneOfBuilder::new().item(status).item(paid.description(Some("Means `paid`."))).into()
    }
}

fn word(value: Value) -> Result<String, FieldError> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(FieldError::wrong_type("harus teks", "must be a string")),
    }
}

/// A status that an order can be given by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatusChange {
    Shipped,
    Completed,
    Cancelled,
}

impl Field for OrderStatusChange {
    fn read(value: Value) -> Result<Self, FieldError> {
        match word(value)?.as_str() {
            "shipped" => Ok(Self::Shipped),
            "completed" => Ok(Self::Completed),
            "cancelled" => Ok(Self::Cancelled),
            _ => Err(FieldError::rule(
                "harus shipped, completed atau cancelled",
                "must be shipped, completed or cancelled",
            )),
        }
    }
}

body! {
    /// The body of `PUT /orders/{id}/status`.
    #[derive(Clone, Copy, Debug)]
    pub struct NewOrderStatus {
        required status: OrderStatusChange,
    }
}
