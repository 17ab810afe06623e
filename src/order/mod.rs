//! The order service: who bought what. It knows users and products only through their services.

pub mod api;
mod handlers;
mod placement;
mod store;

use std::time::Duration;

use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::error::{
    IDEMPOTENCY_KEY_REUSED, ORDER_NOT_FOUND, PEER_UNAVAILABLE, PRODUCT_NOT_FOUND, Result, USER_NOT_FOUND,
};
use crate::product::client::ProductClient;
use crate::storage::Db;
use crate::user::client::UserClient;
use crate::web::{Doc, Routes};
use api::{NewOrder, PeerState, Shown};

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
    let order = || {
        json!({
            "order_id": 1,
            "id": 1,
            "user_id": 1,
            "user": {"id": 1, "name": "Bambang"},
            "product": {"id": 1, "name": "Laptop Asus", "price": 8_000_000},
            "items": [{"id": 1, "name": "Laptop Asus", "price": 8_000_000, "quantity": 1}],
            "total_price": 8_000_000,
            "status": "pending",
            "payment_status": "pending",
            "created_at": "2026-01-31T08:00:00.000Z",
        })
    };
    let sort = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["id", "-id"]));
    routes.get(
        "/orders",
        handlers::list,
        Doc::new("Mengambil semua pesanan yang telah dibuat", "All orders, oldest first")
            .lists::<Shown<'_>>(json!([order()]))
            .query("sort", sort, "`id`: oldest first; `-id`: newest first."),
    );
    routes.post(
        "/orders",
        handlers::create,
        Doc::new("Membuat pesanan berdasarkan user_id dan product_id", "Places an order")
            .takes::<NewOrder>(json!({"user_id": 1, "product_id": 1}))
            .creates::<Shown<'_>>(order())
            .once(&IDEMPOTENCY_KEY_REUSED)
            .fails(&[&USER_NOT_FOUND, &PRODUCT_NOT_FOUND, &PEER_UNAVAILABLE]),
    );
    routes.get(
        "/orders/{id}",
        handlers::show,
        Doc::new("Mengambil satu pesanan berdasarkan id", "One order").id(&ORDER_NOT_FOUND).shows::<Shown<'_>>(order()),
    );
    let user = json!({"name": "user", "url": "http://127.0.0.1:5000/", "answers": true});
    routes.get(
        "/peers",
        handlers::peers,
        Doc::new(
            "Service yang dihubungi, dan apakah mereka menjawab",
            "The services that this one calls, and whether they answer",
        )
        .shows_all::<PeerState>(json!([user])),
    );
}

/// Forgets the Idempotency-Keys whose time is over.
pub async fn purge(db: &Db) -> Result<()> {
    // In steps, so that a long list of them delays nobody's order.
    while db.write(|tx| store::purge_keys(tx, store::now(), 1000)).await? > 0 {}
    Ok(())
}
