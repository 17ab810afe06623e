//! The routes of the payment service, each with its documentation and its access rule.

use serde_json::json;

use super::api::{PaymentConfirmation, PaymentMethodOption, PaymentRecord, PaymentRequest, PaymentResponse};
use super::handlers;
use crate::auth::Access;
use crate::error::{
    BUSY, IDEMPOTENCY_KEY_REUSED, ORDER_NOT_FOUND, ORDER_STATE, PAYMENT_DECLINED, PAYMENT_MISMATCH, PAYMENT_NOT_FOUND,
    PAYMENT_OPEN, PAYMENT_TOO_LATE, PAYMENT_UNSETTLED, PEER_UNAVAILABLE, TOO_SLOW,
};
use crate::web::{Doc, Routes};

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
            .accepts_idempotency_key(&[&IDEMPOTENCY_KEY_REUSED])
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
    let record = json!({"order_id": 1, "payment_id": 1, "user_id": 1, "amount": 8_000_000, "status": "paid"});
    routes.get(
        "/invariants/payments",
        handlers::records,
        Doc::new(
            "Pembayaran per pesanan untuk dicocokkan dengan service lain",
            "The latest payment of each order, by their orders, for a comparison with other services",
        )
        .by(Access::Service)
        .lists::<PaymentRecord>(json!([record]))
        .fails(&[&BUSY, &TOO_SLOW]),
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
