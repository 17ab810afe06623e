//! The order service: who bought what. It knows users and products only through their services.

pub mod api;
mod handlers;
mod placement;
mod store;

use std::time::Duration;

use crate::error::Result;
use crate::product::client::ProductClient;
use crate::storage::Db;
use crate::user::client::UserClient;
use crate::web::{Doc, Routes};

pub const NAME: &str = "OrderService";

/// How long an Idempotency-Key is remembered.
pub const KEY_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// What the handlers work with.
pub struct State {
    pub db: Db,
    pub users: UserClient,
    pub products: ProductClient,
}

pub fn routes(routes: &mut Routes) {
    routes.get(
        "/orders",
        handlers::list,
        Doc::new("Mengambil semua pesanan yang telah dibuat", "All orders, oldest first"),
    );
    routes.post(
        "/orders",
        handlers::create,
        Doc::new("Membuat pesanan berdasarkan user_id dan product_id", "Places an order"),
    );
    routes.get("/orders/{id}", handlers::show, Doc::new("Mengambil satu pesanan berdasarkan id", "One order"));
}

/// Forgets the Idempotency-Keys whose time is over.
pub async fn purge(db: &Db) -> Result<()> {
    // In steps, so that a long list of them delays nobody's order.
    while db.write(|tx| store::purge_keys(tx, store::now(), 1000)).await? > 0 {}
    Ok(())
}
