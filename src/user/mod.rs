//! The user service: who buys.

pub mod api;
pub mod client;
mod handlers;
mod store;
mod stream;

use serde_json::json;

use crate::error::{EMAIL_TAKEN, Result, USER_NOT_FOUND};
use crate::events::{NOTIFICATIONS, Subscriber};
use crate::storage::Db;
use crate::web::{Doc, Routes};
use api::{NewUser, Notification, User};
pub use stream::Arrivals;

pub const NAME: &str = "UserService";

/// What the handlers work with.
#[derive(Clone)]
pub struct State {
    pub db: Db,
    pub arrivals: Arrivals,
}

pub fn routes(routes: &mut Routes) {
    let bambang = || json!({"id": 1, "name": "Bambang"});
    routes.get(
        "/users",
        handlers::list,
        Doc::new("Mengambil daftar semua user", "All users, oldest first").lists::<User>(json!([bambang()])),
    );
    routes.post(
        "/users",
        handlers::create,
        Doc::new("Mendaftarkan user baru", "Adds a user")
            .takes::<NewUser>(json!({"name": "Bob"}))
            .creates::<User>(json!({"id": 2, "name": "Bob"}))
            .fails(&[&EMAIL_TAKEN]),
    );
    routes.get(
        "/users/{id}",
        handlers::show,
        Doc::new("Mengambil data user berdasarkan id", "One user").id(&USER_NOT_FOUND).shows::<User>(bambang()),
    );
    let notification = || {
        json!({
            "id": 1,
            "order_id": 1,
            "status": "pending",
            "label": "menunggu pembayaran",
            "message": "Pesanan 1: menunggu pembayaran.",
            "at": "2026-01-31T08:00:00.000Z",
        })
    };
    routes.get(
        "/users/{id}/notifications",
        handlers::notifications,
        Doc::new(
            "Notifikasi status pesanan user",
            "One notification for each status that an order of the user reached",
        )
        .id(&USER_NOT_FOUND)
        .lists::<Notification>(json!([notification()])),
    );
    routes.get(
        "/users/{id}/notifications/stream",
        handlers::live_notifications,
        Doc::new("Notifikasi secara langsung (server-sent events)", "The notifications, live (server-sent events)")
            .id(&USER_NOT_FOUND)
            .streams::<Notification>(notification()),
    );
}

/// Makes notifications of what happens to orders, and tells the live streams.
pub fn subscriber(arrivals: Arrivals) -> Subscriber {
    let after = move |events: &[_]| arrivals.tell(events);
    Subscriber { name: NOTIFICATIONS, effect: store::notify, after: Some(std::sync::Arc::new(after)) }
}

/// Adds the demo data to a database that never had a user.
pub async fn seed(db: &Db) -> Result<()> {
    db.write(store::seed).await
}
