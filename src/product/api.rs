//! What goes over the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::{Error, INSUFFICIENT_STOCK, Result};
use crate::web::{
    Body, Change, Fault, Field, Fields, Id, Image, Listed, Name, Patch, Place, Quantity, Rupiah, Sort, SortKey, Stock,
    Text, array,
};

/// The most lines of an order or a reservation.
pub const MAX_LINES: usize = 50;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    pub id: i64,
    pub name: String,
    /// Whole rupiah.
    pub price: i64,
    /// What can still be bought; absent if it is not tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stock: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// Where there is a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub image: Option<String>,
}

impl Listed for Product {
    fn response(&self) -> impl Serialize {
        self
    }

    fn place(&self, sort: Sort) -> Place {
        let key = match sort {
            Sort::Id | Sort::IdDown => SortKey::None,
            Sort::Price | Sort::PriceDown => SortKey::Int(self.price),
            Sort::Name => SortKey::Text(self.name.clone()),
        };
        Place { key, id: self.id }
    }
}

/// The body of `POST /products` and `PUT /products/{id}`.
#[derive(Clone, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    pub name: Name,
    pub price: Rupiah,
    /// Without it the product can be bought without end.
    pub stock: Option<Stock>,
    pub category: Option<Name>,
    pub description: Option<Text>,
    pub image: Option<Image>,
}

impl Body for NewProduct {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name");
        let price = fields.required("price");
        let stock = fields.optional("stock");
        let category = fields.optional("category");
        let description = fields.optional("description");
        let image = fields.optional("image");
        Some(Self {
            name: name?,
            price: price?,
            stock: stock?,
            category: category?,
            description: description?,
            image: image?,
        })
    }
}

/// The body of `PATCH /products/{id}`: what is absent stays, what is null goes (RFC 7396).
#[derive(Clone, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductPatch {
    #[schema(nullable = false)]
    pub name: Option<Name>,
    #[schema(nullable = false)]
    pub price: Option<Rupiah>,
    #[schema(value_type = Option<Stock>)]
    pub stock: Patch<Stock>,
    #[schema(value_type = Option<Name>)]
    pub category: Patch<Name>,
    #[schema(value_type = Option<Text>)]
    pub description: Patch<Text>,
    #[schema(value_type = Option<Image>)]
    pub image: Patch<Image>,
}

impl Body for ProductPatch {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = if fields.has("name") { fields.required("name").map(Some) } else { Some(None) };
        let price = if fields.has("price") { fields.required("price").map(Some) } else { Some(None) };
        let stock = fields.patch("stock");
        let category = fields.patch("category");
        let description = fields.patch("description");
        let image = fields.patch("image");
        Some(Self {
            name: name?,
            price: price?,
            stock: stock?,
            category: category?,
            description: description?,
            image: image?,
        })
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

/// The body of `PUT /products/{id}/stock`: what is on hand from now on, or by how much that changes.
#[derive(Clone, Copy, Debug, ToSchema)]
#[serde(untagged)]
pub enum NewStock {
    Set(SetStock),
    Change(ChangeStock),
    Quantity(ChangeQuantity),
}

#[derive(Clone, Copy, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetStock {
    pub stock: Stock,
}

#[derive(Clone, Copy, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeStock {
    pub change: Change,
}

/// The same as [`ChangeStock`], as seed 001 writes it.
#[derive(Clone, Copy, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeQuantity {
    pub quantity: Change,
}

impl Body for NewStock {
    fn read(fields: &mut Fields) -> Option<Self> {
        // What belongs to another form is left over, and refused as unknown.
        if fields.has("change") {
            return Some(Self::Change(ChangeStock { change: fields.required("change")? }));
        }
        if fields.has("quantity") {
            return Some(Self::Quantity(ChangeQuantity { quantity: fields.required("quantity")? }));
        }
        Some(Self::Set(SetStock { stock: fields.required("stock")? }))
    }
}

/// Where the units of a product are, at one moment: `stock + reserved + sold = received`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockLevel {
    pub product_id: i64,
    /// On hand, which is what can still be bought; absent if it is not tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stock: Option<i64>,
    /// Held for orders that are not confirmed yet.
    pub reserved: i64,
    pub sold: i64,
    /// Absent if stock is not tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub received: Option<i64>,
}

/// The answer to `GET /products/{id}/check-stock`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StockCheck {
    pub product_id: i64,
    pub quantity: i64,
    /// Absent if it is not tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stock: Option<i64>,
    /// Whether so many can be bought now.
    pub available: bool,
}

/// A line of a request to reserve or to order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub product_id: Id,
    /// One, unless it is given.
    #[schema(value_type = Option<Quantity>)]
    pub quantity: Quantity,
}

impl Body for Wanted {
    fn read(fields: &mut Fields) -> Option<Self> {
        let product_id = fields.required("product_id");
        let quantity = fields.optional("quantity");
        Some(Self { product_id: product_id?, quantity: quantity?.unwrap_or(Quantity::ONE) })
    }
}

/// That fewer units of a product are left than are wanted.
pub fn insufficient(id: i64, name: Option<&str>, left: i64, wanted: i64) -> Error {
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    Error::new(&INSUFFICIENT_STOCK).detail(format!("of product {id}{name} {left} are left, {wanted} are asked for"))
}

/// That the lines of one product have too many units between them.
pub fn too_many() -> Fault {
    let most = Quantity::MAX;
    Fault::rule(
        format!("paling banyak {most} satuan untuk satu produk"),
        format!("must have at most {most} units of one product"),
    )
}

/// Lines of different products, in the order of their ids: whoever locks them does it in one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Basket(pub BTreeMap<i64, i64>);

impl Basket {
    /// Adds units of a product. `None` if they are too many for one line.
    pub fn add(&mut self, product_id: Id, quantity: Quantity) -> Option<()> {
        let line = self.0.entry(product_id.get()).or_insert(0);
        *line = line.checked_add(quantity.get()).filter(|sum| *sum <= Quantity::MAX)?;
        Some(())
    }
}

impl Field for Basket {
    /// Lines of one product are added up.
    fn read(value: Value) -> Result<Self, Fault> {
        let mut basket = Self(BTreeMap::new());
        for line in array::<Wanted>(value, MAX_LINES)? {
            basket.add(line.product_id, line.quantity).ok_or_else(too_many)?;
        }
        Ok(basket)
    }
}

/// The body of `PUT /reservations/{key}`.
#[derive(Clone, Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReservation {
    #[schema(value_type = Vec<Wanted>, min_items = 1, max_items = 50)]
    pub items: Basket,
}

impl Body for NewReservation {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { items: fields.required("items")? })
    }
}

/// A reservation: its lines with what was so when it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reservation {
    pub key: String,
    /// `held` or `committed`.
    pub state: String,
    pub items: Vec<Reserved>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reserved {
    pub product_id: i64,
    pub name: String,
    /// Whole rupiah a unit.
    pub price: i64,
    pub quantity: i64,
    /// What was left; absent if the product tracks no stock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stock: Option<i64>,
}
