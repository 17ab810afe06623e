//! The product service: what there is to buy.

pub mod api;
pub mod client;
mod handlers;
mod store;

use serde_json::json;

use crate::error::{PRODUCT_NOT_FOUND, Result};
use crate::storage::Db;
use crate::web::{Doc, Routes};
use api::{ADDED, Added, NewProduct, Product};

pub const NAME: &str = "ProductService";

/// What the handlers work with.
pub struct State {
    pub db: Db,
}

pub fn routes(routes: &mut Routes) {
    let laptop = || json!({"id": 1, "name": "Laptop Asus", "price": 8_000_000});
    let monitor = || json!({"id": 4, "name": "Monitor LG", "price": 2_500_000});
    routes.get(
        "/products",
        handlers::list,
        Doc::new("Mengambil daftar semua produk", "All products, oldest first").lists::<Product>(json!([laptop()])),
    );
    routes.post(
        "/products",
        handlers::create,
        Doc::new("Mendaftarkan produk baru", "Adds a product")
            .takes::<NewProduct>(json!({"name": "Monitor LG", "price": 2_500_000}))
            .creates::<Added>(json!({"message": ADDED, "product": monitor()})),
    );
    routes.get(
        "/products/{id}",
        handlers::show,
        Doc::new("Mengambil data produk berdasarkan id", "One product")
            .id(&PRODUCT_NOT_FOUND)
            .shows::<Product>(laptop()),
    );
}

/// Adds the demo data to a database that never had a product.
pub async fn seed(db: &Db) -> Result<()> {
    db.write(store::seed).await
}
