//! The payment service: how orders are paid for. It reads and changes orders only through their service.

pub mod api;
pub mod client;
pub mod gateway;
mod handlers;
mod settlement;
mod store;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::auth::Access;
use crate::clock::Clock;
use crate::error::{
    Error, IDEMPOTENCY_KEY_REUSED, ORDER_NOT_FOUND, ORDER_STATE, PAYMENT_DECLINED, PAYMENT_MISMATCH, PAYMENT_NOT_FOUND,
    PAYMENT_OPEN, PAYMENT_TOO_LATE, PAYMENT_UNSETTLED, PEER_UNAVAILABLE, Result,
};
use crate::events::{self, Act, Intent};
use crate::order::client::OrderClient;
use crate::storage::Db;
use crate::web::{Context, Doc, Routes};
use api::{PaymentConfirmation, PaymentMethodOption, PaymentRequest, PaymentResponse};
use gateway::Gateway;

pub const NAME: &str = "PaymentService";
/// The service in the storage's books.
pub const SERVICE: &str = "payment";

/// What the handlers work with.
#[derive(Clone)]
pub struct State {
    pub db: Db,
    pub clock: Clock,
    pub settler: Settler,
    /// The calls that payments owe.
    pub owed: events::Caller,
    /// How long a payment can be confirmed.
    pub window: Duration,
}

/// What it takes to bring payments to their end.
#[derive(Clone)]
pub struct Settler {
    pub db: Db,
    pub orders: OrderClient,
    pub gateway: Gateway,
}

/// The calls that a payment may owe; the target is its id.
struct Owed;

impl Owed {
    /// Charge it and tell its order, or give it back.
    const SETTLE: &str = "settle";
    /// Tell its order that it came to nothing.
    const TELL: &str = "tell";
}

/// Makes the calls that payments owe, when nobody waits for them.
pub fn act(settler: Settler) -> Act {
    Arc::new(move |intent| {
        let settler = settler.clone();
        Box::pin(async move { settler.call(&Context::own(), &intent).await })
    })
}

impl Settler {
    /// Makes one call that a payment owes.
    async fn call(&self, context: &Context, Intent { action, target, .. }: &Intent) -> Result<()> {
        let id = target.parse().map_err(Error::internal)?;
        match action.as_str() {
            Owed::SETTLE => self.settle(context, id).await,
            Owed::TELL => self.tell(context, id).await,
            _ => Err(Error::internal(anyhow::anyhow!("a payment owes no {action}"))),
        }
    }
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
            .lists::<PaymentResponse>(json!([payment("pending")])),
    );
    routes.post(
        "/payments",
        handlers::create,
        Doc::new("Membuat pembayaran untuk sebuah pesanan", "Opens a payment for a pending order")
            .by(Access::User)
            .takes::<PaymentRequest>(json!({"order_id": 1, "method": "qris"}))
            .creates::<PaymentResponse>(payment("pending"))
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
            .takes::<PaymentConfirmation>(json!({"payment_id": 1}))
            .shows::<PaymentResponse>(payment("paid"))
            .fails(&[&PAYMENT_NOT_FOUND, &PAYMENT_TOO_LATE, &PAYMENT_DECLINED, &ORDER_STATE, &PAYMENT_UNSETTLED]),
    );
    routes.get(
        "/payments/methods",
        handlers::methods,
        Doc::new("Metode pembayaran yang tersedia", "The ways to pay")
            .by(Access::Anyone)
            .shows_all::<PaymentMethodOption>(json!([{"method": "transfer", "label": "transfer bank"}])),
    );
    routes.get(
        "/payments/order/{id}",
        handlers::of_order,
        Doc::new("Mengambil pembayaran berdasarkan id pesanan", "The latest payment of an order")
            .by(Access::User)
            .id(&PAYMENT_NOT_FOUND)
            .shows::<PaymentResponse>(payment("pending")),
    );
    routes.get(
        "/payments/{id}",
        handlers::show,
        Doc::new("Mengambil satu pembayaran berdasarkan id", "One payment")
            .by(Access::User)
            .id(&PAYMENT_NOT_FOUND)
            .shows::<PaymentResponse>(payment("pending")),
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
        .shows::<PaymentResponse>(payment("paid"))
        .changes()
        .fails(&[&PAYMENT_UNSETTLED, &PEER_UNAVAILABLE]),
    );
    routes.post(
        "/payments/{id}/refund",
        handlers::refund,
        Doc::new("Mengembalikan dana pesanan yang dibatalkan", "Gives back what was paid for an order since cancelled")
            .by(Access::Service)
            .id(&PAYMENT_NOT_FOUND)
            .shows::<PaymentResponse>(payment("refunded"))
            .changes()
            .fails(&[&ORDER_STATE, &PAYMENT_UNSETTLED, &PEER_UNAVAILABLE]),
    );
}

/// Lets the payments expire whose time is over.
pub async fn expire(state: &State) -> Result<()> {
    settlement::expire(state).await
}
