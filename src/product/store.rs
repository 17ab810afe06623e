//! The SQL of the product service.

use serde::Deserialize;

use super::api::{NewProduct, Product};
use crate::error::{Error, Result};
use crate::storage::{Row, Tx};
use crate::web::Sort;

const DEMO: &str = include_str!("../../data/products.json");

fn product(row: &Row<'_>) -> Result<Product> {
    Ok(Product { id: row.get(0)?, name: row.get(1)?, price: row.get(2)? })
}

pub fn find(tx: &Tx<'_>, id: i64) -> Result<Option<Product>> {
    tx.query_opt("SELECT id, name, price FROM products WHERE id = $1", &[id.into()], product)
}

pub fn list(tx: &Tx<'_>, _: Sort, after: Option<i64>, limit: usize) -> Result<Vec<Product>> {
    tx.query(
        "SELECT id, name, price FROM products WHERE id > $1 ORDER BY id LIMIT $2",
        &[after.unwrap_or(0).into(), (limit as i64).into()],
        product,
    )
}

pub fn insert(tx: &Tx<'_>, new: &NewProduct) -> Result<Product> {
    tx.query_one(
        "INSERT INTO products (name, price) VALUES ($1, $2) RETURNING id, name, price",
        &[new.name.as_str().into(), new.price.get().into()],
        product,
    )
}

/// Adds the demo products, once ever, to an empty table only.
pub fn seed(tx: &Tx<'_>) -> Result<()> {
    #[derive(Deserialize)]
    struct Demo {
        name: String,
        price: i64,
    }
    let empty = tx.query_opt("SELECT 1 FROM products LIMIT 1", &[], |_| Ok(()))?.is_none();
    if empty && tx.first_time("demo products")? {
        for demo in serde_json::from_str::<Vec<Demo>>(DEMO).map_err(Error::internal)? {
            tx.execute(
                "INSERT INTO products (name, price) VALUES ($1, $2)",
                &[(&demo.name).into(), demo.price.into()],
            )?;
        }
    }
    Ok(())
}
