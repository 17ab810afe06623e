//! The catalogue that `pasar seed` adds to the products, and the stock of orders of the past.

use anyhow::Context;

use super::api::{Basket, NewProduct, Product, Reservation};
use super::service::start_up;
use super::store::{self, stock};
use crate::domain::{FieldError, ProductId, Timestamp};
use crate::error::{Error, Result};
use crate::events::Outbox;
use crate::storage::{Db, Tx};
use crate::web::array;

/// The most products of a catalogue: they are added in one transaction.
const MAX_PRODUCTS: usize = 100;
/// An Indonesian market, with stock, categories and pictures: an array of bodies of `POST /products`.
const CATALOGUE: &str = include_str!("../../data/shop.json");

/// The products of the catalogue, checked by the rules of `POST /products`.
fn catalogue() -> Result<Vec<NewProduct>> {
    let json = serde_json::from_str(CATALOGUE).map_err(Error::internal)?;
    array(json, MAX_PRODUCTS).map_err(|error| {
        let (FieldError::Type(why) | FieldError::Rule(why)) = error;
        Error::internal(anyhow::anyhow!("{}", why.en))
    })
}

/// What became of the products of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeded {
    pub added: usize,
    /// How many were there already, by their names.
    pub found: usize,
}

/// Adds the products of the catalogue whose names do not exist yet. If `demo`, a new database gets the demo data first,
/// as in a first start, so that it has the same ids.
pub async fn seed(db: &Db, outbox: Outbox, demo: bool) -> anyhow::Result<Seeded> {
    start_up(db, demo).await?;
    let products = catalogue().context("the catalogue")?;
    let total = products.len();
    let added = db.write(move |tx| store::insert_missing(tx, &outbox, &products)).await?;
    Ok(Seeded { added, found: total - added })
}

/// Writes what happened to stock in the past of a made-up shop. Units are received as they are ordered, and leave again
/// if they come back, so that as many are on hand as before.
#[derive(Clone, Copy, Debug)]
pub struct PastStock<'a> {
    pub outbox: &'a Outbox,
}

impl PastStock<'_> {
    /// The products of the catalogue that are there.
    pub fn products(self, tx: &Tx<'_>) -> Result<Vec<Product>> {
        let names = catalogue()?.into_iter().map(|new| new.name);
        let found = names.map(|name| store::oldest_of_name(tx, name));
        found.filter_map(Result::transpose).collect()
    }

    /// Reserves a basket, which is received before.
    pub fn reserve(self, tx: &Tx<'_>, key: &str, basket: &Basket) -> Result<Reservation> {
        for (id, quantity) in &basket.0 {
            self.change(tx, *id, quantity.get())?;
        }
        stock::reserve(tx, self.outbox, key, basket)
    }

    /// Makes a sale of a reservation.
    pub fn commit(self, tx: &Tx<'_>, key: &str, at: Timestamp) -> Result<()> {
        stock::commit(tx, key, at).map(drop)
    }

    /// Releases the reservation of a basket.
    pub fn release(self, tx: &Tx<'_>, key: &str, basket: &Basket, at: Timestamp) -> Result<()> {
        stock::release(tx, self.outbox, key, at)?;
        for (id, quantity) in &basket.0 {
            self.change(tx, *id, -quantity.get())?;
        }
        Ok(())
    }

    /// Changes the stock of a product, if it is tracked.
    fn change(self, tx: &Tx<'_>, id: ProductId, change: i64) -> Result<()> {
        if stock::levels(tx, id)?.is_some_and(|level| level.stock.is_some()) {
            stock::change(tx, self.outbox, id, change)?;
        }
        Ok(())
    }
}
