//! The product service: what there is to buy.

pub mod api;
pub mod client;
mod handlers;
mod store;

use crate::error::Result;
use crate::storage::Db;
use crate::web::{Doc, Routes};

pub const NAME: &str = "ProductService";

/// What the handlers work with.
pub struct State {
    pub db: Db,
}

pub fn routes(routes: &mut Routes) {
    routes.get("/products", handlers::list, Doc::new("Mengambil daftar semua produk", "All products, oldest first"));
    routes.post("/products", handlers::create, Doc::new("Mendaftarkan produk baru", "Adds a product"));
    routes.get("/products/{id}", handlers::show, Doc::new("Mengambil data produk berdasarkan id", "One product"));
}

/// Adds the demo data to a database that never had a product.
pub async fn seed(db: &Db) -> Result<()> {
    db.write(store::seed).await
}
