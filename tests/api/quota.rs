//! The quota of an account: unpaid orders, and the units that they reserve.

use futures_util::future::{join, join_all};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::fake::{Behavior, Fake};
use crate::support::{Answer, Api, Clock, TestApp, Visitor, eventually};

const AT_ONCE: usize = 16;

async fn order(app: &TestApp, visitor: &Visitor, product: i64, quantity: i64) -> Answer {
    let new = json!({"user_id": visitor.id, "items": [{"product_id": product, "quantity": quantity}]});
    app.order.with_token(&visitor.token).post("/orders", &new).await
}

/// Sends this many orders at once. All beyond the quota are refused with `code`, and the answer names the limit.
async fn order_at_once(
    app: &TestApp,
    visitor: &Visitor,
    product: i64,
    quantity: i64,
    code: &str,
    limit: &str,
) -> Vec<i64> {
    let answers = join_all((0..AT_ONCE).map(|_| order(app, visitor, product, quantity))).await;
    let (placed, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    for answer in refused {
        let problem = answer.problem(409, code);
        assert!(problem["detail"].as_str().unwrap().contains(limit), "{problem}");
    }
    placed.iter().map(|answer| answer.json()["id"].as_i64().unwrap()).collect()
}

async fn sells(app: &TestApp, admin: &Visitor, stock: Option<i64>) -> i64 {
    let new = json!({"name": "Kopi", "price": 45_000, "stock": stock});
    let added = app.product.with_token(&admin.token).post("/products", &new).await.expect(201);
    added["product"]["id"].as_i64().unwrap()
}

async fn pay(order: &Api, id: i64) {
    order.put(&format!("/orders/{id}/payment"), &json!({"payment_status": "paid"})).await.expect(200);
}

#[tokio::test]
async fn each_account_gets_exactly_its_quota_of_concurrent_orders() {
    let flags = ["--auth=required", "--max-pending-orders=3", "--max-held-units=10"];
    let app = TestApp::with_flags(&flags).await;
    let admin = app.admin().await;
    let coffee = sells(&app, &admin, Some(1000)).await;
    let tea = sells(&app, &admin, None).await;
    let emails = ["a@example.com", "b@example.com", "c@example.com", "d@example.com"];
    let visitors = join_all(emails.map(|email| app.registers(email))).await;
    // Two accounts send many small orders, one of them for an untracked product. Two send large ones.
    let [a, b, c, d] = [&visitors[0], &visitors[1], &visitors[2], &visitors[3]];
    let few = |visitor, product| order_at_once(&app, visitor, product, 1, "too_many_open_orders", " 3 ");
    let large = |visitor| order_at_once(&app, visitor, coffee, 4, "too_many_held_units", " 10 ");
    let ((a, b), (c, d)) = join(join(few(a, coffee), few(b, tea)), join(large(c), large(d))).await;
    assert_eq!([a.len(), b.len(), c.len(), d.len()], [3, 3, 2, 2]);
    assert_eq!(app.stock_levels(coffee).await, [981, 19, 0], "3 of 1 and 4 of 4 are held");

    // A paid or cancelled order frees quota for its own account.
    let (siti, dewi) = (&visitors[0], &visitors[2]);
    pay(&app.order.with_token(&admin.token), a[0]).await;
    let cancelled = json!({"status": "cancelled"});
    app.order.with_token(&dewi.token).put(&format!("/orders/{}/status", c[0]), &cancelled).await.expect(200);
    assert_eq!(order_at_once(&app, siti, tea, 1, "too_many_open_orders", " 3 ").await.len(), 1);
    assert_eq!(order_at_once(&app, dewi, coffee, 4, "too_many_held_units", " 10 ").await.len(), 1);
    order(&app, dewi, coffee, 2).await.expect(201);
    order(&app, &visitors[3], coffee, 3).await.problem(409, "too_many_held_units");
    order(&app, &visitors[3], coffee, 2).await.expect(201);
}

#[tokio::test]
async fn an_expired_order_frees_quota() {
    let clock = Clock::standing_at(crate::lifecycle::START);
    let flags = ["--auth=required", "--max-pending-orders=1", "--order-ttl=1m", "--sweep=20ms"];
    let app = TestApp::with_clock(&flags, &clock).await;
    let siti = app.registers("siti@example.com").await;
    order(&app, &siti, 1, 1).await.expect(201);
    order(&app, &siti, 1, 1).await.problem(409, "too_many_open_orders");
    clock.set(crate::lifecycle::START + 90_000);
    eventually("there is room", async || (order(&app, &siti, 1, 1).await.status == 201).then_some(())).await;
}

#[tokio::test]
async fn admins_and_open_auth_have_no_quota() {
    let folder = tempfile::tempdir().unwrap();
    for auth in ["required", "open"] {
        let auth = format!("--auth={auth}");
        let flags = [&*auth, "--max-pending-orders=1", "--max-held-units=1"];
        let app = TestApp::in_folder(&folder, &flags).await;
        let admin = if auth.ends_with("open") { app.logs_in("admin@example.com").await } else { app.admin().await };
        let coffee = sells(&app, &admin, Some(100)).await;
        for _ in 0..5 {
            order(&app, &admin, coffee, 5).await.expect(201);
            let new = json!({"user_id": 1, "product_id": coffee, "quantity": 5});
            app.order.with_token(&admin.token).post("/orders", &new).await.expect(201);
        }
        if auth.ends_with("open") {
            let siti = app.registers("siti@example.com").await;
            for _ in 0..5 {
                order(&app, &siti, coffee, 5).await.expect(201);
            }
        }
    }
    let database = Connection::open(folder.path().join("pasar.db")).unwrap();
    let rows: i64 = database.query_row("SELECT count(*) FROM open_orders", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 0, "no rows are kept without a quota");
}

#[tokio::test]
async fn a_refused_order_leaves_the_quota_unchanged() {
    // The stock can't be reserved.
    const REFUSES: Behavior = Behavior::Closes("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    let fake = Fake::start(Behavior::Stocked(&REFUSES, &Behavior::Well));
    let folder = tempfile::tempdir().unwrap();
    let url = fake.url();
    let app = TestApp::in_folder(&folder, &["--auth=required", "--max-pending-orders=2", "--product-url", &url]).await;
    let siti = app.registers("siti@example.com").await;
    let answers = join_all((0..AT_ONCE).map(|_| order(&app, &siti, 1, 1))).await;
    let seen: Vec<_> = answers.iter().map(|answer| (answer.status, answer.json()["code"].clone())).collect();
    let known = |(status, code): &(u16, Value)| {
        (*status, code) == (503, &json!("peer_unavailable")) || (*status, code) == (409, &json!("too_many_open_orders"))
    };
    assert!(seen.iter().all(known) && seen.iter().any(|(status, _)| *status == 503), "{seen:?}");
    let database = Connection::open(folder.path().join("pasar.db")).unwrap();
    let rows = || database.query_row("SELECT count(*) FROM open_orders", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(rows(), 0, "a quota row without an order");
}

#[tokio::test]
async fn a_replay_is_answered_when_the_quota_is_used_up() {
    let app = TestApp::with_flags(&["--auth=required", "--max-pending-orders=1"]).await;
    let admin = app.admin().await;
    let coffee = sells(&app, &admin, Some(10)).await;
    let siti = app.registers("siti@example.com").await;
    let new = json!({"user_id": siti.id, "product_id": coffee});
    let orders = app.order.with_token(&siti.token);
    let headers = [("idempotency-key", "one")];
    let first = orders.post_as("/orders", &headers, &new).await.expect(201);
    for _ in 0..3 {
        assert_eq!(orders.post_as("/orders", &headers, &new).await.expect(201), first);
    }
    orders.post_as("/orders", &[("idempotency-key", "two")], &new).await.problem(409, "too_many_open_orders");
    // The refusal is not stored: with free quota, the same request succeeds.
    pay(&app.order.with_token(&admin.token), first["id"].as_i64().unwrap()).await;
    orders.post_as("/orders", &[("idempotency-key", "two")], &new).await.expect(201);
    assert_eq!(app.stock_levels(coffee).await, [8, 2, 0]);
}
