//! The catalogues that `pasar seed` adds to the products.

use anyhow::Context;
use clap::ValueEnum;

use super::api::NewProduct;
use super::service::start_up;
use super::store;
use crate::domain::FieldError;
use crate::error::{Error, Result};
use crate::events::Outbox;
use crate::storage::Db;
use crate::web::array;

/// The most products of a catalogue: they are added in one transaction.
const MAX_PRODUCTS: usize = 100;

/// A catalogue in the binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Catalogue {
    /// An Indonesian market, with stock, categories and pictures.
    Shop,
}

impl Catalogue {
    /// An array of bodies of `POST /products`.
    fn json(self) -> &'static str {
        match self {
            Self::Shop => include_str!("../../data/shop.json"),
        }
    }

    /// Its products, checked by the rules of `POST /products`.
    fn products(self) -> Result<Vec<NewProduct>> {
        let json = serde_json::from_str(self.json()).map_err(Error::internal)?;
        array(json, MAX_PRODUCTS).map_err(|error| {
            let (FieldError::Type(why) | FieldError::Rule(why)) = error;
            Error::internal(anyhow::anyhow!("{}", why.en))
        })
    }
}

/// What became of the products of a catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeded {
    pub added: usize,
    /// How many were there already, by their names.
    pub found: usize,
}

/// Adds the products of a catalogue whose names do not exist yet. If `demo`, a new database gets the demo data first, as
/// in a first start, so that it has the same ids.
pub async fn seed(db: &Db, outbox: Outbox, demo: bool, catalogue: Catalogue) -> anyhow::Result<Seeded> {
    start_up(db, demo).await?;
    let products = catalogue.products().context("the catalogue")?;
    let total = products.len();
    let added = db.write(move |tx| store::insert_missing(tx, &outbox, &products)).await?;
    Ok(Seeded { added, found: total - added })
}
