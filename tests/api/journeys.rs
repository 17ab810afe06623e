//! Whole workflows across the services.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Clock, TestApp};

#[tokio::test]
async fn a_new_user_buys_a_new_product() {
    let app = TestApp::spawn().await;
    let user = app.user.post("/users", &json!({"name": "Siti", "email": "siti@mail.id"})).await.expect(201);
    assert_eq!(user["id"], 2);
    let added = app.product.post("/products", &json!({"name": "Keyboard", "price": 150_000})).await.expect(201);
    assert_eq!(added["product"]["id"], 4);
    let body = json!({"user_id": user["id"], "product_id": added["product"]["id"], "quantity": 2});
    let order = app.order.post("/orders", &body).await.expect(201);
    assert_eq!(order["user"], json!({"id": 2, "name": "Siti"}), "an order shows no e-mail address");
    assert_eq!(order["product"], json!({"id": 4, "name": "Keyboard", "price": 150_000}));
    assert_eq!(order["total_price"], 300_000);
    assert_eq!(app.order.all("/orders").await, [order]);
}

#[tokio::test]
async fn data_survives_a_restart_and_demo_data_is_added_once() {
    let folder = tempfile::tempdir().unwrap();
    let body = json!({"user_id": 1, "product_id": 3, "quantity": 5});
    let key = [("idempotency-key", "before the restart")];
    let app = TestApp::in_folder(&folder, &[]).await;
    app.user.post("/users", &json!({"name": "Siti"})).await.expect(201);
    let placed = app.order.post_as("/orders", &key, &body).await;
    placed.expect(201);
    let before = (app.user.all("/users").await, app.product.all("/products").await, app.order.all("/orders").await);
    drop(app);

    let app = TestApp::in_folder(&folder, &[]).await;
    let after = (app.user.all("/users").await, app.product.all("/products").await, app.order.all("/orders").await);
    assert_eq!(after, before);
    let replay = app.order.post_as("/orders", &key, &body).await;
    assert_eq!((replay.status, replay.header("idempotent-replayed"), &replay.body), (201, "true", &placed.body));
    assert_eq!(app.order.post("/orders", &body).await.expect(201)["id"], 2);
}

#[tokio::test]
async fn demo_data_is_not_added_to_a_database_with_data() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::in_folder(&folder, &["--demo", "off"]).await;
    app.user.post("/users", &json!({"name": "Siti"})).await.expect(201);
    drop(app);
    let app = TestApp::in_folder(&folder, &["--demo", "on"]).await;
    assert_eq!(app.user.all("/users").await, [json!({"id": 1, "name": "Siti"})]);
}

#[tokio::test]
async fn each_service_may_be_a_process_with_a_database_of_its_own() {
    let [users, products] = [TestApp::spawn().await, TestApp::spawn().await];
    let (user_url, product_url) = (format!("http://{}", users.user.addr), format!("http://{}", products.product.addr));
    let app = TestApp::with_flags(&["--demo=off", "--user-url", &user_url, "--product-url", &product_url]).await;
    app.order.post("/orders", &json!({"user_id": 1, "product_id": 1})).await.expect(201);
    assert!(app.user.all("/users").await.is_empty());
    assert!(users.order.all("/orders").await.is_empty());
}

#[tokio::test]
async fn two_processes_can_share_a_database_without_losing_or_duplicating_orders() {
    let folder = tempfile::tempdir().unwrap();
    let apps = [TestApp::in_folder(&folder, &[]).await, TestApp::in_folder(&folder, &[]).await];
    let body = json!({"user_id": 1, "product_id": 1});
    let keys: Vec<String> = (0..20).map(|key| format!("key {key}")).collect();
    let orders = keys.iter().flat_map(|key| apps.iter().map(move |app| (app, [("idempotency-key", key.as_str())])));
    let answers = join_all(orders.map(async |(app, key)| app.order.post_as("/orders", &key, &body).await)).await;
    for pair in answers.chunks(2) {
        pair[0].expect(201);
        assert_eq!(pair[0].body, pair[1].body);
    }
    for app in &apps {
        assert_eq!(app.order.all("/orders").await.len(), keys.len());
    }
}

#[tokio::test]
async fn migrating_a_database_of_an_earlier_version_keeps_all_data() {
    let folder = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(folder.path().join("pasar.db")).unwrap();
    old.execute_batch(
        "CREATE TABLE migrations (name TEXT PRIMARY KEY) STRICT; CREATE TABLE done (name TEXT PRIMARY KEY) STRICT",
    )
    .unwrap();
    for name in ["001_user", "002_product", "003_order"] {
        let sql = format!("{}/src/storage/migrations/sqlite/{name}.sql", env!("CARGO_MANIFEST_DIR"));
        old.execute_batch(&std::fs::read_to_string(sql).unwrap()).unwrap();
        old.execute("INSERT INTO migrations VALUES (?1)", [name]).unwrap();
    }
    let now = Clock::system().now().as_millis();
    old.execute_batch(&format!(
        r#"INSERT INTO users (name) VALUES ('Bambang');
           INSERT INTO products (name, price) VALUES ('Laptop Asus', 8000000);
           INSERT INTO orders VALUES (1, 1, 'Bambang', 16000000, 'pending', 1000);
           INSERT INTO order_items VALUES (1, 1, 1, 'Laptop Asus', 8000000, 2);
           INSERT INTO order_keys VALUES
               ('cart', '{{"user_id":1,"product_id":1,"quantity":2}}', '{{"id":1,"as":"it was"}}', {now})"#
    ))
    .unwrap();
    drop(old);

    let app = TestApp::in_folder(&folder, &["--sweep=20ms"]).await;
    let body = json!({"user_id": 1, "product_id": 1, "quantity": 2});
    let replayed = app.order.post_as("/orders", &[("idempotency-key", "cart")], &body).await;
    assert_eq!(replayed.expect(201), json!({"id": 1, "as": "it was"}));
    assert_eq!(app.product.all("/products?search=laptop").await.len(), 1);
    app.payment.post("/payments", &json!({"order_id": 1})).await.expect(201);
    app.payment.post("/payments/confirm", &json!({"order_id": 1})).await.expect(200);
    let order = app.order.get("/orders/1").await.expect(200);
    assert_eq!((&order["status"], &order["items"][0]["quantity"]), (&json!("paid"), &json!(2)));
}
