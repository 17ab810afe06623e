//! What follows from a change: its events, and the calls that it owes. Both happen once, whoever is away.

use std::net::SocketAddr;

use futures_util::{StreamExt, stream};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::life::{BACK, HELD, LIVES, SOLD, START, came_to, history, place, stocked, take};
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

/// Waits until nothing is owed any more; nothing has been given up.
pub async fn quiet(app: &TestApp) {
    eventually("all that was owed is done", async || {
        let waiting = backlog(app, "events", "waiting").await + backlog(app, "calls", "waiting").await;
        (waiting == 0).then_some(())
    })
    .await;
    assert_eq!((backlog(app, "events", "parked").await, backlog(app, "calls", "parked").await), (0, 0));
}

/// An address that stays while the service behind it comes and goes.
pub struct Gate {
    addr: SocketAddr,
    behind: watch::Sender<Option<SocketAddr>>,
}

impl Gate {
    pub async fn to(api: &Api) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (behind, way) = watch::channel(Some(api.addr));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut way = way.clone();
                tokio::spawn(async move {
                    let Some(target) = *way.borrow_and_update() else { return };
                    let Ok(mut server) = TcpStream::connect(target).await else { return };
                    tokio::select! {
                        // An open connection would keep the service from stopping.
                        _ = way.changed() => {}
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    }
                });
            }
        });
        Self { addr, behind }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops the service behind it.
    pub async fn stop(&self, app: TestApp) {
        self.behind.send(None).unwrap();
        tokio::task::spawn_blocking(move || drop(app)).await.unwrap();
    }

    pub fn open(&self, api: &Api) {
        self.behind.send(Some(api.addr)).unwrap();
    }
}

fn database(folder: &TempDir) -> Connection {
    Connection::open(folder.path().join("pasar.db")).unwrap()
}

/// Has the database write down each event that is committed, handled or not.
fn watch_outbox(folder: &TempDir) {
    let watch = "CREATE TABLE seen (event TEXT);
                 CREATE TRIGGER see AFTER INSERT ON outbox BEGIN INSERT INTO seen VALUES (new.event); END";
    database(folder).execute_batch(watch).unwrap();
}

fn seen(folder: &TempDir) -> Vec<Value> {
    let database = database(folder);
    let mut events = database.prepare("SELECT event FROM seen ORDER BY rowid").unwrap();
    let texts = events.query_map([], |row| row.get::<_, String>(0)).unwrap();
    texts.map(|text| serde_json::from_str(&text.unwrap()).unwrap()).collect()
}

const NOTIFICATIONS: &str = "user.notifications";

/// Puts an event into the outbox that its subscriber can't handle.
fn put_garbage(folder: &TempDir, subscriber: &str, key: &str, attempts: i64, event: &str) {
    let sql = "INSERT INTO outbox (subscriber, id, key, event, attempts) VALUES
        (?1, (SELECT coalesce(max(id), 0) + 1 FROM outbox WHERE subscriber = ?1), ?2, ?3, ?4)";
    database(folder).execute(sql, (subscriber, key, event, attempts)).unwrap();
}

/// The orders of which user 1 was told.
async fn told(app: &TestApp) -> Vec<Value> {
    let notifications = app.user.all("/users/1/notifications").await;
    notifications.iter().map(|notification| notification["order_id"].clone()).collect()
}

/// Moves the clock on, so that calls are made again, until payment 1 is this.
async fn settles(app: &TestApp, clock: &Clock, wanted: &str) {
    eventually("it is settled by itself", async || {
        clock.set(clock.now().as_millis() + 30_000);
        (status(app, 1).await == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_event_exists_only_if_its_change_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::on_by(&folder, &[], &Clock::standing_at(START)).await;
    watch_outbox(&folder);
    let siti = json!({"name": "Siti", "email": "siti@mail.id"});
    app.user.post("/users", &siti).await.expect(201);
    let product = stocked(&app).await;
    let order = place(&app, product).await;
    let mut events = vec![
        json!({"event": "user_created", "user_id": 2, "name": "Siti"}),
        json!({"event": "order_created", "order_id": 1, "user_id": 1, "at": START}),
    ];
    assert_eq!(seen(&folder), events);

    app.user.post("/users", &siti).await.problem(409, "email_taken");
    for step in ["confirmed", "shipped", "completed"] {
        take(&app, order, step).await.problem(409, "order_state");
    }
    take(&app, order, "pending").await.expect(200);
    let too_many = json!({"user_id": 1, "product_id": product, "quantity": 8});
    app.order.post("/orders", &too_many).await.problem(409, "insufficient_stock");
    app.order.post("/orders", &json!({"user_id": 99, "product_id": 1})).await.problem(404, "user_not_found");
    assert_eq!(seen(&folder), events);

    take(&app, order, "cancelled").await.expect(200);
    let [event, status] = ["order_status_changed", "cancelled"];
    events.push(json!({"event": event, "order_id": 1, "user_id": 1, "status": status, "at": START}));
    assert_eq!(seen(&folder), events);
}

#[tokio::test]
async fn the_order_service_hears_of_new_users() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::on(&folder, &[]).await;
    watch_outbox(&folder);
    app.user.post("/users", &json!({"name": "Siti"})).await.expect(201);
    assert_eq!(seen(&folder).len(), 1);
    // Nothing is left of it.
    quiet(&app).await;
}

#[tokio::test]
async fn two_processes_on_one_database_handle_each_event_once() {
    const USERS: i64 = 4;
    const ORDERS: i64 = 200;
    let folder = tempfile::tempdir().unwrap();
    let apps = [TestApp::on(&folder, &[]).await, TestApp::on(&folder, &[]).await];
    for at in 2..=USERS {
        apps[0].user.post("/users", &json!({"name": format!("User {at}")})).await.expect(201);
    }
    let lives = (0..ORDERS).map(|at| {
        let (app, other) = (&apps[at as usize % 2], &apps[(at as usize + 1) % 2]);
        async move {
            let body = json!({"user_id": at % USERS + 1, "product_id": 3});
            let order = app.order.post("/orders", &body).await.expect(201)["id"].as_i64().unwrap();
            take(other, order, "paid").await.expect(200);
            take(app, order, "confirmed").await.expect(200);
        }
    });
    stream::iter(lives).buffer_unordered(16).collect::<Vec<_>>().await;
    quiet(&apps[0]).await;
    for user in 1..=USERS {
        let told = apps[1].user.all(&format!("/users/{user}/notifications")).await;
        let ids: Vec<_> = told.iter().map(|one| one["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, (1..=ORDERS / USERS * 3).collect::<Vec<_>>());
        for order in apps[0].order.all(&format!("/orders/user/{user}")).await {
            let own = told.iter().filter(|one| one["order_id"] == order["id"]).map(|one| &one["status"]);
            assert_eq!(own.collect::<Vec<_>>(), ["pending", "paid", "confirmed"], "{order}");
        }
    }
}

#[tokio::test]
async fn an_event_that_can_never_be_handled_is_parked_and_blocks_nobody() {
    for garbage in ["{not json", "{}", r#"{"event":"user_flown","user_id":1}"#, r#"{"event":"order_created","at":""}"#]
    {
        let folder = tempfile::tempdir().unwrap();
        let app = TestApp::on(&folder, &[]).await;
        assert_eq!(backlog(&app, "events", "parked").await, 0);
        // The log has one of the same number and text, which it will try for a while yet.
        put_garbage(&folder, "order.log", "user:1", 0, garbage);
        put_garbage(&folder, NOTIFICATIONS, "order:1", 13, garbage);
        eventually("it is parked", async || (backlog(&app, "events", "parked").await == 1).then_some(())).await;
        for _ in 0..2 {
            place(&app, 1).await;
        }
        eventually("the notifications of both orders", async || (told(&app).await == [1, 2]).then_some(())).await;
        assert_eq!((backlog(&app, "events", "waiting").await, backlog(&app, "events", "parked").await), (1, 1));
        drop(app);
        let app = TestApp::on(&folder, &[]).await;
        place(&app, 1).await;
        eventually("another one after a restart", async || (told(&app).await == [1, 2, 3]).then_some(())).await;
        assert_eq!(backlog(&app, "events", "parked").await, 1, "{garbage}");
    }
}

#[tokio::test]
async fn an_event_that_fails_holds_back_those_of_its_own_key_only_until_it_is_parked() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::standing_at(START);
    let app = TestApp::on_by(&folder, &["--sweep=1h"], &clock).await;
    put_garbage(&folder, NOTIFICATIONS, "order:1", 0, "{");
    for _ in 0..2 {
        place(&app, 1).await;
    }
    take(&app, 1, "paid").await.expect(200);
    place(&app, 1).await;
    // What is of order 1 was written before what is of order 3.
    eventually("the other orders' notifications", async || (told(&app).await == [2, 3]).then_some(())).await;
    assert_eq!((backlog(&app, "events", "waiting").await, backlog(&app, "events", "parked").await), (3, 0));

    let mut now = START;
    eventually("it is parked", async || {
        let told = told(&app).await;
        if backlog(&app, "events", "parked").await == 1 {
            return Some(());
        }
        assert_eq!(told, [2, 3]);
        now += 300_000;
        clock.set(now);
        None
    })
    .await;
    let sql = "SELECT attempts FROM outbox WHERE parked = 1";
    let failures: i64 = database(&folder).query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(failures, 14);
    eventually("what it held back", async || (told(&app).await == [2, 3, 1, 1]).then_some(())).await;
    let statuses = app.user.all("/users/1/notifications").await;
    assert_eq!((&statuses[2]["status"], &statuses[3]["status"]), (&json!("pending"), &json!("paid")));
}

#[tokio::test]
async fn an_order_goes_its_way_though_everything_is_restarted_between_any_two_steps() {
    for life in &LIVES[4..] {
        let folder = tempfile::tempdir().unwrap();
        let app = TestApp::on(&folder, &[]).await;
        let product = stocked(&app).await;
        let order = place(&app, product).await;
        drop(app);
        for step in life.way {
            let app = TestApp::on(&folder, &[]).await;
            take(&app, order, step).await.expect(200);
        }
        let app = TestApp::on(&folder, &[]).await;
        came_to(&app, order, life.way, product, life.levels).await;
        let told = app.user.all("/users/1/notifications").await;
        assert_eq!(told.len(), life.way.len() + 1, "{told:?}");
    }
}

#[tokio::test]
async fn what_is_owed_to_a_product_service_that_is_away_is_done_when_it_is_back() {
    let [folder, own] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let products = TestApp::on(&folder, &[]).await;
    let gate = Gate::to(&products.product).await;
    let flags = ["--product-url", &gate.url()];
    let app = TestApp::on(&own, &flags).await;
    let product = stocked(&products).await;
    let [cancelled, sold] = [place(&app, product).await, place(&app, product).await];
    take(&app, sold, "paid").await.expect(200);
    assert_eq!(products.books(product).await, [4, 6, 0]);

    gate.stop(products).await;
    assert_eq!(take(&app, cancelled, "cancelled").await.expect(200)["status"], "cancelled");
    assert_eq!(take(&app, sold, "confirmed").await.expect(200)["status"], "confirmed");
    assert_eq!(backlog(&app, "calls", "waiting").await, 2);
    take(&app, cancelled, "cancelled").await.problem(409, "order_state");
    drop(app);

    // Nor does it matter that the order service itself was away.
    let app = TestApp::on(&own, &flags).await;
    let products = TestApp::on(&folder, &[]).await;
    assert_eq!(products.books(product).await, [4, 6, 0]);
    gate.open(&products.product);
    quiet(&app).await;
    assert_eq!(products.books(product).await, SOLD);
    assert_eq!(history(&app, cancelled).await, ["pending", "cancelled"]);
    assert_eq!(history(&app, sold).await, ["pending", "paid", "confirmed"]);
}

#[tokio::test]
async fn all_that_lapsed_while_nobody_looked_expires_at_the_next_start() {
    const COUNT: i64 = 250;
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::standing_at(START);
    let app = TestApp::on_by(&folder, &["--sweep=1h"], &clock).await;
    let product = app.sells("Kopi", 20_000, Some(3 * COUNT)).await;
    for at in 0..COUNT {
        let order = place(&app, product).await;
        if at % 2 == 0 {
            open(&app, order).await;
        }
    }
    assert_eq!(app.books(product).await, [0, 3 * COUNT, 0]);
    drop(app);
    clock.set(START + 3_600_000);
    let app = TestApp::on_by(&folder, &["--sweep=1h"], &clock).await;
    eventually("the stock", async || (app.books(product).await == [3 * COUNT, 0, 0]).then_some(())).await;
    quiet(&app).await;
    assert_eq!(app.order.all("/orders?status=expired").await.len(), COUNT as usize);
    let payments = app.payment.all("/payments").await;
    assert!(payments.iter().all(|payment| payment["status"] == "expired"), "{payments:?}");
    for order in 1..=COUNT {
        assert_eq!(history(&app, order).await, ["pending", "expired"]);
    }
}

const ORDERS: [&str; 2] = ["--order-ttl=1m", "--sweep=1h"];

/// The order service in one process and the payment service in another, and the way between them.
async fn apart(folder: &TempDir, clock: &Clock) -> (TestApp, Gate, TestApp) {
    let orders = TestApp::on_by(folder, &ORDERS, clock).await;
    let gate = Gate::to(&orders.order).await;
    let app = TestApp::with_clock(&["--order-url", &gate.url(), "--sweep=20ms"], clock).await;
    (orders, gate, app)
}

#[tokio::test]
async fn what_was_confirmed_in_time_is_paid_though_the_order_service_is_away_until_after_the_deadline() {
    let (clock, folder) = (Clock::standing_at(START), tempfile::tempdir().unwrap());
    let (orders, gate, app) = apart(&folder, &clock).await;
    let product = stocked(&orders).await;
    let [confirmed, lapsed] = [place(&orders, product).await, place(&orders, product).await];
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

    let orders = TestApp::on_by(&folder, &ORDERS, &clock).await;
    gate.open(&orders.order);
    settles(&app, &clock, "paid").await;
    quiet(&app).await;
    assert_eq!(history(&orders, lapsed).await, ["pending", "expired"]);
    came_to(&orders, confirmed, &["paid"], product, HELD).await;
    assert_eq!(confirm(&app, confirmed).await.expect(200)["status"], "paid");
    confirm(&app, lapsed).await.problem(409, "payment_too_late");
}

#[tokio::test]
async fn what_was_confirmed_for_an_order_that_has_expired_since_is_given_back() {
    let (clock, folder) = (Clock::standing_at(START), tempfile::tempdir().unwrap());
    let (orders, gate, app) = apart(&folder, &clock).await;
    let product = stocked(&orders).await;
    let order = place(&orders, product).await;
    open(&app, order).await;
    gate.stop(orders).await;
    clock.set(DEADLINE - 1);
    confirm(&app, order).await.problem(503, "payment_unsettled");

    clock.set(DEADLINE + 60_000);
    let orders = TestApp::on_by(&folder, &ORDERS, &clock).await;
    eventually("the order expires", async || (history(&orders, order).await.len() == 2).then_some(())).await;
    gate.open(&orders.order);
    settles(&app, &clock, "refunded").await;
    quiet(&app).await;
    confirm(&app, order).await.problem(409, "order_state");
    came_to(&orders, order, &["expired"], product, BACK).await;
}

#[tokio::test]
async fn an_order_whose_payment_has_expired_takes_no_other_though_it_has_not_been_told_yet() {
    let (clock, folder) = (Clock::standing_at(START), tempfile::tempdir().unwrap());
    let (orders, gate, app) = apart(&folder, &clock).await;
    let order = place(&orders, 1).await;
    open(&app, order).await;
    gate.stop(orders).await;
    clock.set(DEADLINE);
    eventually("the payment expires", async || (status(&app, 1).await == "expired").then_some(())).await;
    let orders = TestApp::on_by(&folder, &ORDERS, &clock).await;
    gate.open(&orders.order);
    assert_eq!(history(&orders, order).await, ["pending"]);
    let again = eventually("an answer", async || {
        let answer = app.payment.post("/payments", &json!({"order_id": order})).await;
        (answer.status != 503).then_some(answer)
    });
    again.await.problem(409, "payment_too_late");
}
