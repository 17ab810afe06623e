//! The product service: adding and showing products.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_fresh_database_has_the_demo_products() {
    let app = TestApp::spawn().await;
    let demo = [
        json!({"id": 1, "name": "Laptop Asus", "price": 8_000_000}),
        json!({"id": 2, "name": "HP Xiaomi", "price": 3_000_000}),
        json!({"id": 3, "name": "Mouse Rexus", "price": 200_000}),
    ];
    assert_eq!(app.product.all("/products").await, demo);
    for product in demo {
        assert_eq!(app.product.get(&format!("/products/{}", product["id"])).await.expect(200), product);
    }
}

#[tokio::test]
async fn without_demo_data_there_are_no_products() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    assert!(app.product.all("/products").await.is_empty());
    app.product.get("/products/1").await.problem(404, "product_not_found");
}

#[tokio::test]
async fn a_product_is_added_and_shown() {
    let app = TestApp::spawn().await;
    for (id, mut product) in (4..).zip([
        json!({"name": "Keyboard", "price": 150_000}),
        json!({"name": "Keyboard", "price": 150_000}),
        json!({"name": "Gratis", "price": 0}),
        json!({"name": "Kopi ☕ \"Gayo\" <1 kg>", "price": 1_000_000_000_000_000_i64}),
    ]) {
        let added = app.product.post("/products", &product).await;
        product["id"] = json!(id);
        assert_eq!(added.expect(201), json!({"message": "Produk berhasil ditambahkan", "product": product}));
        let location = format!("/products/{id}");
        assert_eq!(added.header("location"), location);
        assert_eq!(app.product.get(&location).await.expect(200), product);
        assert_eq!(app.product.all("/products").await.last(), Some(&product));
    }
}

#[tokio::test]
async fn concurrently_added_products_get_different_ids() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let bodies: Vec<_> = (1..=64).map(|price| json!({"name": "Kopi", "price": price})).collect();
    let answers = join_all(bodies.iter().map(|body| app.product.post("/products", body))).await;
    for (body, answer) in bodies.iter().zip(&answers) {
        let product = &answer.expect(201)["product"];
        assert_eq!(product["price"], body["price"]);
        assert_eq!(app.product.get(answer.header("location")).await.expect(200), *product);
    }
    assert_eq!(app.product.all("/products").await.len(), 64);
}

#[tokio::test]
async fn only_positive_64_bit_numbers_are_ids_of_products() {
    let app = TestApp::spawn().await;
    for id in ["0", "4", "-1", "abc", "9223372036854775807", "9223372036854775808", "+1", "01", "1.0", "1%00"] {
        let answer = app.product.get(&format!("/products/{id}")).await;
        assert_eq!(answer.problem(404, "product_not_found")["message"], "Produk tidak ditemukan.", "{id}");
    }
}
