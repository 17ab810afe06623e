//! The examples of the documents that Pasar implements, verbatim: a client written for one of them
//! must find here what it was promised. (The documents: `Service-to-Service Communication with Flask`
//! is seed 000.)
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on has failed")]

#[allow(dead_code)]
#[path = "api/support.rs"]
mod support;

use serde_json::Value;
use support::TestApp;

/// What an example shows must be there, value for value; an answer may say more, but not in an array.
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

    // GET /products: the example shows the first two of the demo's three.
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
