//! `POST /reset`: a shop starts over while it runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pasar::app::verify::verify;
use pasar::config::Config;
use pasar::invariants::Verdict;
use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::events::{backlog, wait_until_idle};
use crate::fake::{Behavior, Fake};
use crate::invariants::all_hold;
use crate::notifications::LiveStream;
use crate::support::{Answer, Api, Clock, PASSWORD, TestApp, eventually};

async fn reset(api: &Api) -> Answer {
    api.send(Method::POST, "/reset", &[], Vec::new()).await
}

/// What a shop lists.
async fn lists(app: &TestApp) -> Vec<Vec<Value>> {
    let mut lists = Vec::new();
    for (api, path) in [
        (&app.user, "/users"),
        (&app.user, "/users/1/notifications"),
        (&app.product, "/products"),
        (&app.order, "/orders"),
        (&app.order, "/orders/activity"),
        (&app.payment, "/payments"),
    ] {
        lists.push(api.all(path).await);
    }
    let summary = app.order.get("/orders/summary").await.expect(200);
    lists.push(vec![summary["statuses"].clone(), summary["placed"].clone(), summary["revenue"].clone()]);
    lists
}

/// How many rows each table has, but for those of the schema, of what runs and of resets.
fn rows(folder: &Path) -> BTreeMap<String, i64> {
    let file = Connection::open(folder.join("pasar.db")).unwrap();
    let mut tables =
        file.prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'").unwrap();
    let names = tables.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
    // A start marks that it has looked after the data of earlier versions; tombstones are of released reservations.
    let excepted = ["sqlite_schema", "sqlite_sequence", "subscribers", "probes", "reservations", "done"];
    let names: Vec<_> = names.filter(|name| !excepted.contains(&name.as_str())).collect();
    let count = |name: &String| file.query_row(&format!("SELECT count(*) FROM {name}"), [], |row| row.get(0)).unwrap();
    names.iter().map(|name| (name.clone(), count(name))).collect()
}

/// Asserts that the shop is as it was when it was new, and that it gives the ids that a new one gives.
async fn assert_new(app: &TestApp) {
    let new = TestApp::spawn().await;
    assert_eq!(lists(app).await, lists(&new).await);
    for app in [app, &new] {
        let registered = app.registers("siti@example.com").await;
        assert_eq!((registered.id, app.sells("Kopi", 20_000, Some(10)).await), (2, 4));
        let order = json!({"user_id": 2, "items": [{"product_id": 4, "quantity": 2}, {"product_id": 1}]});
        assert_eq!(app.order.post("/orders", &order).await.expect(201)["id"], 1);
        assert_eq!(app.payment.post("/payments", &json!({"order_id": 1})).await.expect(201)["id"], 1);
        app.payment.post("/payments/confirm", &json!({"order_id": 1})).await.expect(200);
        wait_until_idle(app).await;
        assert_eq!(app.product.all("/products?search=kopi").await.len(), 1);
        let ids = |rows: Vec<Value>| rows.iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>();
        assert_eq!(ids(app.user.all("/users/2/notifications").await), [1, 2]);
        eventually("the order is counted", async || {
            let summary = app.order.get("/orders/summary").await.expect(200);
            (summary["placed"] == 1 && summary["statuses"]["paid"] == 1).then_some(())
        })
        .await;
        assert_eq!(app.stock_levels(4).await, [8, 2, 0]);
    }
}

/// Waits until all is as it must be in each service, and between the services.
async fn verified(app: &TestApp) {
    all_hold(app).await;
    let flags = app.services().map(|(name, api)| format!("--{name}-addr={}", api.addr));
    let config = Config::from_args(["pasar"].into_iter().chain(flags.iter().map(String::as_str)).chain(["verify"]));
    for report in verify(&config.unwrap(), |_| ()).await.unwrap() {
        assert_eq!(report.holds, Verdict::Good, "{report:?}");
    }
}

/// What customers do in a shop that is reset again and again.
#[derive(Clone)]
struct Traffic {
    stopping: Arc<AtomicBool>,
    /// The orders that were acknowledged.
    placed: Arc<AtomicUsize>,
}

impl Traffic {
    /// Sends a call. What it names may be gone, and a reset may interrupt it; nothing else may fail.
    async fn send(api: &Api, method: Method, path: &str, body: &Value) -> Option<Value> {
        let headers = [("content-type", "application/json")];
        let answer = api.send(method, path, &headers, body.to_string().into_bytes()).await;
        match answer.status {
            200 | 201 => Some(answer.json()),
            404 | 409 => None,
            503 => {
                let code = answer.json()["code"].clone();
                assert!(["busy", "peer_unavailable", "payment_unsettled", "too_slow"].map(Value::from).contains(&code));
                None
            }
            _ => panic!("{path}: {}", answer.text()),
        }
    }

    /// Orders and pays; `stocked`: products whose stock is tracked.
    async fn shop(self, user: Api, product: Api, order: Api, stocked: bool) {
        while !self.stopping.load(Ordering::SeqCst) {
            let new = json!({"name": "Kopi", "price": 20_000, "stock": 1000});
            let Some(added) = Self::send(&product, Method::POST, "/products", &new).await else { continue };
            let Some(buyer) = Self::send(&user, Method::POST, "/users", &json!({"name": "Budi"})).await else {
                continue;
            };
            for _ in 0..5 {
                let id = if stocked { &added["product"]["id"] } else { &json!(1) };
                let new = json!({"user_id": buyer["id"], "items": [{"product_id": id, "quantity": 2}]});
                let Some(placed) = Self::send(&order, Method::POST, "/orders", &new).await else { break };
                self.placed.fetch_add(1, Ordering::SeqCst);
                let (id, at) = (&placed["id"], format!("/orders/{}", placed["id"]));
                if fastrand::bool() {
                    let cancelled = json!({"status": "cancelled"});
                    Self::send(&order, Method::PUT, &format!("{at}/status"), &cancelled).await;
                    continue;
                }
                Self::send(&order, Method::POST, "/payments", &json!({"order_id": id})).await;
                Self::send(&order, Method::POST, "/payments/confirm", &json!({"order_id": id})).await;
                Self::send(&order, Method::PUT, &format!("{at}/confirm"), &json!({})).await;
            }
        }
    }
}

#[tokio::test]
async fn resets_in_the_middle_of_traffic_leave_a_shop_in_which_all_agrees() {
    let (folder, fresh) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let app = TestApp::in_folder(&folder, &["--sweep=20ms"]).await;
    let traffic = Traffic { stopping: Arc::default(), placed: Arc::default() };
    let mut customers = JoinSet::new();
    for stocked in [true, false, true, false] {
        let [user, product, order] = [&app.user, &app.product, &app.order].map(Clone::clone);
        customers.spawn(traffic.clone().shop(user, product, order, stocked));
    }
    for round in 0..9 {
        let before = traffic.placed.load(Ordering::SeqCst);
        eventually("more orders", async || (traffic.placed.load(Ordering::SeqCst) > before + 10).then_some(())).await;
        let answer = reset(app.services()[round % 3].1).await;
        assert_eq!((answer.status, answer.text().as_str()), (204, ""));
    }
    let before = traffic.placed.load(Ordering::SeqCst);
    eventually("more orders", async || (traffic.placed.load(Ordering::SeqCst) > before + 10).then_some(())).await;
    traffic.stopping.store(true, Ordering::SeqCst);
    customers.join_all().await;
    verified(&app).await;
    // The orders since the last reset have the first ids, without gaps.
    let ids: Vec<_> = app.order.all("/orders").await.iter().map(|order| order["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (1..=ids.len() as i64).collect::<Vec<_>>());

    reset(&app.order).await.with_status(204);
    wait_until_idle(&app).await;
    let _new = TestApp::in_folder(&fresh, &[]).await;
    assert_eq!(rows(folder.path()), rows(fresh.path()));
    assert_new(&app).await;
    verified(&app).await;
}

#[tokio::test]
async fn what_a_reset_interrupts_writes_nothing_and_holds_no_stock() {
    let users = Fake::start(Behavior::Well);
    let app = TestApp::with_flags(&["--user-url", &users.url()]).await;
    for stock in [None, Some(10)] {
        let product = app.sells("Kopi", 20_000, stock).await;
        let order = json!({"user_id": 1, "product_id": product});
        // From now on it is known whether the stock is tracked.
        app.order.post("/orders", &order).await.expect(201);
        let asked = users.requests().len();
        users.behave(Behavior::Hangs);
        let interrupted = {
            let (api, order) = (app.order.clone(), order.clone());
            tokio::spawn(async move { api.post_as("/orders", &[("idempotency-key", "cart")], &order).await })
        };
        eventually("the order is in progress", async || {
            let planned = stock.is_none() || backlog(&app, "calls", "waiting").await == 1;
            (planned && users.requests().len() > asked).then_some(())
        })
        .await;
        reset(&app.product).await.with_status(204);
        assert_eq!(app.sells("Kopi", 20_000, stock).await, product, "the same id");
        users.behave(Behavior::Well);
        assert_eq!(interrupted.await.unwrap().status, 503);
        all_hold(&app).await;
        assert_eq!(app.order.all("/orders").await, Vec::<Value>::new());
        if stock.is_some() {
            assert_eq!(app.stock_levels(product).await, [10, 0, 0]);
        }
        // The same request places the order in the new shop.
        let again = app.order.post_as("/orders", &[("idempotency-key", "cart")], &order).await;
        assert_eq!((again.expect(201)["id"].clone(), again.header("idempotent-replayed")), (json!(1), ""));
        reset(&app.product).await.with_status(204);
    }
}

#[tokio::test]
async fn a_payment_that_a_reset_interrupts_pays_no_order_of_the_new_shop() {
    let clock = Clock::standing_at(Clock::system().now().as_millis());
    let app = TestApp::with_clock(&["--payment-gateway=qris=1s"], &clock).await;
    let opens = async || {
        app.order.post("/orders", &json!({"user_id": 1, "product_id": 1})).await.expect(201);
        app.payment.post("/payments", &json!({"order_id": 1, "method": "qris"})).await.expect(201);
    };
    opens().await;
    let confirmed = {
        let api = app.payment.clone();
        tokio::spawn(async move { api.post("/payments/confirm", &json!({"order_id": 1})).await })
    };
    eventually("it is being charged", async || app.payment.all("/invariants/jobs").await.pop()).await;
    reset(&app.payment).await.with_status(204);
    opens().await;
    confirmed.await.unwrap();
    wait_until_idle(&app).await;
    assert_eq!(app.order.get("/orders/1").await.expect(200)["status"], "pending");
    assert_eq!(app.payment.get("/payments/1").await.expect(200)["status"], "pending");
    verified(&app).await;
}

#[tokio::test]
async fn a_call_that_a_reset_overtakes_means_no_order_of_the_new_shop() {
    let app = TestApp::spawn().await;
    let opens = async || {
        app.order.post("/orders", &json!({"user_id": 1, "product_id": 1})).await.expect(201);
        app.payment.post("/payments", &json!({"order_id": 1, "more_time": true})).await.expect(201);
    };
    opens().await;
    let hang = json!({"from": "payment", "to": "order", "kind": "hang", "method": "PUT"});
    app.payment.put("/faults/hang", &hang).await.expect(200);
    let confirmed = {
        let api = app.payment.clone();
        tokio::spawn(async move { api.post("/payments/confirm", &json!({"order_id": 1})).await })
    };
    eventually("the first attempt hangs", async || {
        (app.payment.get("/faults").await.expect(200)["faults"][0]["fired"] == 1).then_some(())
    })
    .await;
    reset(&app.payment).await.with_status(204);
    opens().await;
    // Its second attempt reaches the new shop.
    confirmed.await.unwrap();
    wait_until_idle(&app).await;
    assert_eq!(app.order.get("/orders/1").await.expect(200)["status"], "pending");
    assert_eq!(app.payment.get("/payments/1").await.expect(200)["status"], "pending");
    verified(&app).await;
}

#[tokio::test]
async fn live_streams_go_on_with_the_first_ids() {
    let app = TestApp::spawn().await;
    let order = json!({"user_id": 1, "product_id": 1});
    for _ in 0..3 {
        app.order.post("/orders", &order).await.expect(201);
    }
    app.order.put("/orders/1/status", &json!({"status": "cancelled"})).await.expect(200);
    let mut notifications = LiveStream::of(&app.user, "/users/1/notifications/stream", "").await;
    for id in 1..=4 {
        assert_eq!(notifications.next().await.unwrap().0, id);
    }
    wait_until_idle(&app).await;
    let mut activity = LiveStream::of(&app.order, "/orders/activity/stream", "").await;
    reset(&app.user).await.with_status(204);
    app.order.post("/orders", &order).await.expect(201);
    let (id, notified) = notifications.next().await.unwrap();
    assert_eq!((id, &notified["order_id"], &notified["status"]), (1, &json!(1), &json!("pending")));
    let (_, placed) = activity.next().await.unwrap();
    assert_eq!((&placed["order_id"], &placed["status"]), (&json!(1), &json!("pending")));
    app.order.put("/orders/1/status", &json!({"status": "cancelled"})).await.expect(200);
    assert_eq!(notifications.next().await.unwrap().0, 2);
    let (id, cancelled) = activity.next().await.unwrap();
    assert_eq!((id, &cancelled["status"]), (1, &json!("cancelled")));
}

#[tokio::test]
async fn tokens_and_attempts_of_a_user_do_not_pass_to_another_of_the_same_id() {
    let app = TestApp::spawn().await;
    let siti = app.registers("siti@example.com").await;
    let wrong = |email: &str| json!({"email": email, "password": "dua ekor kucing"});
    for _ in 0..10 {
        app.user.post("/auth/login", &wrong("siti@example.com")).await.problem(401, "wrong_credentials");
    }
    app.user.post("/auth/login", &wrong("siti@example.com")).await.problem(429, "too_many_attempts");
    for _ in 0..2 {
        reset(&app.user).await.with_status(204);
        app.user.with_token(&siti.token).get("/auth/me").await.problem(401, "token_revoked");
        let budi = app.registers("budi@example.com").await;
        assert_eq!(budi.id, siti.id);
        app.user.with_token(&siti.token).get("/auth/me").await.problem(401, "token_revoked");
        let own = app.user.with_token(&budi.token).get("/auth/me").await.expect(200);
        assert_eq!(own["email"], "budi@example.com");
        app.user.post("/auth/login", &wrong("budi@example.com")).await.problem(401, "wrong_credentials");
        app.user
            .post("/auth/login", &json!({"email": "siti@example.com", "password": PASSWORD}))
            .await
            .with_status(401);
    }
}

#[tokio::test]
async fn without_demo_data_a_shop_is_empty_afterwards() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    app.registers("siti@example.com").await;
    app.seeds_shop().await;
    reset(&app.order).await.with_status(204);
    assert_eq!((app.user.all("/users").await.len(), app.product.all("/products").await.len()), (0, 0));
    assert_eq!(app.product.all("/products?search=kopi").await.len(), 0);
    app.seeds_shop().await;
    assert_eq!(app.product.all("/products").await[0]["id"], 1);
    all_hold(&app).await;
}

#[tokio::test]
async fn a_shop_that_others_can_use_is_not_reset() {
    for flags in [
        &["--auth=required", "--lab=on"][..],
        &["--auth=required"],
        &["--lab=off"],
        &["--lab=on", "--public-url=https://shop.example"],
        &["--lab=on", "--open-to-network=yes", "--payment-addr=0.0.0.0:0"],
    ] {
        let app = TestApp::with_flags(flags).await;
        let token = if flags.contains(&"--auth=required") { Some(app.admin().await.token) } else { None };
        for (_, api) in app.services() {
            let api = token.as_ref().map_or_else(|| api.clone(), |token| api.with_token(token));
            reset(&api).await.problem(403, "reset_refused");
            let headers = [("accept-language", "en")];
            api.send(Method::POST, "/reset", &headers, Vec::new()).await.problem_in("en", 403, "reset_refused");
        }
        let all = app.product.all("/products").await;
        assert_eq!(all.len(), 3, "{flags:?}");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_resets_nothing() {
    let app = TestApp::spawn().await;
    app.order.post("/orders", &json!({"user_id": 1, "product_id": 1})).await.expect(201);
    for headers in [[("origin", "https://evil.example")], [("origin", "null")]] {
        let answer = app.order.send(Method::POST, "/reset", &headers, Vec::new()).await;
        answer.problem(403, "origin_not_allowed");
    }
    assert_eq!(app.order.all("/orders").await.len(), 1);
}
