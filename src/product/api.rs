//! The products of this service, and how they go over the wire.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{Change, Field, FieldError, Image, Name, ProductId, Quantity, Rupiah, Stock, Text, UnknownName};
use crate::error::{Error, INSUFFICIENT_STOCK, Result};
use crate::storage::{Cursor, Listed, Sort, SortKey};
use crate::web::{Body, Fields, array, body};

/// The most lines of an order or a reservation.
pub const MAX_LINES: usize = 50;
const _: () = assert!(MAX_LINES == 50, "the schema of the lines below says so");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    #[schema(value_type = i64)]
    pub id: ProductId,
    pub name: String,
    /// Whole rupiah.
    #[schema(value_type = i64)]
    pub price: Rupiah,
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

    fn cursor(&self, sort: Sort) -> Cursor {
        let key = match sort {
            Sort::Id | Sort::IdDown => SortKey::None,
            Sort::Price | Sort::PriceDown => SortKey::Int(self.price.get()),
            Sort::Name => SortKey::Text(self.name.clone()),
            Sort::Stock => SortKey::Int(self.stock.unwrap_or(i64::MAX)),
        };
        Cursor { key, id: self.id.get() }
    }
}

body! {
    /// The body of `POST /products` and `PUT /products/{id}`.
    #[derive(Clone, Debug)]
    pub struct NewProduct {
        required name: Name,
        required price: Rupiah,
        /// Without it the product can be bought without end.
        optional stock: Stock,
        optional category: Name,
        optional description: Text,
        optional image: Image,
    }

    /// The body of `PATCH /products/{id}`: what is absent stays, what is null goes (RFC 7396).
    #[derive(Clone, Debug)]
    pub struct ProductPatch patches NewProduct;
}

/// The message of a successful `POST /products`.
pub const ADDED: &str = "Produk berhasil ditambahkan";

/// The answer to `POST /products`, as seed 000 has it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProductCreated {
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

body! {
    #[derive(Clone, Copy, Debug)]
    pub struct SetStock {
        required stock: Stock,
    }
}

body! {
    #[derive(Clone, Copy, Debug)]
    pub struct ChangeStock {
        required change: Change,
    }
}

body! {
    /// The same as [`ChangeStock`], as seed 001 writes it.
    #[derive(Clone, Copy, Debug)]
    pub struct ChangeQuantity {
        required quantity: Change,
    }
}

impl Body for NewStock {
    fn read(fields: &mut Fields) -> Option<Self> {
        // The fields of another form are left over, and refused as unknown.
        if fields.has("change") {
            return ChangeStock::read(fields).map(Self::Change);
        }
        if fields.has("quantity") {
            return ChangeQuantity::read(fields).map(Self::Quantity);
        }
        SetStock::read(fields).map(Self::Set)
    }
}

/// Where the units of a product are, at one moment: `stock + reserved + sold = received`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockLevel {
    #[schema(value_type = i64)]
    pub product_id: ProductId,
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
    #[schema(value_type = i64)]
    pub product_id: ProductId,
    #[schema(value_type = i64)]
    pub quantity: Quantity,
    /// Absent if it is not tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stock: Option<i64>,
    /// Whether so many can be bought now.
    pub available: bool,
}

body! {
    /// A line of a request to reserve or to order.
    #[derive(Clone, Copy, Debug)]
    pub struct LineRequest {
        required product_id: ProductId,
        /// One, unless it is given.
        optional quantity: Quantity = Quantity::ONE,
    }
}

/// [`INSUFFICIENT_STOCK`]: `left` units of a product are left, fewer than `requested`.
pub fn insufficient(id: ProductId, name: Option<&str>, left: i64, requested: i64) -> Error {
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    Error::new(&INSUFFICIENT_STOCK).detail(format!("of product {id}{name} {left} are left, {requested} are asked for"))
}

/// The error of lines of one product whose sum is too large.
pub fn too_many() -> FieldError {
    let most = Quantity::MAX;
    FieldError::rule(
        format!("paling banyak {most} satuan untuk satu produk"),
        format!("must have at most {most} units of one product"),
    )
}

/// Lines of different products, in the order of their ids. They are locked in this order, so that no two requests
/// deadlock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Basket(pub BTreeMap<ProductId, Quantity>);

impl Basket {
    /// Adds units of a product; `None` if they are too many for one line.
    pub fn add(&mut self, product_id: ProductId, quantity: Quantity) -> Option<()> {
        match self.0.entry(product_id) {
            Entry::Vacant(line) => {
                line.insert(quantity);
            }
            Entry::Occupied(mut line) => {
                let sum = line.get().checked_add(quantity)?;
                line.insert(sum);
            }
        }
        Some(())
    }
}

impl Field for Basket {
    /// Lines of one product are added up.
    fn read(value: Value) -> Result<Self, FieldError> {
        let mut basket = Self(BTreeMap::new());
        for line in array::<LineRequest>(value, MAX_LINES)? {
            basket.add(line.product_id, line.quantity).ok_or_else(too_many)?;
        }
        Ok(basket)
    }
}

body! {
    /// The body of `PUT /reservations/{key}`.
    #[derive(Clone, Debug)]
    pub struct NewReservation {
        #[schema(value_type = Vec<LineRequest>, min_items = 1, max_items = 50)]
        required items: Basket,
    }
}

/// What has become of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationState {
    /// Its units can't be bought by others.
    Held,
    /// Its units are sold.
    Committed,
    /// Its units can be bought again. Its key never reserves anything again.
    Released,
}

impl ReservationState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Committed => "committed",
            Self::Released => "released",
        }
    }
}

impl FromStr for ReservationState {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let found = [Self::Held, Self::Committed, Self::Released].into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| UnknownName::new(text, "a state of a reservation"))
    }
}

/// A reservation: its lines with what was so when it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reservation {
    pub key: String,
    /// `held` or `committed`.
    #[schema(value_type = String)]
    pub state: ReservationState,
    pub items: Vec<ReservedItem>,
}

/// A reservation as other services compare it with their rows. Values are as they are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReservationRecord {
    pub key: String,
    /// `held`, `committed` or `released`.
    pub state: String,
    /// The units of products whose stock was tracked.
    pub units: i64,
}

impl Listed for ReservationRecord {
    fn response(&self) -> impl Serialize {
        self
    }

    fn cursor(&self, _: Sort) -> Cursor {
        Cursor { key: SortKey::Text(self.key.clone()), id: 0 }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReservedItem {
    #[schema(value_type = i64)]
    pub product_id: ProductId,
    pub name: String,
    /// Whole rupiah a unit.
    #[schema(value_type = i64)]
    pub price: Rupiah,
    #[schema(value_type = i64)]
    pub quantity: Quantity,
    /// What was left; absent if the product tracks no stock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stock: Option<i64>,
}
