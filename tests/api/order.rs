//! The order service: placing, showing and listing orders, and the Idempotency-Key.

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Clock, TestApp};

async fn place_order(app: &TestApp, key: &str, body: &Value) -> Answer {
    app.order.post_as("/orders", &[("idempotency-key", key)], body).await
}

fn default_order() -> Value {
    json!({"user_id": 1, "product_id": 1})
}

#[tokio::test]
async fn an_order_shows_who_bought_what_for_how_much() {
    // 2026-11-20T09:25:00Z, and 15 minutes later, the payment deadline of the order.
    let app = TestApp::with_clock(&[], &Clock::standing_at(1_795_166_700_000)).await;
    let placed = app.order.post("/orders", &json!({"user_id": 1, "product_id": 2, "quantity": 3})).await;
    let expected = json!({
        "order_id": 1,
        "id": 1,
        "user_id": 1,
        "user": {"id": 1, "name": "Bambang"},
        "product": {"id": 2, "name": "HP Xiaomi", "price": 3_000_000},
        "product_id": 2,
        "quantity": 3,
        "items": [{"id": 2, "name": "HP Xiaomi", "price": 3_000_000, "quantity": 3}],
        "total_price": 9_000_000,
        "status": "pending",
        "payment_status": "pending",
        "created_at": "2026-11-20T09:25:00.000Z",
        "expires_at": "2026-11-20T09:40:00.000Z",
    });
    assert_eq!(placed.expect(201), expected);
    assert_eq!(placed.header("location"), "/orders/1");
    assert_eq!(placed.header("content-type"), "application/json");
    assert_eq!(placed.header("idempotent-replayed"), "");
    assert_eq!(app.order.get("/orders/1").await.expect(200), expected);
    assert_eq!(app.order.all("/orders").await, std::slice::from_ref(&expected));

    let mut paid = app.order.put("/orders/1/payment", &json!({"payment_status": "paid"})).await.expect(200);
    let mut differs = |field: &str| paid.as_object_mut().unwrap().insert(field.to_owned(), expected[field].clone());
    assert_eq!((differs("status"), differs("payment_status")), (Some(json!("paid")), Some(json!("paid"))));
    assert_eq!(differs("expires_at"), None, "a paid order does not expire");
    assert_eq!(paid, expected, "nothing else has changed");
}

#[tokio::test]
async fn without_a_quantity_one_unit_is_ordered() {
    let app = TestApp::spawn().await;
    for body in [default_order(), json!({"user_id": 1, "product_id": 1, "quantity": null})] {
        let order = app.order.post("/orders", &body).await.expect(201);
        assert_eq!((&order["items"][0]["quantity"], &order["total_price"]), (&json!(1), &json!(8_000_000)));
    }
}

#[tokio::test]
async fn a_quantity_is_between_one_and_a_million() {
    let app = TestApp::spawn().await;
    let body = |quantity: i64| json!({"user_id": 1, "product_id": 3, "quantity": quantity});
    let largest = app.order.post("/orders", &body(1_000_000)).await.expect(201);
    assert_eq!(largest["total_price"], json!(200_000_000_000_i64));
    for quantity in [i64::MIN, -1, 0, 1_000_001, i64::MAX] {
        let refused = app.order.post("/orders", &body(quantity)).await.problem(422, "invalid_fields");
        assert!(refused["errors"]["quantity"].is_string(), "{quantity}: {refused}");
    }
    assert_eq!(app.order.all("/orders").await.len(), 1);
}

#[tokio::test]
async fn a_total_that_does_not_fit_is_refused_and_not_stored() {
    let app = TestApp::spawn().await;
    let dear = json!({"name": "Pulau", "price": 1_000_000_000_000_000_i64});
    let id = &app.product.post("/products", &dear).await.expect(201)["product"]["id"];
    let body = |quantity| json!({"user_id": 1, "product_id": id, "quantity": quantity});
    let refused = app.order.post("/orders", &body(1_000_000)).await.problem(422, "invalid_fields");
    assert!(refused["errors"]["quantity"].is_string(), "{refused}");
    let order = app.order.post("/orders", &body(9)).await.expect(201);
    assert_eq!(order["total_price"], json!(9_000_000_000_000_000_i64));
    assert_eq!(app.order.all("/orders").await.len(), 1);
}

#[tokio::test]
async fn an_order_with_an_unknown_user_or_product_is_not_stored() {
    let app = TestApp::spawn().await;
    let user = app.order.post("/orders", &json!({"user_id": 99, "product_id": 1})).await;
    assert_eq!(user.problem(404, "user_not_found")["message"], "Pengguna tidak ditemukan.");
    let product = app.order.post("/orders", &json!({"user_id": 1, "product_id": 99})).await;
    assert_eq!(product.problem(404, "product_not_found")["message"], "Produk tidak ditemukan.");
    assert_eq!(app.order.all("/orders").await, Vec::<Value>::new());
}

#[tokio::test]
async fn only_positive_64_bit_numbers_are_ids_of_orders() {
    let app = TestApp::spawn().await;
    app.order.post("/orders", &default_order()).await.expect(201);
    let ids = ["0", "-1", "abc", "9223372036854775807", "9223372036854775808", "+1", "01", "1.0", "%31%20", "%D9%A1"];
    for id in ids {
        let answer = app.order.get(&format!("/orders/{id}")).await;
        assert_eq!(answer.problem(404, "order_not_found")["message"], "Pemesanan tidak ditemukan.", "{id}");
    }
    app.order.get("/orders/%31").await.expect(200);
}

#[tokio::test]
async fn a_list_longer_than_one_read_streams_as_one_array_in_order() {
    const COUNT: usize = 1234;
    let app = TestApp::spawn().await;
    let placed = stream::iter(0..COUNT)
        .map(|_| async { app.order.post("/orders", &default_order()).await.status })
        .buffer_unordered(64)
        .collect::<Vec<_>>()
        .await;
    assert!(placed.iter().all(|status| *status == 201), "{placed:?}");

    let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].as_u64().unwrap()).collect::<Vec<_>>();
    let whole = app.order.get("/orders").await;
    assert_eq!(whole.header("content-length"), "", "it is streamed");
    let rows: Vec<Value> = serde_json::from_slice(&whole.body).unwrap();
    assert_eq!(ids(&rows), (1..=COUNT as u64).collect::<Vec<_>>());
    assert_eq!(rows[COUNT - 1], app.order.get(&format!("/orders/{COUNT}")).await.expect(200));
    let newest = app.order.all("/orders?sort=-id").await;
    assert_eq!(ids(&newest), (1..=COUNT as u64).rev().collect::<Vec<_>>());

    let line = ["Host: localhost"];
    let head = app.order.raw_head("HEAD /orders HTTP/1.1", &line).await;
    assert_eq!((head.status, head.text().as_str()), (200, ""));
    assert_eq!(head.header("content-type"), "application/json");
    assert_eq!(head.header("content-length"), "", "GET would send no length");
    let one = app.order.raw_head("HEAD /orders/1 HTTP/1.1", &line).await;
    let length = app.order.get("/orders/1").await.body.len().to_string();
    assert_eq!((one.status, one.text().as_str(), one.header("content-length")), (200, "", length.as_str()));
}

#[tokio::test]
async fn a_replay_is_byte_for_byte_the_first_answer() {
    let app = TestApp::spawn().await;
    let key = "k".repeat(255);
    let made = place_order(&app, &key, &default_order()).await;
    made.expect(201);
    assert_eq!(made.header("idempotent-replayed"), "");
    // Bodies are compared by value, not by their text.
    for body in [default_order(), json!({"quantity": 1, "product_id": 1, "user_id": 1})] {
        let replay = place_order(&app, &key, &body).await;
        assert_eq!((replay.status, &replay.body), (201, &made.body));
        assert_eq!(replay.header("idempotent-replayed"), "true");
        assert_eq!(replay.header("location"), made.header("location"));
        assert_eq!(replay.header("content-type"), made.header("content-type"));
    }
    assert_eq!(app.order.all("/orders").await.len(), 1);
}

#[tokio::test]
async fn a_key_with_another_body_is_refused() {
    let app = TestApp::spawn().await;
    place_order(&app, "one", &default_order()).await.expect(201);
    app.user.post("/users", &json!({"name": "Siti"})).await.expect(201);
    for body in [
        json!({"user_id": 1, "product_id": 1, "quantity": 2}),
        json!({"user_id": 1, "product_id": 2}),
        json!({"user_id": 2, "product_id": 1}),
    ] {
        place_order(&app, "one", &body).await.problem(422, "idempotency_key_reused");
    }
    assert_eq!(app.order.all("/orders").await.len(), 1);
}

#[tokio::test]
async fn a_failed_request_does_not_use_up_its_key() {
    let app = TestApp::spawn().await;
    let unknown = json!({"user_id": 2, "product_id": 1});
    place_order(&app, "one", &unknown).await.problem(404, "user_not_found");
    app.user.post("/users", &json!({"name": "Siti"})).await.expect(201);
    let made = place_order(&app, "one", &unknown).await;
    assert_eq!(made.expect(201)["user"]["name"], "Siti");
    assert_eq!(made.header("idempotent-replayed"), "");
}

#[tokio::test]
async fn concurrent_retries_of_a_key_make_one_order() {
    const KEYS: usize = 40;
    const RETRIES: usize = 16;
    let app = TestApp::spawn().await;
    let keys = (0..KEYS).map(|key| {
        let (app, key, body) = (&app, format!("key {key}"), default_order());
        async move { join_all((0..RETRIES).map(|_| place_order(app, &key, &body))).await }
    });
    for answers in join_all(keys).await {
        assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
        assert!(answers.iter().all(|answer| answer.body == answers[0].body), "{answers:?}");
        let made = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_empty());
        assert_eq!(made.count(), 1, "one makes the order, the others replay it");
    }
    assert_eq!(app.order.all("/orders").await.len(), KEYS);
}

#[tokio::test]
async fn a_key_has_1_to_255_characters_and_is_sent_once() {
    let app = TestApp::spawn().await;
    for key in ["", &"k".repeat(256), "café"] {
        place_order(&app, key, &default_order()).await.problem(400, "bad_header");
    }
    let twice = [("content-type", "application/json"), ("idempotency-key", "a"), ("idempotency-key", "a")];
    let body = default_order().to_string().into_bytes();
    app.order.send(Method::POST, "/orders", &twice, body).await.problem(400, "bad_header");
    assert_eq!(app.order.all("/orders").await, Vec::<Value>::new());
}

#[tokio::test]
async fn without_a_key_a_repeated_request_makes_two_orders() {
    let app = TestApp::spawn().await;
    for id in [1, 2] {
        assert_eq!(app.order.post("/orders", &default_order()).await.expect(201)["order_id"], id);
    }
    assert_eq!(app.order.all("/orders").await.len(), 2);
}
