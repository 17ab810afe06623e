//! Refused requests of each route: status, code and field, and that nothing changes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api, Clock, TestApp, eventually};

const JSON: (&str, &str) = ("content-type", "application/json");
const KEY: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

/// An app with data of every kind: a pending order with a payment, and reserved stock.
async fn busy_shop() -> TestApp {
    // With a fixed clock, nothing expires during the test.
    let app = TestApp::with_clock(&[], &Clock::standing_at(1_795_166_700_000)).await;
    assert_eq!(app.sells("Kopi", 5000, Some(10)).await, 4);
    app.order.post("/orders", &json!({"user_id": 1, "product_id": 4, "quantity": 2})).await.expect(201);
    app.order.post("/payments", &json!({"order_id": 1})).await.expect(201);
    let notified = async || app.user.all("/users/1/notifications").await.pop();
    eventually("the user was notified of the order", notified).await;
    app
}

/// Everything that the services show.
async fn snapshot(app: &TestApp) -> Vec<Value> {
    let mut snapshot = Vec::new();
    for (api, path) in [
        (&app.user, "/users"),
        (&app.user, "/users/1/notifications"),
        (&app.product, "/products"),
        (&app.product, "/products/4/stock"),
        (&app.order, "/orders"),
        (&app.order, "/orders/1/tracking"),
        (&app.order, "/payments"),
    ] {
        snapshot.push(api.get(path).await.expect(200));
    }
    snapshot
}

fn service<'a>(app: &'a TestApp, path: &str) -> &'a Api {
    match path.split(['/', '?']).nth(1) {
        Some("users") => &app.user,
        Some("products" | "reservations") => &app.product,
        _ => &app.order,
    }
}

/// Makes a call, written as `METHOD /path`.
async fn call(app: &TestApp, call: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    println!("{call} {headers:?} {}", body.chars().take(80).collect::<String>());
    let (method, path) = call.split_once(' ').unwrap();
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    service(app, path).send(method, path, headers, body.as_bytes().to_vec()).await
}

fn fields(problem: &Value) -> String {
    problem["errors"].as_object().into_iter().flatten().map(|(name, _)| &**name).collect::<Vec<_>>().join(" ")
}

/// Asserts that a call refuses these bodies, each with the fields named in `errors`. A leading `!` means the code
/// `wrong_type`, else it is `invalid_fields`.
async fn assert_refuses(app: &TestApp, to: &str, bodies: &[(&str, &str)]) {
    for (body, named) in bodies {
        let (status, code) = if named.starts_with('!') { (400, "wrong_type") } else { (422, "invalid_fields") };
        let problem = call(app, to, &[JSON], body).await.problem(status, code);
        assert_eq!(fields(&problem), named.trim_start_matches('!'), "{problem}");
    }
}

#[tokio::test]
async fn a_product_and_its_stock_are_checked_field_by_field() {
    let app = busy_shop().await;
    let before = snapshot(&app).await;
    let long = format!("/{}", "x".repeat(2048));
    let image = |image: &str| json!({"name": "A", "price": 1, "image": image}).to_string();
    let images = [
        "",
        "/",
        "//evil.id/x",
        "javascript:alert(1)",
        "data:image/png;base64,AA",
        "x.png",
        "/a b",
        "/\"x",
        "http://",
        "https:///x",
        "http://[::1]/x",
        "http://[x",
        "http://?x",
    ]
    .into_iter()
    .chain(["/<x>", "/\\evil.id", "http://", "https:///x", "ftp://a.id/x", "/a\nb", "/é", " /a", &long]);
    let images: Vec<_> = images.map(image).collect();
    for to in ["POST /products", "PUT /products/4", "PATCH /products/4"] {
        let text = |field: &str, text: &str| json!({"name": "A", "price": 1, field: text}).to_string();
        let (bell, endless) = (text("description", "a\u{7}b"), text("description", &"x".repeat(2001)));
        assert_refuses(
            &app,
            to,
            &[
                ("{\"name\":null,\"price\":1}", "!name"),
                ("{\"name\":1,\"price\":\"1\"}", "!name price"),
                ("{\"name\":\"A\",\"price\":null}", "!price"),
                ("{\"name\":\"A\",\"price\":1.5}", "!price"),
                ("{\"name\":\"\",\"price\":-1}", "name price"),
                ("{\"name\":\"A\",\"price\":1000000000000001}", "price"),
                ("{\"name\":\"A\",\"price\":1,\"stock\":\"1\"}", "!stock"),
                ("{\"name\":\"A\",\"price\":1,\"stock\":1.5}", "!stock"),
                ("{\"name\":\"A\",\"price\":1,\"stock\":true}", "!stock"),
                ("{\"name\":\"A\",\"price\":1,\"stock\":-1}", "stock"),
                ("{\"name\":\"A\",\"price\":1,\"stock\":1000000001}", "stock"),
                (
                    "{\"name\":\"A\",\"price\":1,\"category\":[\"a\"],\"description\":1,\"image\":{}}",
                    "!category description image",
                ),
                ("{\"name\":\"A\",\"price\":1,\"category\":\"\",\"description\":\" \\n\"}", "category description"),
                ("{\"name\":\"A\",\"price\":1,\"category\":\"a\\nb\"}", "category"),
                (&bell, "description"),
                (&endless, "description"),
                ("{\"name\":\"A\",\"price\":1,\"id\":9}", "id"),
                ("{\"name\":\"A\",\"price\":1,\"reserved\":0,\"sold\":5}", "reserved sold"),
                ("[]", "!"),
                ("null", "!"),
            ],
        )
        .await;
        assert_refuses(&app, to, &images.iter().map(|body| (&**body, "image")).collect::<Vec<_>>()).await;
    }
    assert_refuses(
        &app,
        "PUT /products/4",
        &[("{}", "name price"), ("{\"price\":1}", "name"), ("{\"name\":\"A\"}", "price")],
    )
    .await;
    assert_refuses(
        &app,
        "PUT /products/4/stock",
        &[
            ("{}", "stock"),
            ("{\"stock\":null}", "!stock"),
            ("{\"stock\":\"5\"}", "!stock"),
            ("{\"change\":null}", "!change"),
            ("{\"change\":1.5}", "!change"),
            ("{\"stock\":5,\"reserved\":0}", "reserved"),
            ("{\"change\":1,\"stock\":5}", "stock"),
            ("{\"change\":1000000001}", "change"),
            ("5", "!"),
        ],
    )
    .await;
    assert_eq!(snapshot(&app).await, before);
}

#[tokio::test]
async fn each_line_of_a_reservation_and_of_an_order_is_checked() {
    let app = busy_shop().await;
    let before = snapshot(&app).await;
    let lines = |count: usize| (1..=count).map(|id| json!({"product_id": id})).collect::<Vec<_>>();
    let (many, units) =
        (json!(lines(51)), json!([{"product_id": 4, "quantity": 600_000}, {"product_id": 4, "quantity": 600_000}]));
    let bad = [
        ("null", "!items"),
        ("{}", "!items"),
        ("\"x\"", "!items"),
        ("[1]", "!items"),
        ("[null]", "!items"),
        ("[[]]", "!items"),
        ("[{\"product_id\":\"4\"}]", "!items"),
        ("[{\"product_id\":4,\"quantity\":1.5}]", "!items"),
        ("[{\"product_id\":4},{\"product_id\":null}]", "!items"),
        ("[]", "items"),
        ("[{}]", "items"),
        ("[{\"quantity\":1}]", "items"),
        ("[{\"product_id\":0}]", "items"),
        ("[{\"product_id\":4,\"quantity\":0}]", "items"),
        ("[{\"product_id\":4,\"quantity\":1000001}]", "items"),
        ("[{\"product_id\":4},{\"product_id\":4,\"price\":1}]", "items"),
        (&many.to_string(), "items"),
        (&units.to_string(), "items"),
    ];
    for (to, rest) in [(&*format!("PUT /reservations/{KEY}"), ""), ("POST /orders", "\"user_id\":1,")] {
        let bodies: Vec<_> =
            bad.iter().map(|(items, named)| (format!("{{{rest}\"items\":{items}}}"), *named)).collect();
        assert_refuses(&app, to, &bodies.iter().map(|(body, named)| (&**body, *named)).collect::<Vec<_>>()).await;
    }
    let reservation = [("{}", "items"), ("{\"items\":[{\"product_id\":4}],\"state\":\"held\"}", "state"), ("[]", "!")];
    assert_refuses(&app, &format!("PUT /reservations/{KEY}"), &reservation).await;
    assert_eq!(snapshot(&app).await, before);
    // None of the refusals has used up the key.
    call(&app, &format!("POST /reservations/{KEY}/commit"), &[], "").await.problem(404, "reservation_not_found");
    let fault =
        call(&app, "POST /orders", &[JSON], "{\"user_id\":1,\"items\":[{\"product_id\":1},{\"product_id\":-1}]}");
    let why = fault.await.problem(422, "invalid_fields")["errors"]["items"].clone();
    assert!(why.as_str().unwrap().starts_with("[1].product_id "), "which line it is: {why}");
}

/// Repeated keys are refused at every depth of a body.
#[tokio::test]
async fn a_line_that_repeats_a_key_is_bad_json() {
    let app = busy_shop().await;
    let before = snapshot(&app).await;
    for to in ["POST /orders", &format!("PUT /reservations/{KEY}")] {
        let user = if to == "POST /orders" { "\"user_id\":1," } else { "" };
        for line in ["\"product_id\":1,\"product_id\":4", "\"product_id\":4,\"quantity\":1,\"quantity\":2"] {
            let body = format!("{{{user}\"items\":[{{{line}}}]}}");
            call(&app, to, &[JSON], &body).await.problem(400, "bad_json");
        }
    }
    assert_eq!(snapshot(&app).await, before);
}

#[tokio::test]
async fn an_order_has_exactly_one_form_and_no_fields_of_another() {
    let app = busy_shop().await;
    let before = snapshot(&app).await;
    let ids = |ids: Vec<i64>| json!({"user_id": 1, "menu_ids": ids}).to_string();
    let (many, different) = (ids(vec![4; 1001]), ids((1..=51).collect()));
    assert_refuses(
        &app,
        "POST /orders",
        &[
            ("{\"user_id\":1,\"product_id\":1,\"items\":[{\"product_id\":1}]}", "product_id"),
            ("{\"user_id\":1,\"items\":[{\"product_id\":1}],\"quantity\":2}", "quantity"),
            ("{\"user_id\":1,\"items\":[{\"product_id\":1}],\"menu_ids\":[1]}", "menu_ids"),
            ("{\"user_id\":1,\"menu_ids\":[1],\"product_id\":1}", "product_id"),
            ("{\"user_id\":1,\"menu_ids\":[1],\"quantity\":2}", "quantity"),
            ("{\"user_id\":1,\"menu_ids\":[1],\"product\":\"A\",\"price\":1}", "price product"),
            ("{\"user_id\":1,\"product\":\"A\",\"price\":1}", "price product product_id"),
            ("{\"user_id\":1,\"userId\":1,\"product_id\":1}", "price product product_id user_id"),
            ("{\"user_id\":1,\"userId\":1,\"product\":\"A\",\"price\":1}", "user_id"),
            ("{\"userId\":1,\"product\":\"A\",\"price\":1,\"items\":[{\"product_id\":1}]}", "items"),
            ("{\"userId\":1,\"product\":\"A\",\"price\":1,\"menu_ids\":[1]}", "menu_ids"),
            ("{\"userId\":1,\"product\":\"A\",\"price\":1,\"quantity\":2}", "quantity"),
            ("{\"userId\":1,\"product\":\"A\"}", "price"),
            ("{\"userId\":1,\"price\":1}", "product"),
            ("{\"userId\":\"1\",\"product\":1,\"price\":\"1\"}", "!price product userId"),
            ("{\"userId\":0,\"product\":\"\",\"price\":-1}", "price product userId"),
            ("{\"userId\":1,\"product\":\"A\",\"price\":1000000000000001}", "price"),
            ("{\"userId\":1,\"product\":\"A\",\"price\":1,\"status\":\"paid\"}", "status"),
            ("{\"userId\":1,\"product\":\"A\",\"price\":1,\"status\":\"PENDING\"}", "status"),
            ("{\"userId\":1,\"product\":\"A\",\"price\":1,\"status\":\"\"}", "status"),
            ("{\"userId\":1,\"product\":\"A\",\"price\":1,\"status\":1}", "!status"),
            ("{\"user_id\":1,\"product_id\":1,\"status\":\"pending\"}", "status"),
            ("{\"user_id\":1,\"product_id\":1,\"paid_by\":1}", "paid_by"),
            ("{\"user_id\":1,\"menu_ids\":null}", "!menu_ids"),
            ("{\"user_id\":1,\"menu_ids\":{}}", "!menu_ids"),
            ("{\"user_id\":1,\"menu_ids\":[1,\"2\"]}", "!menu_ids"),
            ("{\"user_id\":1,\"menu_ids\":[1.5]}", "!menu_ids"),
            ("{\"user_id\":1,\"menu_ids\":[]}", "menu_ids"),
            ("{\"user_id\":1,\"menu_ids\":[0]}", "menu_ids"),
            (&many, "menu_ids"),
            (&different, "menu_ids"),
        ],
    )
    .await;
    assert_eq!(snapshot(&app).await, before);
}

#[tokio::test]
async fn changes_of_orders_and_payments_are_checked() {
    let app = busy_shop().await;
    let before = snapshot(&app).await;
    for bad in ["", "PAID", " paid", "refunded", "cancelled", "confirmed", "1"] {
        let body = json!({"payment_status": bad}).to_string();
        let problem = call(&app, "PUT /orders/1/payment", &[JSON], &body).await.problem(422, "payment_status_invalid");
        assert_eq!(problem["message"], "Status pembayaran tidak valid.");
    }
    assert_refuses(
        &app,
        "PUT /orders/1/payment",
        &[
            ("{}", "payment_status"),
            ("{\"payment_status\":null}", "!payment_status"),
            ("{\"payment_status\":1}", "!payment_status"),
            ("{\"payment_status\":\"paid\",\"payment_id\":\"1\"}", "!payment_id"),
            ("{\"payment_status\":\"paid\",\"payment_id\":0}", "payment_id"),
            ("{\"payment_status\":\"paid\",\"status\":\"paid\"}", "status"),
        ],
    )
    .await;
    let statuses = ["pending", "paid", "confirmed", "expired", "failed", "Shipped", ""];
    let statuses = statuses.map(|status| json!({"status": status}).to_string());
    assert_refuses(&app, "PUT /orders/1/status", &statuses.each_ref().map(|body| (&**body, "status"))).await;
    assert_refuses(
        &app,
        "PUT /orders/1/status",
        &[
            ("{}", "status"),
            ("{\"status\":null}", "!status"),
            ("{\"status\":[\"cancelled\"]}", "!status"),
            ("{\"status\":\"cancelled\",\"reason\":\"x\"}", "reason"),
        ],
    )
    .await;
    assert_refuses(
        &app,
        "POST /payments",
        &[
            ("{}", "order_id"),
            ("{\"order_id\":\"1\"}", "!order_id"),
            ("{\"order_id\":0}", "order_id"),
            ("{\"order_id\":1,\"method\":\"cash\"}", "method"),
            ("{\"order_id\":1,\"method\":\"QRIS\"}", "method"),
            ("{\"order_id\":1,\"method\":1}", "!method"),
            ("{\"order_id\":1,\"amount\":\"10000\"}", "!amount"),
            ("{\"order_id\":1,\"amount\":0.5}", "!amount"),
            ("{\"order_id\":1,\"amount\":-1}", "amount"),
            ("{\"order_id\":1,\"user_id\":0}", "user_id"),
            ("{\"order_id\":1,\"status\":\"paid\",\"expires_at\":\"2099-01-01T00:00:00Z\"}", "expires_at status"),
        ],
    )
    .await;
    assert_refuses(
        &app,
        "POST /payments/confirm",
        &[
            ("{}", "payment_id"),
            ("{\"payment_id\":1,\"order_id\":1}", "order_id"),
            ("{\"payment_id\":\"1\"}", "!payment_id"),
            ("{\"payment_id\":0}", "payment_id"),
            ("{\"order_id\":null}", "!order_id"),
            ("{\"order_id\":-1}", "order_id"),
            ("{\"order_id\":1,\"amount\":1}", "amount"),
        ],
    )
    .await;
    for (to, body, code) in [
        ("POST /payments", "{\"order_id\":99}", "order_not_found"),
        ("POST /payments/confirm", "{\"payment_id\":99}", "payment_not_found"),
        ("POST /payments/confirm", "{\"order_id\":99}", "payment_not_found"),
    ] {
        call(&app, to, &[JSON], body).await.problem(404, code);
    }
    assert_eq!(snapshot(&app).await, before);
}

#[tokio::test]
async fn only_positive_64_bit_numbers_are_ids() {
    let app = busy_shop().await;
    let before = snapshot(&app).await;
    let whole = json!({"name": "A", "price": 1}).to_string();
    for (to, body, code) in [
        ("GET /users/@/notifications", "", "user_not_found"),
        ("GET /users/@/notifications/stream", "", "user_not_found"),
        ("GET /orders/user/@", "", "user_not_found"),
        ("PUT /products/@", &whole, "product_not_found"),
        ("PATCH /products/@", "{}", "product_not_found"),
        ("DELETE /products/@", "", "product_not_found"),
        ("GET /products/@/stock", "", "product_not_found"),
        ("PUT /products/@/stock", "{\"change\":1}", "product_not_found"),
        ("GET /products/@/check-stock", "", "product_not_found"),
        ("GET /orders/@/detail", "", "order_not_found"),
        ("GET /orders/@/tracking", "", "order_not_found"),
        ("PUT /orders/@/payment", "{\"payment_status\":\"paid\"}", "order_not_found"),
        ("PUT /orders/@/payment", "{\"payment_status\":\"pending\"}", "order_not_found"),
        ("PUT /orders/@/confirm", "", "order_not_found"),
        ("PUT /orders/@/status", "{\"status\":\"cancelled\"}", "order_not_found"),
        ("GET /payments/@", "", "payment_not_found"),
        ("GET /payments/order/@", "", "payment_not_found"),
        ("POST /payments/@/refund", "", "payment_not_found"),
    ] {
        for id in ["0", "-1", "01", "+1", "x", "1.0", "1%20", "%D9%A1", "9223372036854775808", "9223372036854775807"] {
            // The order service lists the orders of any user id without asking whether the user exists.
            let listed = to == "GET /orders/user/@" && id == "9223372036854775807";
            if !listed {
                call(&app, &to.replace('@', id), &[JSON], body).await.problem(404, code);
            }
        }
    }
    assert_eq!(snapshot(&app).await, before);
}

#[tokio::test]
async fn invalid_headers_are_refused() {
    let app = busy_shop().await;
    let before = snapshot(&app).await;
    let stream = "GET /users/1/notifications/stream";
    for id in ["", "x", "-1", "+1", "1.5", "1, 2", "0x1", "9223372036854775808", "١"] {
        call(&app, stream, &[("last-event-id", id)], "").await.problem(400, "bad_header");
    }
    call(&app, stream, &[("last-event-id", "1"), ("last-event-id", "1")], "").await.problem(400, "bad_header");
    let long = "k".repeat(256);
    for (to, body) in [("POST /payments", "{\"order_id\":1}"), ("POST /orders", "{\"user_id\":1,\"menu_ids\":[4]}")] {
        for keys in [&[""][..], &[&long], &["café"], &["a\tb"], &["a", "a"]] {
            let keys = keys.iter().map(|key| ("idempotency-key", *key));
            call(&app, to, &[JSON].into_iter().chain(keys).collect::<Vec<_>>(), body).await.problem(400, "bad_header");
        }
    }
    let large = format!("{{\"change\":1{}}}", " ".repeat(64 * 1024));
    for to in [
        "PUT /products/4",
        "PATCH /products/4",
        "PUT /products/4/stock",
        "PUT /orders/1/payment",
        "PUT /orders/1/status",
        "POST /payments",
        "POST /payments/confirm",
        &format!("PUT /reservations/{KEY}"),
    ] {
        for kind in ["text/plain", "application/merge-patch+json", "application/x-www-form-urlencoded", ""] {
            call(&app, to, &[("content-type", kind)], "{}").await.problem(415, "unsupported_media_type");
        }
        call(&app, to, &[], "{}").await.problem(415, "unsupported_media_type");
        call(&app, to, &[JSON, ("content-encoding", "gzip")], "{}").await.problem(415, "unsupported_media_type");
        call(&app, to, &[JSON, JSON], "{}").await.problem(400, "bad_header");
        call(&app, to, &[JSON], &large).await.problem(413, "body_too_large");
        call(&app, to, &[JSON], "").await.problem(400, "bad_json");
        call(&app, to, &[JSON], "{\"a\":1,\"a\":1}").await.problem(400, "bad_json");
    }
    assert_eq!(snapshot(&app).await, before);
}
