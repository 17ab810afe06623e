//! Events and jobs: each is handled exactly once, even if services stop in between.

use std::net::SocketAddr;

use futures_util::{StreamExt, stream};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::lifecycle::{BACK, HELD, LIFECYCLES, SOLD, START, assert_outcome, history, place_order, stocked, take_step};
use crate::payment::{DEADLINE, confirm, open, status};
use crate::support::{Api, Clock, TestApp, eventually};

/// How many `events` or `calls` are `waiting` or `parked`.
pub async fn backlog(app: &TestApp, of: &str, state: &str) -> i64 {
    let metrics = app.order.get("/metrics").await.text();
    let labels = [format!("of=\"{of}\""), format!("state=\"{state}\"")];
    let mut lines = metrics.lines().filter(|line| line.starts_with("backlog{"));
    let line = lines.find(|line| labels.iter().all(|label| line.contains(label))).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Waits until no event or job is waiting. None may be parked.
pub async fn wait_until_idle(app: &TestApp) {
    eventually("all events and jobs are done", async || {
        let waiting = backlog(app, "events", "waiting").await + backlog(app, "calls", "waiting").await;
        (waiting == 0).then_some(())
    })
    .await;
    assert_eq!((backlog(app, "events", "parked").await, backlog(app, "calls", "parked").await), (0, 0));
}

/// A proxy with a fixed address, whose target can stop and start again.
pub struct Gateway {
    addr: SocketAddr,
    target: watch::Sender<Option<SocketAddr>>,
}

impl Gateway {
    pub async fn to(api: &Api) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (target, target_changes) = watch::channel(Some(api.addr));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut target_changes = target_changes.clone();
                tokio::spawn(async move {
                    let Some(target) = *target_changes.borrow_and_update() else { return };
                    let Ok(mut server) = TcpStream::connect(target).await else { return };
                    tokio::select! {
                        // An open connection would keep the service from stopping.
                        _ = target_changes.changed() => {}
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    }
                });
            }
        });
        Self { addr, target }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops the target service.
    pub async fn stop(&self, app: TestApp) {
        self.target.send(None).unwrap();
        tokio::task::spawn_blocking(move || drop(app)).await.unwrap();
    }

    pub fn open(&self, api: &Api) {
        self.target.send(Some(api.addr)).unwrap();
    }
}

fn database(folder: &TempDir) -> Connection {
    Connection::open(folder.path().join("pasar.db")).unwrap()
}

/// Adds a trigger that records each committed event, handled or not.
fn record_outbox(folder: &TempDir) {
    let watch = "CREATE TABLE seen (event TEXT);
                 CREATE TRIGGER see AFTER INSERT ON outbox BEGIN INSERT INTO seen VALUES (new.event); END";
    database(folder).execute_batch(watch).unwrap();
}

fn recorded_events(folder: &TempDir) -> Vec<Value> {
    let database = database(folder);
    let mut events = database.prepare("SELECT event FROM seen ORDER BY rowid").unwrap();
    let texts = events.query_map([], |row| row.get::<_, String>(0)).unwrap();
    texts.map(|text| serde_json::from_str(&text.unwrap()).unwrap()).collect()
}

const NOTIFICATIONS: &str = "user.notifications";

/// Inserts an event into the outbox that its subscriber can't handle.
fn insert_invalid_event(folder: &TempDir, subscriber: &str, key: &str, attempts: i64, event: &str) {
    let sql = "INSERT INTO outbox (subscriber, id, key, event, attempts) VALUES
        (?1, (SELECT coalesce(max(id), 0) + 1 FROM outbox WHERE subscriber = ?1), ?2, ?3, ?4)";
    database(folder).execute(sql, (subscriber, key, event, attempts)).unwrap();
}

/// The orders that user 1 was notified of.
async fn notified_orders(app: &TestApp) -> Vec<Value> {
    let notifications = app.user.all("/users/1/notifications").await;
    notifications.iter().map(|notification| notification["order_id"].clone()).collect()
}

/// Advances the clock, so that jobs are retried, until payment 1 has this status.
async fn advance_until_payment_is(app: &TestApp, clock: &Clock, expected: &str) {
    eventually("the payment is settled", async || {
        clock.set(clock.now().as_millis() + 30_000);
        (status(app, 1).await == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_event_exists_only_if_its_change_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::in_folder_with_clock(&folder, &[], &Clock::standing_at(START)).await;
    record_outbox(&folder);
    let siti = json!({"name": "Siti", "email": "siti@mail.id"});
    app.user.post("/users", &siti).await.expect(201);
    let product = stocked(&app).await;
    let order = place_order(&app, product).await;
    let mut events = vec![
        json!({"event": "user_created", "user_id": 2, "name": "Siti"}),
        json!({"event": "order_created", "order_id": 1, "user_id": 1, "at": START}),
    ];
    assert_eq!(recorded_events(&folder), events);

    app.user.post("/users", &siti).await.problem(409, "email_taken");
    for step in ["confirmed", "shipped", "completed"] {
        take_step(&app, order, step).await.problem(409, "order_state");
    }
    take_step(&app, order, "pending").await.expect(200);
    let too_many = json!({"user_id": 1, "product_id": product, "quantity": 8});
    app.order.post("/orders", &too_many).await.problem(409, "insufficient_stock");
    app.order.post("/orders", &json!({"user_id": 99, "product_id": 1})).await.problem(404, "user_not_found");
    assert_eq!(recorded_events(&folder), events);

    take_step(&app, order, "cancelled").await.expect(200);
    let [event, status] = ["order_status_changed", "cancelled"];
    // Two subscribers receive it.
    for _ in 0..2 {
        events.push(json!({"event": event, "order_id": 1, "user_id": 1, "status": status, "at": START}));
    }
    assert_eq!(recorded_events(&folder), events);
}

#[tokio::test]
async fn the_order_service_receives_events_about_new_users() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::in_folder(&folder, &[]).await;
    record_outbox(&folder);
    app.user.post("/users", &json!({"name": "Siti"})).await.expect(201);
    assert_eq!(recorded_events(&folder).len(), 1);
    // The outbox is empty afterwards.
    wait_until_idle(&app).await;
}

#[tokio::test]
async fn two_processes_on_one_database_handle_each_event_once() {
    const USERS: i64 = 4;
    const ORDERS: i64 = 200;
    let folder = tempfile::tempdir().unwrap();
    let apps = [TestApp::in_folder(&folder, &[]).await, TestApp::in_folder(&folder, &[]).await];
    for at in 2..=USERS {
        apps[0].user.post("/users", &json!({"name": format!("User {at}")})).await.expect(201);
    }
    let lives = (0..ORDERS).map(|at| {
        let (app, other) = (&apps[at as usize % 2], &apps[(at as usize + 1) % 2]);
        async move {
            let body = json!({"user_id": at % USERS + 1, "product_id": 3});
            let order = app.order.post("/orders", &body).await.expect(201)["id"].as_i64().unwrap();
            take_step(other, order, "paid").await.expect(200);
            take_step(app, order, "confirmed").await.expect(200);
        }
    });
    stream::iter(lives).buffer_unordered(16).collect::<Vec<_>>().await;
    wait_until_idle(&apps[0]).await;
    for user in 1..=USERS {
        let notified_orders = apps[1].user.all(&format!("/users/{user}/notifications")).await;
        let ids: Vec<_> = notified_orders.iter().map(|one| one["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, (1..=ORDERS / USERS * 3).collect::<Vec<_>>());
        for order in apps[0].order.all(&format!("/orders/user/{user}")).await {
            let own = notified_orders.iter().filter(|one| one["order_id"] == order["id"]).map(|one| &one["status"]);
            assert_eq!(own.collect::<Vec<_>>(), ["pending", "paid", "confirmed"], "{order}");
        }
    }
}

#[tokio::test]
async fn an_invalid_event_is_parked_and_blocks_no_other_event() {
    for invalid in ["{not json", "{}", r#"{"event":"user_flown","user_id":1}"#, r#"{"event":"order_created","at":""}"#]
    {
        let folder = tempfile::tempdir().unwrap();
        let app = TestApp::in_folder(&folder, &[]).await;
        assert_eq!(backlog(&app, "events", "parked").await, 0);
        // `order.log` gets an event with the same number and text, which is still retried when the test ends.
        insert_invalid_event(&folder, "order.log", "user:1", 0, invalid);
        insert_invalid_event(&folder, NOTIFICATIONS, "order:1", 13, invalid);
        eventually("it is parked", async || (backlog(&app, "events", "parked").await == 1).then_some(())).await;
        for _ in 0..2 {
            place_order(&app, 1).await;
        }
        eventually("the notifications of both orders", async || (notified_orders(&app).await == [1, 2]).then_some(()))
            .await;
        assert_eq!((backlog(&app, "events", "waiting").await, backlog(&app, "events", "parked").await), (1, 1));
        drop(app);
        let app = TestApp::in_folder(&folder, &[]).await;
        place_order(&app, 1).await;
        eventually("another one after a restart", async || (notified_orders(&app).await == [1, 2, 3]).then_some(()))
            .await;
        assert_eq!(backlog(&app, "events", "parked").await, 1, "{invalid}");
    }
}

#[tokio::test]
async fn a_failing_event_delays_only_events_with_the_same_key_until_it_is_parked() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::standing_at(START);
    let app = TestApp::in_folder_with_clock(&folder, &["--sweep=1h"], &clock).await;
    insert_invalid_event(&folder, NOTIFICATIONS, "order:1", 0, "{");
    for _ in 0..2 {
        place_order(&app, 1).await;
    }
    take_step(&app, 1, "paid").await.expect(200);
    place_order(&app, 1).await;
    // The events of order 1 were written before those of order 3.
    eventually("the other orders' notifications", async || (notified_orders(&app).await == [2, 3]).then_some(())).await;
    assert_eq!((backlog(&app, "events", "waiting").await, backlog(&app, "events", "parked").await), (3, 0));

    let mut now = START;
    eventually("it is parked", async || {
        let notified_orders = notified_orders(&app).await;
        if backlog(&app, "events", "parked").await == 1 {
            return Some(());
        }
        assert_eq!(notified_orders, [2, 3]);
        now += 300_000;
        clock.set(now);
        None
    })
    .await;
    let sql = "SELECT attempts FROM outbox WHERE parked = 1";
    let failures: i64 = database(&folder).query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(failures, 14);
    eventually("the events that waited for it", async || (notified_orders(&app).await == [2, 3, 1, 1]).then_some(()))
        .await;
    let statuses = app.user.all("/users/1/notifications").await;
    assert_eq!((&statuses[2]["status"], &statuses[3]["status"]), (&json!("pending"), &json!("paid")));
}

#[tokio::test]
async fn an_order_completes_although_everything_restarts_between_steps() {
    for lifecycle in &LIFECYCLES[4..] {
        let folder = tempfile::tempdir().unwrap();
        let app = TestApp::in_folder(&folder, &[]).await;
        let product = stocked(&app).await;
        let order = place_order(&app, product).await;
        drop(app);
        for step in lifecycle.way {
            let app = TestApp::in_folder(&folder, &[]).await;
            take_step(&app, order, step).await.expect(200);
        }
        let app = TestApp::in_folder(&folder, &[]).await;
        assert_outcome(&app, order, lifecycle.way, product, lifecycle.levels).await;
        let notified_orders = app.user.all("/users/1/notifications").await;
        assert_eq!(notified_orders.len(), lifecycle.way.len() + 1, "{notified_orders:?}");
    }
}

#[tokio::test]
async fn jobs_for_a_stopped_product_service_run_when_it_is_back() {
    let [folder, own] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let products = TestApp::in_folder(&folder, &[]).await;
    let gate = Gateway::to(&products.product).await;
    let flags = ["--product-url", &gate.url()];
    let app = TestApp::in_folder(&own, &flags).await;
    let product = stocked(&products).await;
    let [cancelled, sold] = [place_order(&app, product).await, place_order(&app, product).await];
    take_step(&app, sold, "paid").await.expect(200);
    assert_eq!(products.stock_levels(product).await, [4, 6, 0]);

    gate.stop(products).await;
    assert_eq!(take_step(&app, cancelled, "cancelled").await.expect(200)["status"], "cancelled");
    assert_eq!(take_step(&app, sold, "confirmed").await.expect(200)["status"], "confirmed");
    assert_eq!(backlog(&app, "calls", "waiting").await, 2);
    take_step(&app, cancelled, "cancelled").await.problem(409, "order_state");
    drop(app);

    // The order service can restart in between.
    let app = TestApp::in_folder(&own, &flags).await;
    let products = TestApp::in_folder(&folder, &[]).await;
    assert_eq!(products.stock_levels(product).await, [4, 6, 0]);
    gate.open(&products.product);
    wait_until_idle(&app).await;
    assert_eq!(products.stock_levels(product).await, SOLD);
    assert_eq!(history(&app, cancelled).await, ["pending", "cancelled"]);
    assert_eq!(history(&app, sold).await, ["pending", "paid", "confirmed"]);
}

#[tokio::test]
async fn orders_that_lapsed_while_stopped_expire_at_the_next_start() {
    const COUNT: i64 = 250;
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::standing_at(START);
    let app = TestApp::in_folder_with_clock(&folder, &["--sweep=1h"], &clock).await;
    let product = app.sells("Kopi", 20_000, Some(3 * COUNT)).await;
    for at in 0..COUNT {
        let order = place_order(&app, product).await;
        if at % 2 == 0 {
            open(&app, order).await;
        }
    }
    assert_eq!(app.stock_levels(product).await, [0, 3 * COUNT, 0]);
    drop(app);
    clock.set(START + 3_600_000);
    let app = TestApp::in_folder_with_clock(&folder, &["--sweep=1h"], &clock).await;
    eventually("the stock", async || (app.stock_levels(product).await == [3 * COUNT, 0, 0]).then_some(())).await;
    wait_until_idle(&app).await;
    assert_eq!(app.order.all("/orders?status=expired").await.len(), COUNT as usize);
    let payments = app.payment.all("/payments").await;
    assert!(payments.iter().all(|payment| payment["status"] == "expired"), "{payments:?}");
    for order in 1..=COUNT {
        assert_eq!(history(&app, order).await, ["pending", "expired"]);
    }
}

const ORDERS: [&str; 2] = ["--order-ttl=1m", "--sweep=1h"];

/// The order service and the payment service in two apps, and the gateway from the second to the first.
async fn separate_processes(folder: &TempDir, clock: &Clock) -> (TestApp, Gateway, TestApp) {
    let orders = TestApp::in_folder_with_clock(folder, &ORDERS, clock).await;
    let gate = Gateway::to(&orders.order).await;
    let app = TestApp::with_clock(&["--order-url", &gate.url(), "--sweep=20ms"], clock).await;
    (orders, gate, app)
}

#[tokio::test]
async fn a_payment_confirmed_in_time_is_paid_although_the_order_service_returns_after_the_deadline() {
    let (clock, folder) = (Clock::standing_at(START), tempfile::tempdir().unwrap());
    let (orders, gate, app) = separate_processes(&folder, &clock).await;
    let product = stocked(&orders).await;
    let [confirmed, lapsed] = [place_order(&orders, product).await, place_order(&orders, product).await];
    open(&app, confirmed).await;
    open(&app, lapsed).await;

    gate.stop(orders).await;
    clock.set(DEADLINE - 1);
    confirm(&app, confirmed).await.problem(503, "payment_unsettled");
    app.payment.post("/payments", &json!({"order_id": 3})).await.problem(503, "peer_unavailable");
    clock.set(DEADLINE);
    eventually("the other payment expires", async || (status(&app, 2).await == "expired").then_some(())).await;
    assert_eq!(status(&app, 1).await, "confirming");
    confirm(&app, confirmed).await.problem(503, "payment_unsettled");

    let orders = TestApp::in_folder_with_clock(&folder, &ORDERS, &clock).await;
    gate.open(&orders.order);
    advance_until_payment_is(&app, &clock, "paid").await;
    wait_until_idle(&app).await;
    assert_eq!(history(&orders, lapsed).await, ["pending", "expired"]);
    assert_outcome(&orders, confirmed, &["paid"], product, HELD).await;
    assert_eq!(confirm(&app, confirmed).await.expect(200)["status"], "paid");
    confirm(&app, lapsed).await.problem(409, "payment_too_late");
}

#[tokio::test]
async fn a_payment_confirmed_for_an_expired_order_is_refunded() {
    let (clock, folder) = (Clock::standing_at(START), tempfile::tempdir().unwrap());
    let (orders, gate, app) = separate_processes(&folder, &clock).await;
    let product = stocked(&orders).await;
    let order = place_order(&orders, product).await;
    open(&app, order).await;
    gate.stop(orders).await;
    clock.set(DEADLINE - 1);
    confirm(&app, order).await.problem(503, "payment_unsettled");

    clock.set(DEADLINE + 60_000);
    let orders = TestApp::in_folder_with_clock(&folder, &ORDERS, &clock).await;
    eventually("the order expires", async || (history(&orders, order).await.len() == 2).then_some(())).await;
    gate.open(&orders.order);
    advance_until_payment_is(&app, &clock, "refunded").await;
    wait_until_idle(&app).await;
    confirm(&app, order).await.problem(409, "order_state");
    assert_outcome(&orders, order, &["expired"], product, BACK).await;
}

#[tokio::test]
async fn an_order_with_an_expired_payment_refuses_another_before_it_learns_of_the_expiry() {
    let (clock, folder) = (Clock::standing_at(START), tempfile::tempdir().unwrap());
    let (orders, gate, app) = separate_processes(&folder, &clock).await;
    let order = place_order(&orders, 1).await;
    open(&app, order).await;
    gate.stop(orders).await;
    clock.set(DEADLINE);
    eventually("the payment expires", async || (status(&app, 1).await == "expired").then_some(())).await;
    let orders = TestApp::in_folder_with_clock(&folder, &ORDERS, &clock).await;
    gate.open(&orders.order);
    assert_eq!(history(&orders, order).await, ["pending"]);
    let again = eventually("an answer", async || {
        let answer = app.payment.post("/payments", &json!({"order_id": order})).await;
        (answer.status != 503).then_some(answer)
    });
    again.await.problem(409, "payment_too_late");
}
