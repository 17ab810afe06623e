//! The lifecycle of an order: the allowed status changes, their effect on the stock, and what clients see.

use reqwest::Method;
use serde_json::{Value, json};

use crate::events::wait_until_idle;
use crate::fake::{Behavior, Fake};
use crate::notifications::walk;
use crate::support::{Answer, Clock, TestApp, eventually, rfc3339};

/// When the fixed clocks of the tests start, in epoch milliseconds.
pub const START: i64 = 1_800_000_000_000;
/// A sweeper that runs all the time, and one that runs only at the start.
pub const SWEEPS: [&str; 2] = ["--sweep=20ms", "--sweep=1h"];

/// The stock, reserved and sold units of a product.
pub type Levels = [i64; 3];
/// For a product of [`stocked`], after it was ordered with [`place_order`].
pub const HELD: Levels = [7, 3, 0];
pub const SOLD: Levels = [7, 0, 3];
pub const BACK: Levels = [10, 0, 0];

/// A status, and the expected state of an order that has it.
pub struct Lifecycle {
    pub status: &'static str,
    /// The steps that lead to the status. Each has the name of the status after it.
    pub way: &'static [&'static str],
    payment_status: &'static str,
    pub label: &'static str,
    pub english: &'static str,
    pub levels: Levels,
}

const fn lifecycle(
    way: &'static [&'static str],
    payment_status: &'static str,
    [label, english]: [&'static str; 2],
    levels: Levels,
) -> Lifecycle {
    let status = if let [.., last] = way { *last } else { "pending" };
    Lifecycle { status, way, payment_status, label, english, levels }
}

pub const LIFECYCLES: [Lifecycle; 8] = [
    lifecycle(&[], "pending", ["menunggu pembayaran", "waiting for payment"], HELD),
    lifecycle(&["paid"], "paid", ["dibayar", "paid"], HELD),
    lifecycle(&["paid", "confirmed"], "paid", ["dalam proses", "in process"], SOLD),
    lifecycle(&["paid", "confirmed", "shipped"], "paid", ["dikirim", "shipped"], SOLD),
    lifecycle(&["paid", "confirmed", "shipped", "completed"], "paid", ["selesai", "completed"], SOLD),
    lifecycle(&["cancelled"], "cancelled", ["dibatalkan", "cancelled"], BACK),
    lifecycle(&["expired"], "expired", ["kedaluwarsa", "expired"], BACK),
    lifecycle(&["failed"], "failed", ["pembayaran gagal", "payment failed"], BACK),
];

/// The allowed status changes.
const ALLOWED: [(&str, &str); 8] = [
    ("pending", "paid"),
    ("pending", "failed"),
    ("pending", "expired"),
    ("pending", "cancelled"),
    ("paid", "confirmed"),
    ("paid", "cancelled"),
    ("confirmed", "shipped"),
    ("shipped", "completed"),
];

/// A new product with a stock of ten.
pub async fn stocked(app: &TestApp) -> i64 {
    app.sells("Kopi", 20_000, Some(10)).await
}

/// User 1 orders three units of it.
pub async fn place_order(app: &TestApp, product: i64) -> i64 {
    let body = json!({"user_id": 1, "product_id": product, "quantity": 3});
    app.order.post("/orders", &body).await.expect(201)["id"].as_i64().unwrap()
}

pub async fn show(app: &TestApp, order: i64) -> Value {
    app.order.get(&format!("/orders/{order}")).await.expect(200)
}

/// Requests a status change.
pub async fn take_step(app: &TestApp, order: i64, step: &str) -> Answer {
    let (subpath, body) = match step {
        "confirmed" => ("confirm", json!({})),
        "shipped" | "completed" | "cancelled" => ("status", json!({"status": step})),
        _ => ("payment", json!({"payment_status": step})),
    };
    app.order.put(&format!("/orders/{order}/{subpath}"), &body).await
}

/// The statuses that the order has had.
pub async fn history(app: &TestApp, order: i64) -> Vec<String> {
    let tracking = app.order.all(&format!("/orders/{order}/tracking")).await;
    tracking.iter().map(|reached| reached["status"].as_str().unwrap().to_owned()).collect()
}

/// Waits until no event or job is waiting; then checks the history of the order and the stock.
pub async fn assert_outcome(app: &TestApp, order: i64, way: &[&str], product: i64, levels: Levels) {
    wait_until_idle(app).await;
    assert_eq!(history(app, order).await, [&["pending"], way].concat(), "order {order}");
    assert_eq!(app.stock_levels(product).await, levels, "order {order}");
}

#[tokio::test]
async fn only_the_status_changes_of_the_table_are_allowed_and_others_change_nothing() {
    let app = TestApp::spawn().await;
    let mut ends = Vec::new();
    for lifecycle in &LIFECYCLES {
        for Lifecycle { status: step, .. } in &LIFECYCLES {
            let (from, product) = (lifecycle.status, stocked(&app).await);
            let order = place_order(&app, product).await;
            for step in lifecycle.way {
                take_step(&app, order, step).await.expect(200);
            }
            let before = show(&app, order).await;
            assert_eq!(
                (&before["status"], &before["payment_status"]),
                (&json!(from), &json!(lifecycle.payment_status))
            );
            let answer = take_step(&app, order, step).await;
            let mut way = lifecycle.way.to_vec();
            if lifecycle.payment_status == *step && *step != "cancelled" {
                assert_eq!(answer.expect(200), before, "repeating the status changes nothing");
                assert_eq!(show(&app, order).await, before);
            } else if ALLOWED.contains(&(from, step)) {
                assert_eq!(answer.expect(200), show(&app, order).await);
                way.push(*step);
            } else {
                let code = if (from, *step) == ("expired", "paid") { "payment_too_late" } else { "order_state" };
                answer.problem(409, code);
                assert_eq!(show(&app, order).await, before, "{from} to {step}");
            }
            ends.push((order, product, way));
        }
    }
    wait_until_idle(&app).await;
    let notified = app.user.all("/users/1/notifications").await;
    for (order, product, way) in ends {
        let end = LIFECYCLES.iter().find(|lifecycle| lifecycle.status == *way.last().unwrap_or(&"pending")).unwrap();
        assert_outcome(&app, order, &way, product, end.levels).await;
        assert_eq!(show(&app, order).await["status"], end.status);
        let notified =
            notified.iter().filter(|one| one["order_id"] == order).map(|one| one["status"].as_str().unwrap());
        assert_eq!(notified.collect::<Vec<_>>(), [&["pending"], &*way].concat(), "order {order}");
    }
}

#[tokio::test]
async fn tracking_shows_each_status_and_its_time_in_both_languages() {
    let clock = Clock::standing_at(START);
    let app = TestApp::with_clock(&["--sweep=1h"], &clock).await;
    for lifecycle in &LIFECYCLES {
        clock.set(START);
        let order = place_order(&app, 1).await;
        let mut reached = vec![&LIFECYCLES[0]];
        for (step, at) in lifecycle.way.iter().zip(1..) {
            clock.set(START + at);
            take_step(&app, order, step).await.expect(200);
            reached.push(LIFECYCLES.iter().find(|lifecycle| lifecycle.status == *step).unwrap());
        }
        for language in ["id", "en"] {
            let lines = reached.iter().zip(START..).map(|(lifecycle, at)| {
                let label = if language == "en" { lifecycle.english } else { lifecycle.label };
                json!({"status": lifecycle.status, "label": label, "at": rfc3339(at)})
            });
            let answer = app.order.get_as(&format!("/orders/{order}/tracking"), &[("accept-language", language)]).await;
            assert_eq!(answer.expect(200), Value::from_iter(lines));
        }
    }
}

#[tokio::test]
async fn detail_shows_current_user_and_product_data() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::in_folder(&folder, &[]).await;
    let order = place_order(&app, 1).await;
    let items = json!([{"product_id": 2, "quantity": 1}, {"product_id": 3, "quantity": 2}]);
    app.user.post("/users", &json!({"name": "Siti"})).await.expect(201);
    let two = app.order.post("/orders", &json!({"user_id": 2, "items": items})).await.expect(201);
    let path = format!("/orders/{order}/detail");
    let placed = show(&app, order).await;

    let now =
        app.product.patch("/products/1", &json!({"name": "Laptop Baru", "price": 1, "stock": 5})).await.expect(200);
    let detail = app.order.get(&path).await.expect(200);
    assert_eq!((&detail["product"], &detail["products"]), (&now, &json!([now])));
    for same in ["order_id", "id", "user_id", "user", "items", "total_price", "status", "payment_status", "created_at"]
    {
        assert_eq!(detail[same], placed[same], "{same}");
    }
    assert_eq!(show(&app, order).await, placed, "the order itself is unchanged");

    for id in [1, 2] {
        assert_eq!(app.product.delete(&format!("/products/{id}")).await.status, 204);
    }
    let detail = app.order.get(&path).await.expect(200);
    assert_eq!((detail.get("product"), &detail["products"]), (None, &json!([])));
    let detail = app.order.get("/orders/2/detail").await.expect(200);
    assert_eq!((detail.get("product"), detail["products"].as_array().unwrap().len()), (None, 1));
    assert_eq!((&detail["products"][0]["id"], &detail["items"]), (&json!(3), &two["items"]));
    drop(app);

    // Another user service has another name for user 1, and no user 2.
    let stranger = Fake::start(Behavior::Well);
    let app = TestApp::in_folder(&folder, &["--user-url", &stranger.url()]).await;
    assert_eq!(app.order.get(&path).await.expect(200)["user"], json!({"id": 1, "name": "Asing"}));
    assert_eq!(app.order.get("/orders/2/detail").await.expect(200)["user"], json!({"id": 2, "name": "Siti"}));
    drop(app);

    for peer in ["user", "product"] {
        let away = Fake::start(Behavior::Away);
        let app = TestApp::in_folder(&folder, &[&format!("--{peer}-url"), &away.url()]).await;
        let refused = app.order.get(&path).await;
        refused.problem(503, "peer_unavailable");
        assert!(refused.header("retry-after").parse::<u32>().is_ok(), "{:?}", refused.headers);
        app.order.get("/orders/99/detail").await.problem(404, "order_not_found");
    }
}

#[tokio::test]
async fn order_lists_can_be_filtered_sorted_and_paged() {
    let app = TestApp::spawn().await;
    app.user.post("/users", &json!({"name": "Siti"})).await.expect(201);
    for at in 1..=12 {
        let body = json!({"user_id": if at % 3 == 0 { 2 } else { 1 }, "product_id": 3});
        app.order.post("/orders", &body).await.expect(201);
        if at % 2 == 0 {
            take_step(&app, at, "cancelled").await.expect(200);
        }
    }
    let cases: [(&str, &[i64]); 10] = [
        ("/orders?user_id=2", &[3, 6, 9, 12]),
        ("/orders?status=cancelled", &[2, 4, 6, 8, 10, 12]),
        ("/orders?status=pending&user_id=1", &[1, 5, 7, 11]),
        ("/orders?sort=-id&user_id=1", &[11, 10, 8, 7, 5, 4, 2, 1]),
        ("/orders?sort=id&status=cancelled&user_id=2", &[6, 12]),
        ("/orders?status=completed", &[]),
        ("/orders?user_id=99", &[]),
        ("/orders/user/2?", &[3, 6, 9, 12]),
        ("/orders/user/1?sort=-id&status=pending", &[11, 7, 5, 1]),
        ("/orders/user/2?status=paid", &[]),
    ];
    for (path, ids) in cases {
        let whole = app.order.all(path).await;
        assert_eq!(whole.iter().map(|order| order["id"].as_i64().unwrap()).collect::<Vec<_>>(), ids, "{path}");
        for limit in [1, 2, 3, 1000] {
            let pages = walk(&app.order, &format!("{path}&limit={limit}")).await;
            assert_eq!(pages.len(), ids.len().div_ceil(limit).max(1), "{path} {limit}");
            assert_eq!(pages.concat(), whole, "{path} {limit}");
        }
    }
    for (path, field) in [
        ("/orders?status=lost", "status"),
        ("/orders?status=Paid", "status"),
        ("/orders?user_id=0", "user_id"),
        ("/orders?user_id=abc", "user_id"),
        ("/orders?sort=status", "sort"),
        ("/orders/user/1?user_id=1", "user_id"),
    ] {
        let refused = app.order.get(path).await.problem(400, "bad_query");
        assert!(refused["errors"][field].is_string(), "{path}: {refused}");
    }
    for id in ["0", "-1", "abc", "9223372036854775808"] {
        app.order.get(&format!("/orders/user/{id}")).await.problem(404, "user_not_found");
    }
}

#[tokio::test]
async fn unknown_statuses_and_unknown_orders_are_refused() {
    let app = TestApp::spawn().await;
    let order = place_order(&app, 1).await;
    for word in ["lunas", "Paid", "", " paid", "confirmed", "refunded"] {
        let refused = app.order.put(&format!("/orders/{order}/payment"), &json!({"payment_status": word})).await;
        assert_eq!(refused.problem(422, "payment_status_invalid")["message"], "Status pembayaran tidak valid.");
    }
    for (subpath, body, status, code) in [
        ("payment", json!({"payment_status": 1}), 400, "wrong_type"),
        ("payment", json!({}), 422, "invalid_fields"),
        ("payment", json!({"payment_status": "paid", "note": ""}), 422, "invalid_fields"),
        ("payment", json!({"payment_status": "paid", "payment_id": 0}), 422, "invalid_fields"),
        ("status", json!({"status": "paid"}), 422, "invalid_fields"),
        ("status", json!({"status": ["cancelled"]}), 400, "wrong_type"),
    ] {
        app.order.put(&format!("/orders/{order}/{subpath}"), &body).await.problem(status, code);
    }
    assert_eq!(history(&app, order).await, ["pending"]);
    for Lifecycle { status, .. } in &LIFECYCLES {
        take_step(&app, 99, status).await.problem(404, "order_not_found");
    }
    for id in ["0", "x", "9223372036854775808"] {
        let confirm = format!("/orders/{id}/confirm");
        app.order.send(Method::PUT, &confirm, &[], Vec::new()).await.problem(404, "order_not_found");
        app.order.get(&format!("/orders/{id}/tracking")).await.problem(404, "order_not_found");
    }
}

#[tokio::test]
async fn an_order_can_only_be_paid_before_its_deadline() {
    const DEADLINE: i64 = START + 60_000;
    for sweep in SWEEPS {
        for at in [DEADLINE - 1, DEADLINE, DEADLINE + 1, DEADLINE + 2_000, DEADLINE + 3_600_000] {
            let clock = Clock::standing_at(START);
            let app = TestApp::with_clock(&["--order-ttl=1m", sweep], &clock).await;
            let product = stocked(&app).await;
            let order = place_order(&app, product).await;
            assert_eq!(show(&app, order).await["expires_at"], rfc3339(DEADLINE));
            clock.set(at);
            let answer = take_step(&app, order, "paid").await;
            if at < DEADLINE {
                let paid = answer.expect(200);
                assert_eq!((&paid["status"], paid.get("expires_at")), (&json!("paid"), None));
                assert_outcome(&app, order, &["paid"], product, HELD).await;
                continue;
            }
            let refused = answer.problem(409, "payment_too_late");
            assert_eq!(refused["message"], "Waktu pembayaran telah habis.");
            assert_outcome(&app, order, &["expired"], product, BACK).await;
            take_step(&app, order, "paid").await.problem(409, "payment_too_late");
            take_step(&app, order, "cancelled").await.problem(409, "order_state");
            assert_outcome(&app, order, &["expired"], product, BACK).await;
        }
    }
}

#[tokio::test]
async fn the_sweeper_expires_unpaid_orders_two_seconds_after_the_deadline() {
    let clock = Clock::standing_at(START);
    let app = TestApp::with_clock(&["--order-ttl=1m", "--sweep=20ms"], &clock).await;
    let [product, other] = [stocked(&app).await, stocked(&app).await];
    let [lapsed, paid] = [place_order(&app, product).await, place_order(&app, other).await];
    take_step(&app, paid, "paid").await.expect(200);
    clock.set(START + 1);
    let late = place_order(&app, other).await;
    clock.set(START + 62_000);
    eventually("the order expires", async || (show(&app, lapsed).await["status"] == "expired").then_some(())).await;
    assert_eq!(show(&app, late).await["status"], "pending", "its deadline is a millisecond away");
    assert_outcome(&app, lapsed, &["expired"], product, BACK).await;
    // When the next order is swept, the sweeper has seen the first one again.
    clock.set(START + 62_001);
    eventually("the next one too", async || (show(&app, late).await["status"] == "expired").then_some(())).await;
    assert_outcome(&app, lapsed, &["expired"], product, BACK).await;
    assert_outcome(&app, paid, &["paid"], other, HELD).await;
}

#[tokio::test]
async fn cancelling_a_paid_order_refunds_it_and_releases_the_stock() {
    let app = TestApp::spawn().await;
    let product = stocked(&app).await;
    let order = place_order(&app, product).await;
    app.payment.post("/payments", &json!({"order_id": order})).await.expect(201);
    app.payment.post("/payments/confirm", &json!({"order_id": order})).await.expect(200);
    assert_eq!(show(&app, order).await["payment_id"], 1);
    let cancelled = take_step(&app, order, "cancelled").await.expect(200);
    assert_eq!((&cancelled["status"], &cancelled["payment_status"]), (&json!("cancelled"), &json!("refunded")));
    assert_outcome(&app, order, &["paid", "cancelled"], product, BACK).await;
    assert_eq!(app.payment.get("/payments/1").await.expect(200)["status"], "refunded");
    take_step(&app, order, "paid").await.problem(409, "order_state");
}
