//! The payment service: how orders are paid for. It reads and changes orders only through their service.

pub mod api;
pub mod client;
pub mod gateway;
mod handlers;
mod jobs;
mod settlement;
mod store;
mod subscribers;

use std::time::Duration;

use serde_json::json;

use crate::auth::Access;
use crate::clock::Clock;
use crate::error::{
    IDEMPOTENCY_KEY_REUSED, ORDER_NOT_FOUND, ORDER_STATE, PAYMENT_DECLINED, PAYMENT_MISMATCH, PAYMENT_NOT_FOUND,
    PAYMENT_OPEN, PAYMENT_TOO_LATE, PAYMENT_UNSETTLED, PEER_UNAVAILABLE, Result,
};
use crate::events::{JobRunner, Outbox};
use crate::order::client::OrderClient;
use crate::storage::Db;
use crate::web::{Doc, Routes};
use api::{Confirmation, Forms, NewPayment, Offered, Shown};
use gateway::Gateway;
pub use jobs::{PaymentJob, work};
pub use subscribers::SUBSCRIBERS;

pub const NAME: &str = "PaymentService";
/// The service in tables that services share.
pub const SERVICE: &str = "payment";

/// What the handlers work with.
#[derive(Clone)]
pub struct State {
    pub db: Db,
    pub clock: Clock,
    pub settler: Settler,
    pub outbox: Outbox,
    pub jobs: JobRunner<PaymentJob>,
    /// How long a payment can be confirmed.
    pub window: Duration,
}

/// What it takes to bring payments to their end.
#[derive(Clone)]
pub struct Settler {
    pub db: Db,
    pub outbox: Outbox,
    pub orders: OrderClient,
    pub gateway: Gateway,
}

pub fn routes(routes: &mut Routes) {
    let payment = |status| {
        json!({
            "id": 1,
            "payment_id": 1,
            "order_id": 1,
            "user_id": 1,
            "amount": 8_000_000,
            "method": "qris",
            "status": status,
            "created_at": "2026-01-31T08:00:00.000Z",
            "expires_at": "2026-01-31T08:00:10.000Z",
        })
    };
    routes.get(
        "/payments",
        handlers::list,
        Doc::new("Mengambil semua pembayaran", "All payments, oldest first")
            .lists::<Shown>(json!([payment("pending")])),
    );
    routes.post(
        "/payments",
        handlers::create,
        Doc::new("Membuat pembayaran untuk sebuah pesanan", "Opens a payment for a pending order")
            .by(Access::User)
            .takes_one_of::<NewPayment, Forms>(json!({"order_id": 1, "method": "qris"}))
            .creates::<Shown>(payment("pending"))
            .once(&[&IDEMPOTENCY_KEY_REUSED])
            .fails(&[
                &ORDER_NOT_FOUND,
                &ORDER_STATE,
                &PAYMENT_MISMATCH,
                &PAYMENT_OPEN,
                &PAYMENT_TOO_LATE,
                &PEER_UNAVAILABLE,
            ]),
    );
    routes.post(
        "/payments/confirm",
        handlers::confirm,
        Doc::new("Mengkonfirmasi pembayaran dalam batas waktunya", "Confirms a payment within its window")
            .by(Access::User)
            .takes::<Confirmation>(json!({"payment_id": 1}))
            .shows::<Shown>(payment("paid"))
            .fails(&[&PAYMENT_NOT_FOUND, &PAYMENT_TOO_LATE, &PAYMENT_DECLINED, &ORDER_STATE, &PAYMENT_UNSETTLED]),
    );
    routes.get(
        "/payments/methods",
        handlers::methods,
        Doc::new("Metode pembayaran yang tersedia", "The ways to pay")
            .by(Access::Anyone)
            .shows_all::<Offered>(json!([{"method": "transfer", "label": "transfer bank"}])),
    );
    routes.get(
        "/payments/order/{id}",
        handlers::of_order,
        Doc::new("Mengambil pembayaran berdasarkan id pesanan", "The latest payment of an order")
            .by(Access::User)
            .id(&PAYMENT_NOT_FOUND)
            .shows::<Shown>(payment("pending")),
    );
    routes.get(
        "/payments/{id}",
        handlers::show,
        Doc::new("Mengambil satu pembayaran berdasarkan id", "One payment")
            .by(Access::User)
            .id(&PAYMENT_NOT_FOUND)
            .shows::<Shown>(payment("pending")),
    );
    routes.post(
        "/payments/order/{id}/settle",
        handlers::settle,
        Doc::new(
            "Menyelaraskan pembayaran dengan pesanannya",
            "Brings the open payment of an order to what the order was said to have come to: paid, failed or expired",
        )
        .by(Access::Service)
        .id(&PAYMENT_NOT_FOUND)
        .shows::<Shown>(payment("paid"))
        .changes()
        .fails(&[&PAYMENT_UNSETTLED, &PEER_UNAVAILABLE]),
    );
    routes.post(
        "/payments/{id}/refund",
        handlers::refund,
        Doc::new("Mengembalikan dana pesanan yang dibatalkan", "Gives back what was paid for an order since cancelled")
            .by(Access::Service)
            .id(&PAYMENT_NOT_FOUND)
            .shows::<Shown>(payment("refunded"))
            .changes()
            .fails(&[&ORDER_STATE, &PAYMENT_UNSETTLED, &PEER_UNAVAILABLE]),
    );
}

/// Lets the payments expire whose time is over.
pub async fn expire(state: &State) -> Result<()> {
    settlement::expire(state).await
}
