//! The routes of the order service, each with its documentation and its access rule.

use serde_json::json;
use utoipa::PartialSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::api::{Activity, OrderDetail, OrderFigures, OrderRecord, OrderResponse, PeerState, TrackingEntry};
use super::forms::{NewOrderPayment, NewOrderStatus, OrderRequest};
use super::{figures, handlers};
use crate::auth::Access;
use crate::domain::{OrderStatus as Status, UserId};
use crate::error::{
    BUSY, IDEMPOTENCY_KEY_REUSED, INSUFFICIENT_STOCK, KEY_UNDER_WAY, ORDER_NOT_FOUND, ORDER_STATE,
    PAYMENT_STATUS_INVALID, PAYMENT_TOO_LATE, PEER_UNAVAILABLE, PRICE_DIFFERS, PRODUCT_NOT_FOUND, STORAGE_UNAVAILABLE,
    TOO_MANY_HELD_UNITS, TOO_MANY_OPEN_ORDERS, TOO_SLOW, USER_NOT_FOUND,
};
use crate::storage::Sort;
use crate::web::{Doc, Routes};

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
        // Only the order as it was placed has these.
        if let Some(members) = detail.as_object_mut() {
            members.remove("product_id");
            members.remove("quantity");
        }
        detail["products"] = json!([detail["product"]]);
        detail
    };
    let sort = || ObjectBuilder::new().schema_type(Type::String).enum_values(Some(handlers::SORTS.map(Sort::name)));
    let status = || {
        let one = Status::ALL.map(Status::as_str).join("|");
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(format!("^({one})(,({one}))*$")))
    };
    routes.get(
        "/orders",
        handlers::list,
        Doc::new("Mengambil semua pesanan yang telah dibuat", "All orders, oldest first")
            .by(Access::Service)
            .lists::<OrderResponse<'_>>(json!([order()]))
            .query("status", status().into(), "Of this status, or of one of several: `paid,confirmed`.")
            .query("user_id", UserId::schema(), "Of this user.")
            .query("sort", sort().into(), "`id`: oldest first; `-id`: newest first.")
            .fails(&[&BUSY, &TOO_SLOW]),
    );
    routes.post(
        "/orders",
        handlers::create,
        Doc::new("Membuat pesanan berdasarkan user_id dan product_id", "Places an order")
            .by(Access::User)
            .takes::<OrderRequest>(json!({"user_id": 1, "product_id": 1}))
            .creates::<OrderResponse<'_>>(order())
            .accepts_idempotency_key(&[&IDEMPOTENCY_KEY_REUSED, &KEY_UNDER_WAY])
            .fails(&[&USER_NOT_FOUND, &PRODUCT_NOT_FOUND, &INSUFFICIENT_STOCK, &PRICE_DIFFERS, &PEER_UNAVAILABLE])
            .fails(&[&TOO_MANY_OPEN_ORDERS, &TOO_MANY_HELD_UNITS]),
    );
    routes.get(
        "/orders/user/{id}",
        handlers::of_user,
        Doc::new("Mengambil pesanan milik satu user", "The orders of one user, oldest first")
            .by(Access::UserOrService)
            .id(&USER_NOT_FOUND)
            .lists::<OrderResponse<'_>>(json!([order()]))
            .query("status", status().into(), "Of this status, or of one of several: `paid,confirmed`.")
            .query("sort", sort().into(), "`id`: oldest first; `-id`: newest first.")
            .fails(&[&BUSY, &TOO_SLOW]),
    );
    let activity =
        || json!({"id": 17, "order_id": 1, "status": "paid", "label": "dibayar", "at": "2026-01-31T08:01:00.000Z"});
    let period = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(figures::MAX_MINUTES));
    routes.get(
        "/orders/summary",
        handlers::summary,
        Doc::new("Ringkasan pesanan: jumlah, pendapatan, menit demi menit", "The orders in figures: counts and revenue")
            .query("period", period.into(), "The minutes that the figures are about, up to now; a day, unless it is given.")
            .shows::<OrderFigures>(json!({
                "statuses": {"pending": 3, "paid": 1, "confirmed": 0, "shipped": 0, "completed": 7, "cancelled": 0, "expired": 2, "failed": 0},
                "placed": 13,
                "refused": 2,
                "revenue": 21_500_000,
                "minutes": [{"at": "2026-01-31T08:00:00.000Z", "placed": 5, "refused": 1, "revenue": 8_000_000}],
            })),
    );
    routes.get(
        "/orders/activity",
        handlers::activity,
        Doc::new("Perubahan pesanan, yang terbaru dulu", "The latest changes of orders, newest first")
            .lists::<Activity>(json!([activity()])),
    );
    routes.get(
        "/orders/activity/stream",
        handlers::live_activity,
        Doc::new(
            "Perubahan pesanan secara langsung (server-sent events)",
            "What happens to orders, live (server-sent events)",
        )
        .by(Access::AdminStream)
        .streams::<Activity>("with what happens next", activity()),
    );
    routes.get(
        "/orders/{id}",
        handlers::show,
        Doc::new("Mengambil satu pesanan berdasarkan id", "One order")
            .by(Access::UserOrService)
            .id(&ORDER_NOT_FOUND)
            .shows::<OrderResponse<'_>>(order()),
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
        .shows::<OrderDetail<'_>>(detail())
        .fails(&[&PEER_UNAVAILABLE]),
    );
    routes.get(
        "/orders/{id}/tracking",
        handlers::tracking,
        Doc::new("Melacak status pesanan", "The statuses that an order reached, oldest first")
            .by(Access::UserOrService)
            .id(&ORDER_NOT_FOUND)
            .shows_all::<TrackingEntry>(json!([
                {"status": "pending", "label": "menunggu pembayaran", "at": "2026-01-31T08:00:00.000Z"},
            ]))
            .fails(&[&STORAGE_UNAVAILABLE]),
    );
    routes.put(
        "/orders/{id}/payment",
        handlers::set_payment,
        Doc::new("Memperbarui status pembayaran pesanan", "Says what has become of an order's payment")
            .by(Access::Service)
            .id(&ORDER_NOT_FOUND)
            .takes::<NewOrderPayment>(json!({"payment_status": "paid"}))
            .shows::<OrderResponse<'_>>(order())
            .fails(&[&PAYMENT_STATUS_INVALID, &ORDER_STATE, &PAYMENT_TOO_LATE]),
    );
    routes.put(
        "/orders/{id}/confirm",
        handlers::confirm,
        Doc::new("Mengkonfirmasi pesanan yang sudah dibayar", "Confirms a paid order: what it reserved is sold")
            .id(&ORDER_NOT_FOUND)
            .shows::<OrderResponse<'_>>(order())
            .changes()
            .fails(&[&ORDER_STATE]),
    );
    routes.put(
        "/orders/{id}/status",
        handlers::set_status,
        Doc::new("Mengubah status pesanan: dikirim, selesai, dibatalkan", "Ships, completes or cancels an order")
            .by(Access::User)
            .id(&ORDER_NOT_FOUND)
            .takes::<NewOrderStatus>(json!({"status": "cancelled"}))
            .shows::<OrderResponse<'_>>(order())
            .fails(&[&ORDER_STATE]),
    );
    let record = json!({
        "order_id": 1, "user_id": 1, "status": "paid", "total_price": 8_000_000, "paid_by": 1,
        "reservation": "7f1c3a52-5d1e-4a34-9c5b-0c8f3d2e6a91", "units": 1,
    });
    routes.get(
        "/invariants/orders",
        handlers::records,
        Doc::new("Pesanan untuk dicocokkan dengan service lain", "All orders, for a comparison with other services")
            .by(Access::Service)
            .lists::<OrderRecord>(json!([record]))
            .fails(&[&BUSY, &TOO_SLOW]),
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
