//! The order service: who bought what, and what became of it. It knows users, products and payments only
//! through their services.

pub mod api;
pub mod client;
mod forms;
mod handlers;
mod jobs;
mod lifecycle;
mod placement;
mod store;
mod subscribers;

use std::time::Duration;

use serde_json::json;
use utoipa::PartialSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::auth::Access;
use crate::clock::Clock;
use crate::error::{
    BUSY, Error, IDEMPOTENCY_KEY_REUSED, INSUFFICIENT_STOCK, KEY_UNDER_WAY, ORDER_NOT_FOUND, ORDER_STATE,
    PAYMENT_STATUS_INVALID, PAYMENT_TOO_LATE, PEER_UNAVAILABLE, PRICE_DIFFERS, PRODUCT_NOT_FOUND, Result,
    TOO_MANY_HELD_UNITS, TOO_MANY_OPEN_ORDERS, TOO_SLOW, USER_NOT_FOUND,
};
use crate::events::{JobRunner, Outbox};
use crate::payment::client::PaymentClient;
use crate::product::client::ProductClient;
use crate::storage::Db;
use crate::user::client::UserClient;
use crate::web::{Doc, Id, Routes};
use api::{Detail, PeerState, Reached, Shown, Status};
use forms::{Forms, NewOrder, NewPaymentStatus, NewStatus};
pub use jobs::{OrderJob, work};
pub use subscribers::SUBSCRIBERS;

pub const NAME: &str = "OrderService";
/// The service in tables that services share.
pub const SERVICE: &str = "order";

/// What the handlers work with.
#[derive(Clone)]
pub struct State {
    pub db: Db,
    pub clock: Clock,
    pub users: UserClient,
    /// `None`: there is no product service, and every order is of custom lines.
    pub products: Option<ProductClient>,
    pub payments: PaymentClient,
    pub outbox: Outbox,
    pub jobs: JobRunner<OrderJob>,
    /// How long an order waits to be paid.
    pub order_ttl: Duration,
    pub quota: Quota,
}

/// What one account may have open at once, so that nobody holds all stock without paying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Orders that wait to be paid.
    pub orders: i64,
    /// Units of tracked products that such orders hold.
    pub units: i64,
}

impl State {
    /// The product service; without one no product can be found.
    fn products(&self) -> Result<&ProductClient> {
        let missing = || Error::new(&PRODUCT_NOT_FOUND).detail("there is no product service: PRODUCT_URL is none");
        self.products.as_ref().ok_or_else(missing)
    }
}

pub fn routes(routes: &mut Routes) {
    let order = || {
        json!({
            "order_id": 1,
            "id": 1,
            "user_id": 1,
            "user": {"id": 1, "name": "Bambang"},
            "product": {"id": 1, "name": "Laptop Asus", "price": 8_000_000},
            "product_id": 1,
            "quantity": 1,
            "items": [{"id": 1, "name": "Laptop Asus", "price": 8_000_000, "quantity": 1}],
            "total_price": 8_000_000,
            "status": "pending",
            "payment_status": "pending",
            "created_at": "2026-01-31T08:00:00.000Z",
            "expires_at": "2026-01-31T08:15:00.000Z",
        })
    };
    let detail = || {
        let mut detail = order();
        // These are of the order as it was placed alone.
        if let Some(members) = detail.as_object_mut() {
            members.remove("product_id");
            members.remove("quantity");
        }
        detail["products"] = json!([detail["product"]]);
        detail
    };
    let sort = || {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(handlers::SORTS.map(crate::web::Sort::name)))
    };
    let status = || {
        let one = Status::ALL.map(Status::as_str).join("|");
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(format!("^({one})(,({one}))*$")))
    };
    routes.get(
        "/orders",
        handlers::list,
        Doc::new("Mengambil semua pesanan yang telah dibuat", "All orders, oldest first")
            .by(Access::Service)
            .lists::<Shown<'_>>(json!([order()]))
            .query("status", status().into(), "Of this status, or of one of several: `paid,confirmed`.")
            .query("user_id", Id::schema(), "Of this user.")
            .query("sort", sort().into(), "`id`: oldest first; `-id`: newest first.")
            .fails(&[&BUSY, &TOO_SLOW]),
    );
    routes.post(
        "/orders",
        handlers::create,
        Doc::new("Membuat pesanan berdasarkan user_id dan product_id", "Places an order")
            .by(Access::User)
            .takes_one_of::<NewOrder, Forms>(json!({"user_id": 1, "product_id": 1}))
            .creates::<Shown<'_>>(order())
            .once(&[&IDEMPOTENCY_KEY_REUSED, &KEY_UNDER_WAY])
            .fails(&[&USER_NOT_FOUND, &PRODUCT_NOT_FOUND, &INSUFFICIENT_STOCK, &PRICE_DIFFERS, &PEER_UNAVAILABLE])
            .fails(&[&TOO_MANY_OPEN_ORDERS, &TOO_MANY_HELD_UNITS]),
    );
    routes.get(
        "/orders/user/{id}",
        handlers::of_user,
        Doc::new("Mengambil pesanan milik satu user", "The orders of one user, oldest first")
            .by(Access::UserOrService)
            .id(&USER_NOT_FOUND)
            .lists::<Shown<'_>>(json!([order()]))
            .query("status", status().into(), "Of this status, or of one of several: `paid,confirmed`.")
            .query("sort", sort().into(), "`id`: oldest first; `-id`: newest first.")
            .fails(&[&BUSY, &TOO_SLOW]),
    );
    routes.get(
        "/orders/{id}",
        handlers::show,
        Doc::new("Mengambil satu pesanan berdasarkan id", "One order")
            .by(Access::UserOrService)
            .id(&ORDER_NOT_FOUND)
            .shows::<Shown<'_>>(order()),
    );
    routes.get(
        "/orders/{id}/detail",
        handlers::detail,
        Doc::new(
            "Pesanan lengkap dengan data user dan produk saat ini",
            "One order with its user and its products as they are now",
        )
        .by(Access::UserOrService)
        .id(&ORDER_NOT_FOUND)
        .shows::<Detail<'_>>(detail())
        .fails(&[&PEER_UNAVAILABLE]),
    );
    routes.get(
        "/orders/{id}/tracking",
        handlers::tracking,
        Doc::new("Melacak status pesanan", "The statuses that an order reached, oldest first")
            .by(Access::UserOrService)
            .id(&ORDER_NOT_FOUND)
            .shows_all::<Reached>(json!([
                {"status": "pending", "label": "menunggu pembayaran", "at": "2026-01-31T08:00:00.000Z"},
            ]))
            .fails(&[&crate::error::STORAGE_UNAVAILABLE]),
    );
    routes.put(
        "/orders/{id}/payment",
        handlers::set_payment,
        Doc::new("Memperbarui status pembayaran pesanan", "Says what has become of an order's payment")
            .by(Access::Service)
            .id(&ORDER_NOT_FOUND)
            .takes::<NewPaymentStatus>(json!({"payment_status": "paid"}))
            .shows::<Shown<'_>>(order())
            .fails(&[&PAYMENT_STATUS_INVALID, &ORDER_STATE, &PAYMENT_TOO_LATE]),
    );
    routes.put(
        "/orders/{id}/confirm",
        handlers::confirm,
        Doc::new("Mengkonfirmasi pesanan yang sudah dibayar", "Confirms a paid order: what it reserved is sold")
            .id(&ORDER_NOT_FOUND)
            .shows::<Shown<'_>>(order())
            .changes()
            .fails(&[&ORDER_STATE]),
    );
    routes.put(
        "/orders/{id}/status",
        handlers::set_status,
        Doc::new("Mengubah status pesanan: dikirim, selesai, dibatalkan", "Ships, completes or cancels an order")
            .by(Access::User)
            .id(&ORDER_NOT_FOUND)
            .takes::<NewStatus>(json!({"status": "cancelled"}))
            .shows::<Shown<'_>>(order())
            .fails(&[&ORDER_STATE]),
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

/// Lets the orders expire that nobody paid in time.
pub async fn expire(state: &State) -> Result<()> {
    lifecycle::expire(state).await
}
