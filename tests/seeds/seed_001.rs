//! Seed 001, "Microservices E-Commerce System": its endpoints in the order of its flow ("Alur Aplikasi"), from an
//! empty shop to the history of confirmed orders.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Answer, Clock, TestApp, eventually};
use crate::{NOON, assert_shows, json as parse};

/// Four services, each on its own port, an empty database, and pages opened from disk.
const LAYOUT: [&str; 3] = ["--payment-addr=127.0.0.1:0", "--demo=off", "--cors-origins=null"];

/// The shop after "Pengisian Data Awal", with one customer.
async fn shop(clock: &Clock) -> TestApp {
    let app = TestApp::with_clock(&LAYOUT, clock).await;
    let shoes = r#"{
        "name": "Sepatu Sport",
        "price": 250000,
        "stock": 10
    }"#;
    let bag = r#"{
        "name": "Tas Ransel",
        "price": 150000,
        "stock": 15
    }"#;
    for (id, product) in [(1, shoes), (2, bag)] {
        let added = app.product.post("/products", &parse(product)).await.expect(201);
        assert_shows(&added["product"], product);
        assert_eq!(added["product"]["id"], id);
    }
    // The pages ask for name and telephone number.
    let customer = json!({"name": "Budi", "phone": "081234567890"});
    assert_shows(&app.user.post("/users", &customer).await.expect(201), r#"{"id": 1, "phone": "081234567890"}"#);
    app
}

/// An order of this many shoes, and its payment.
async fn checkout(app: &TestApp, quantity: i64) -> (i64, Value) {
    let order = json!({"user_id": 1, "product_id": 1, "quantity": quantity});
    let order = app.order.post("/orders", &order).await.expect(201);
    assert_eq!((&order["status"], &order["total_price"]), (&json!("pending"), &json!(quantity * 250_000)));
    let payment = json!({"order_id": order["id"], "method": "e-wallet"});
    let payment = app.payment.post("/payments", &payment).await.expect(201);
    assert_eq!((&payment["status"], &payment["amount"]), (&json!("pending"), &order["total_price"]));
    assert_eq!(payment["payment_id"], payment["id"]);
    (order["id"].as_i64().unwrap(), payment)
}

/// "Membayar sekarang".
async fn pay(app: &TestApp, payment: &Value) -> Answer {
    app.payment.post("/payments/confirm", &json!({"payment_id": payment["payment_id"]})).await
}

/// Waits until the shoes have this stock, since it can change after the answer to an order.
async fn wait_for_stock_of_shoes(app: &TestApp, stock: i64, reserved: i64, sold: i64) {
    let expected = json!({"product_id": 1, "stock": stock, "reserved": reserved, "sold": sold, "received": 10});
    eventually("the stock of the shoes", async || {
        (app.product.get("/products/1/stock").await.expect(200) == expected).then_some(())
    })
    .await;
}

/// The ids of the orders that the dashboard keeps after filtering.
async fn orders(app: &TestApp, keep: impl Fn(&Value) -> bool) -> Vec<i64> {
    let all = app.order.all("/orders").await;
    all.iter().filter(|order| keep(order)).map(|order| order["id"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_001_works_from_the_order_to_the_history() {
    let clock = Clock::standing_at(NOON);
    let app = shop(&clock).await;
    let services = [&app.user, &app.product, &app.order, &app.payment];
    assert_eq!(services.iter().map(|api| api.addr).collect::<BTreeSet<_>>().len(), 4, "a port each");
    for (api, path) in services.iter().zip(["/users", "/products", "/orders", "/payments"]) {
        let answer = api.get_as(path, &[("origin", "null")]).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "null"), "{path}");
    }

    assert_shows(&app.user.get("/users").await.expect(200), r#"[{"id": 1, "name": "Budi"}]"#);
    assert_shows(&app.user.get("/users/1").await.expect(200), r#"{"id": 1, "name": "Budi"}"#);
    assert_shows(
        &app.product.get("/products").await.expect(200),
        r#"[{"id": 1, "name": "Sepatu Sport", "stock": 10}, {"id": 2, "name": "Tas Ransel", "stock": 15}]"#,
    );
    for (quantity, available) in [(10, true), (11, false)] {
        let answer = app.product.get(&format!("/products/1/check-stock?quantity={quantity}")).await.expect(200);
        assert_eq!(answer, json!({"product_id": 1, "quantity": quantity, "stock": 10, "available": available}));
    }

    let (order, payment) = checkout(&app, 2).await;
    assert_shows(&app.product.get("/products/1").await.expect(200), r#"{"id": 1, "stock": 8}"#);
    let id = &payment["payment_id"];
    for path in [format!("/payments/{id}"), format!("/payments/order/{order}")] {
        assert_eq!(app.payment.get(&path).await.expect(200), payment, "{path}");
    }
    assert_eq!(app.payment.get("/payments").await.expect(200), json!([payment]));

    // The last millisecond of the ten seconds.
    clock.set(NOON + 9_999);
    assert_shows(&pay(&app, &payment).await.expect(200), r#"{"payment_id": 1, "order_id": 1, "status": "paid"}"#);
    assert_shows(
        &app.order.get("/orders/1").await.expect(200),
        r#"{"id": 1, "status": "paid", "payment_status": "paid"}"#,
    );

    // The dashboard: paid orders that are not confirmed yet.
    let waiting = |order: &Value| order["payment_status"] == "paid" && order["status"] != "confirmed";
    assert_eq!(orders(&app, waiting).await, [order]);
    assert_eq!(app.order.all("/orders?status=paid").await.len(), 1);
    let detail = app.order.get("/orders/1/detail").await.expect(200);
    assert_shows(
        &detail,
        r#"{
          "user": {"name": "Budi", "phone": "081234567890"},
          "product": {"name": "Sepatu Sport", "price": 250000, "stock": 8},
          "items": [{"id": 1, "quantity": 2}]
        }"#,
    );
    wait_for_stock_of_shoes(&app, 8, 2, 0).await;
    assert_shows(&app.order.put("/orders/1/confirm", &json!({})).await.expect(200), r#"{"status": "confirmed"}"#);
    wait_for_stock_of_shoes(&app, 8, 0, 2).await;

    // The history of confirmed orders, and the customer's own.
    assert_eq!(orders(&app, waiting).await, [0; 0]);
    assert_eq!(orders(&app, |order| order["status"] == "confirmed").await, [order]);
    assert_shows(&app.order.get("/orders/user/1").await.expect(200), r#"[{"id": 1, "status": "confirmed"}]"#);
    assert_eq!(app.order.get("/orders/user/2").await.expect(200), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_001_refuses_a_payment_after_ten_seconds_and_gives_the_stock_back() {
    let clock = Clock::standing_at(NOON);
    let app = shop(&clock).await;
    let (order, payment) = checkout(&app, 4).await;
    wait_for_stock_of_shoes(&app, 6, 4, 0).await;
    clock.set(NOON + 10_000);
    let late = pay(&app, &payment).await;
    assert_eq!(late.problem(409, "payment_too_late")["message"], "Waktu pembayaran telah habis.");
    wait_for_stock_of_shoes(&app, 10, 0, 0).await;
    assert_shows(
        &app.order.get(&format!("/orders/{order}")).await.expect(200),
        r#"{"status": "expired", "payment_status": "expired"}"#,
    );
    app.order.put(&format!("/orders/{order}/confirm"), &json!({})).await.problem(409, "order_state");
    // An order can also be set to failed before its deadline.
    let (order, _) = checkout(&app, 1).await;
    let failed = app.order.put(&format!("/orders/{order}/payment"), &json!({"payment_status": "failed"})).await;
    assert_shows(&failed.expect(200), r#"{"status": "failed", "payment_status": "failed"}"#);
    wait_for_stock_of_shoes(&app, 10, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_001_keeps_its_inventory() {
    let app = shop(&Clock::standing_at(NOON)).await;
    let bag = json!({"name": "Tas Ransel Besar", "price": 175_000, "stock": 12});
    assert_shows(&app.product.put("/products/2", &bag).await.expect(200), &bag.to_string());
    for (change, stock) in [(json!({"stock": 20}), 20), (json!({"change": -5}), 15), (json!({"change": 1}), 16)] {
        assert_eq!(app.product.put("/products/2/stock", &change).await.expect(200)["stock"], stock, "{change}");
    }
    assert_eq!(app.product.get("/products/2").await.expect(200)["stock"], 16);
    assert_eq!(app.product.delete("/products/2").await.status, 204);
    app.product.get("/products/2").await.problem(404, "product_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_between_the_services_of_seed_001_are_accepted() {
    let app = shop(&Clock::standing_at(NOON)).await;
    // Its order service decreases the stock when an order is confirmed; its dashboard increases it.
    for (quantity, left) in [(-3, 7), (2, 9)] {
        let changed = app.product.put("/products/1/stock", &json!({"quantity": quantity})).await.expect(200);
        assert_eq!(changed["stock"], left);
    }
    app.product.put("/products/1/stock", &json!({"quantity": -10})).await.problem(409, "insufficient_stock");
    for mixed in [json!({"quantity": 1, "change": 1}), json!({"quantity": 1, "stock": 1}), json!({"quantity": "1"})] {
        let refused = app.product.put("/products/1/stock", &mixed).await;
        assert!(matches!(refused.status, 400 | 422), "{mixed}: {}", refused.text());
    }
    assert_eq!(app.product.get("/products/1").await.expect(200)["stock"], 9);

    // Its pages read the product and the quantity of an order; its payment page has its own name for the method.
    let order = app.order.post("/orders", &json!({"user_id": 1, "product_id": 1, "quantity": 2})).await.expect(201);
    assert_shows(&order, r#"{"product_id": 1, "quantity": 2}"#);
    let payment = json!({"order_id": 1, "payment_method": "qris"});
    assert_eq!(app.payment.post("/payments", &payment).await.expect(201)["method"], "qris");
    let both = json!({"order_id": 1, "payment_method": "qris", "method": "qris"});
    app.payment.post("/payments", &both).await.problem(422, "invalid_fields");

    // Its payment service sets an order to paid.
    app.order.put("/orders/1/payment", &json!({"payment_status": false})).await.problem(422, "payment_status_invalid");
    let paid = app.order.put("/orders/1/payment", &json!({"payment_status": true})).await.expect(200);
    assert_eq!((&paid["status"], &paid["payment_status"]), (&json!("paid"), &json!("paid")));
    assert_eq!(app.payment.get("/payments/1").await.expect(200)["status"], "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_of_seed_001_asks_for_several_statuses_at_once() {
    let app = shop(&Clock::standing_at(NOON)).await;
    for (order, steps) in [(1, &[][..]), (2, &["paid"]), (3, &["failed"]), (4, &["paid", "confirm"])] {
        app.order.post("/orders", &json!({"user_id": 1, "product_id": 2})).await.expect(201);
        for step in steps {
            let (path, body) = match *step {
                "confirm" => ("confirm", json!({})),
                status => ("payment", json!({"payment_status": status})),
            };
            app.order.put(&format!("/orders/{order}/{path}"), &body).await.expect(200);
        }
    }
    let ids = async |query: &str| -> Vec<i64> {
        let orders = app.order.all(&format!("/orders?{query}")).await;
        orders.iter().map(|order| order["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids("status=paid,confirmed").await, [2, 4]);
    assert_eq!(ids("status=confirmed,paid,paid,pending&sort=-id").await, [4, 2, 1]);
    assert_eq!(ids("status=failed,paid,confirmed&limit=2").await, [2, 3]);
    assert_eq!(ids("status=pending,confirmed&user_id=1").await, [1, 4]);
    for bad in ["status=paid,", "status=,paid", "status=paid,gone"] {
        app.order.get(&format!("/orders?{bad}")).await.problem(400, "bad_query");
    }
}
