//! The examples of the documents that Pasar implements, verbatim: a client written for one of them must find what it
//! documents. (`Service-to-Service Communication with Flask` is seed 000, `Microservices E-Commerce System` 001,
//! `Mini E-commerce - Kelompok 2` 002, `Dokumentasi Order Service` 003, and NestJS services with events 004.)
#![allow(clippy::disallowed_methods, reason = "what is forbidden to the services is the business of their tests")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on has failed")]

mod seed_001;
mod seed_003;
#[path = "../support/mod.rs"]
mod support;

use serde_json::{Value, json as value};
use support::{Clock, TestApp, eventually};

/// 2026-01-31T12:00:00Z, the fixed time of the tests.
const NOON: i64 = 1_769_860_800_000;

/// Asserts that the answer has every value of the example. Objects may have more members; arrays may not have more
/// items.
fn assert_shows(answer: &Value, example: &str) {
    fn shows(answer: &Value, example: &Value) -> bool {
        match (answer, example) {
            (Value::Object(answer), Value::Object(example)) => {
                example.iter().all(|(name, value)| answer.get(name).is_some_and(|answer| shows(answer, value)))
            }
            (Value::Array(answer), Value::Array(example)) => {
                answer.len() == example.len() && answer.iter().zip(example).all(|(one, other)| shows(one, other))
            }
            _ => answer == example,
        }
    }
    let example: Value = serde_json::from_str(example).unwrap();
    assert!(shows(answer, &example), "{answer} does not show {example}");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_000_works_as_its_readme_says() {
    let app = TestApp::spawn().await;

    let info = app.user.get("/").await.expect(200);
    assert_eq!(info["service"], "UserService");
    assert_eq!(info["endpoints"]["GET /users/<id>"], "Mengambil data user berdasarkan id");

    // GET /users/<id>
    let user = app.user.get("/users/1").await;
    assert_eq!(user.text(), r#"{"id":1,"name":"Bambang"}"#, "and nothing else");
    assert_shows(
        &user.expect(200),
        r#"{
          "id": 1,
          "name": "Bambang"
        }"#,
    );
    // POST /users
    let added = app.user.post("/users", &json(r#"{ "name": "Bob" }"#)).await;
    assert_eq!(added.header("location"), "/users/2");
    assert_shows(
        &added.expect(201),
        r#"{
          "id": 2,
          "name": "Bob"
        }"#,
    );

    // GET /products: the example shows the first two of the three demo products.
    let products = app.product.get("/products").await.expect(200);
    let first_two = Value::from(products.as_array().unwrap()[..2].to_vec());
    assert_shows(
        &first_two,
        r#"[
          {
            "id": 1,
            "name": "Laptop Asus",
            "price": 8000000
          },
          {
            "id": 2,
            "name": "HP Xiaomi",
            "price": 3000000
          }
        ]"#,
    );
    // GET /products/<id>
    let product = app.product.get("/products/1").await;
    assert_eq!(product.text(), r#"{"id":1,"name":"Laptop Asus","price":8000000}"#, "and nothing else");
    assert_shows(
        &product.expect(200),
        r#"{
          "id": 1,
          "name": "Laptop Asus",
          "price": 8000000
        }"#,
    );
    // POST /products
    let monitor = r#"{
      "name": "Monitor LG",
      "price": 2500000
    }"#;
    assert_shows(
        &app.product.post("/products", &json(monitor)).await.expect(201),
        r#"{
          "message": "Produk berhasil ditambahkan",
          "product": {
            "id": 4,
            "name": "Monitor LG",
            "price": 2500000
          }
        }"#,
    );

    // POST /orders
    let order = r#"{
      "user_id": 1,
      "product_id": 1
    }"#;
    assert_shows(
        &app.order.post("/orders", &json(order)).await.expect(201),
        r#"{
          "order_id": 1,
          "user": {"id": 1, "name": "Bambang"},
          "product": {"id": 1, "name": "Laptop Asus", "price": 8000000}
        }"#,
    );
    // GET /orders
    assert_shows(
        &app.order.get("/orders").await.expect(200),
        r#"[
          {
            "order_id": 1,
            "user": {"id": 1, "name": "Bambang"},
            "product": {"id": 1, "name": "Laptop Asus", "price": 8000000}
          }
        ]"#,
    );
}

/// Seed 002 has no example calls; it lists features.
#[tokio::test(flavor = "multi_thread")]
async fn seed_002_has_the_features_that_it_lists() {
    let app = TestApp::with_clock(&["--demo=off"], &Clock::standing_at(NOON)).await;
    app.user.post("/users", &value!({"name": "Bambang"})).await.expect(201);

    // CRUD produk.
    for (name, category, price) in
        [("Kemeja Batik", "Pakaian", 180_000), ("Sarung Batik", "Pakaian", 95_000), ("Teh Melati", "Minuman", 20_000)]
    {
        let product = value!({"name": name, "category": category, "price": price, "stock": 3});
        app.product.post("/products", &product).await.expect(201);
    }
    let edited = app.product.patch("/products/3", &value!({"description": "Teh dengan bunga melati"})).await;
    assert_eq!(edited.expect(200)["description"], "Teh dengan bunga melati");
    app.product.post("/products", &value!({"name": "Salah", "price": 1})).await.expect(201);
    assert_eq!(app.product.delete("/products/4").await.status, 204);

    // Data produk berdasarkan filter atau pencarian.
    for (query, found) in [
        ("search=BATIK", value!([1, 2])),
        ("search=bunga", value!([3])),
        ("category=Pakaian&sort=price", value!([2, 1])),
        ("min_price=20000&max_price=95000&sort=-price", value!([2, 3])),
        ("in_stock=false", value!([])),
        ("search=kopi", value!([])),
    ] {
        let ids: Vec<_> = app.product.all(&format!("/products?{query}")).await;
        assert_eq!(Value::from_iter(ids.iter().map(|product| product["id"].clone())), found, "{query}");
    }

    // Pembuatan hingga pelacakan status pesanan; stok otomatis diperbarui.
    app.order.post("/orders", &value!({"user_id": 1, "product_id": 1})).await.expect(201);
    app.order.put("/orders/1/payment", &value!({"payment_status": "paid"})).await.expect(200);
    app.order.put("/orders/1/confirm", &value!({})).await.expect(200);
    for status in ["shipped", "completed"] {
        app.order.put("/orders/1/status", &value!({"status": status})).await.expect(200);
    }
    assert_eq!(app.product.get("/products/1").await.expect(200)["stock"], 2);
    let labels = |rows: Vec<Value>| Value::from_iter(rows.iter().map(|row| row["label"].clone()));
    let life = value!(["menunggu pembayaran", "dibayar", "dalam proses", "dikirim", "selesai"]);
    assert_eq!(labels(app.order.all("/orders/1/tracking").await), life);

    // Notifikasi status pesanan kepada User-Service.
    eventually("a notification for each status", async || {
        (labels(app.user.all("/users/1/notifications").await) == life).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_004_works_as_its_readme_says() {
    let app = TestApp::with_flags(&["--demo=off", "--product-url=none"]).await;

    // Membuat Pengguna Baru
    let john = r#"{
        "name": "John Doe",
        "email": "john.doe@example.com"
      }"#;
    assert_shows(&app.user.post("/users", &json(john)).await.expect(201), john);
    // Mendapatkan Pengguna berdasarkan ID
    assert_shows(&app.user.get("/users/1").await.expect(200), john);

    // Membuat Pesanan Baru
    let order = r#"{
        "userId": 1,
        "product": "Laptop",
        "price": 15000000,
        "status": "pending"
      }"#;
    let placed = app.order.post("/orders", &json(order)).await.expect(201);
    assert_shows(
        &placed,
        r#"{
          "id": 1,
          "user_id": 1,
          "product": {"name": "Laptop", "price": 15000000},
          "total_price": 15000000,
          "status": "pending"
        }"#,
    );
    // Mendapatkan Pesanan berdasarkan User ID
    assert_eq!(app.order.get("/orders/user/1").await.expect(200), value!([placed]));

    // "Hanya jika userId tersedia".
    let mut stranger = json(order);
    stranger["userId"] = 2.into();
    app.order.post("/orders", &stranger).await.problem(404, "user_not_found");
    assert_eq!(app.order.all("/orders").await.len(), 1);
}

/// "Mendengarkan event user_created dan mencatatnya": with two processes as in the seed, and in the log.
#[cfg(unix)]
#[test]
fn the_order_service_of_seed_004_receives_a_new_user() {
    use support::{binary, blocking};

    let folder = binary::Folder::new();
    let mut command = folder.pasar(&["user", "order", "--product-url=none", "--demo=off"]);
    let pasar = binary::Pasar::start(command.env("RUST_LOG", "info"), &["UserService", "OrderService"]);
    blocking::post(pasar.user(), "/users", &value!({"name": "John Doe"})).expect(201);
    binary::until("the event is logged", binary::DEADLINE, || {
        pasar.log().contains(r#"service=order event=user_created user=1 name="John Doe""#)
    });
    pasar.stop("TERM");
}
