//! Seed 003, "Dokumentasi Order Service" of a restaurant; its menus are our products.

use serde_json::{Value, json};

use crate::support::{Clock, TestApp, rfc3339};
use crate::{NOON, assert_shows, json as parse};

/// Asserts that an order is as in the documentation, whose "now" means the time of the order.
fn assert_shows_order(mut answer: Value, example: &str) {
    assert_eq!(answer["created_at"], rfc3339(NOON), "{answer}");
    answer["created_at"] = "now".into();
    assert_shows(&answer, example);
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_003_works_as_its_readme_says() {
    let app = TestApp::with_clock(&["--demo=off"], &Clock::standing_at(NOON)).await;
    app.user.post("/users", &json!({"name": "Bambang"})).await.expect(201);
    for (name, price, stock) in [("Nasi Ayam Bakar", 18_000, 15), ("Kwetiau Goreng", 20_000, 7)] {
        let menu = json!({"name": name, "price": price, "stock": stock});
        app.product.post("/products", &menu).await.expect(201);
    }

    // POST /orders
    let order = r#"{
       "user_id": 1,
       "menu_ids": [1, 2]
     }"#;
    let pending = r#"{
       "id": 1,
       "user_id": 1,
       "items": [
         {
           "id": 1,
           "name": "Nasi Ayam Bakar",
           "price": 18000,
           "stock": 14
         },
         {
           "id": 2,
           "name": "Kwetiau Goreng",
           "price": 20000,
           "stock": 6
         }
       ],
       "total_price": 38000,
       "status": "pending",
       "created_at": "now"
     }"#;
    assert_shows_order(app.order.post("/orders", &parse(order)).await.expect(201), pending);

    // GET /orders/{id}
    assert_shows_order(app.order.get("/orders/1").await.expect(200), pending);
    assert_shows(
        &app.order.get("/orders/2").await.expect(404),
        r#"{
           "message": "Pemesanan tidak ditemukan."
         }"#,
    );

    // PUT /orders/{id}/payment; the error first, because it must change nothing.
    let invalid = app.order.put("/orders/1/payment", &json!({"payment_status": "lunas"})).await;
    assert_shows(
        &invalid.expect(422),
        r#"{
           "message": "Status pembayaran tidak valid."
         }"#,
    );
    assert_shows_order(app.order.get("/orders/1").await.expect(200), pending);
    let payment = r#"{
       "payment_status": "paid"
     }"#;
    let paid = r#"{
       "id": 1,
       "user_id": 1,
       "items": [
         {
           "id": 1,
           "name": "Nasi Ayam Bakar",
           "price": 18000,
           "stock": 14
         },
         {
           "id": 2,
           "name": "Kwetiau Goreng",
           "price": 20000,
           "stock": 6
         }
       ],
       "total_price": 38000,
       "status": "paid",
       "created_at": "now"
     }"#;
    assert_shows_order(app.order.put("/orders/1/payment", &parse(payment)).await.expect(200), paid);
    assert_shows_order(app.order.get("/orders/1").await.expect(200), paid);

    // "Mengurangi stok setelah pesanan", and missing stock is not sold.
    for (id, stock) in [(1, 14), (2, 6)] {
        assert_eq!(app.product.get(&format!("/products/{id}")).await.expect(200)["stock"], stock);
    }
    let seven = json!({"user_id": 1, "menu_ids": [2, 2, 2, 2, 2, 2, 2]});
    app.order.post("/orders", &seven).await.problem(409, "insufficient_stock");
}
