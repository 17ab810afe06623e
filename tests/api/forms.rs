//! Every form of `POST /orders`, and the stock when an order can't be placed.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::fake::{Behavior, Fake};
use crate::support::{Answer, Clock, TestApp, eventually};

const MAX_AMOUNT: i64 = 1_000_000_000_000_000;

async fn order(app: &TestApp, body: &Value) -> Answer {
    app.order.post("/orders", body).await
}

async fn order_with_key(app: &TestApp, key: &str, body: &Value) -> Answer {
    app.order.post_as("/orders", &[("idempotency-key", key)], body).await
}

fn named(name: &str, price: i64) -> Value {
    json!({"userId": 1, "product": name, "price": price, "status": "pending"})
}

/// Asserts that no job of the order service is waiting or parked.
async fn assert_no_jobs_left(app: &TestApp) {
    eventually("every job is done", async || {
        let metrics = app.order.get("/metrics").await.text();
        let calls = metrics.lines().filter(|line| line.starts_with("backlog{") && line.contains("of=\"calls\""));
        let counts: Vec<_> = calls.map(|line| line.rsplit(' ').next().unwrap()).collect();
        assert_eq!(counts.len(), 2, "waiting and parked jobs: {metrics}");
        (counts == ["0", "0"]).then_some(())
    })
    .await;
}

async fn no_orders(app: &TestApp) {
    assert_eq!(app.order.all("/orders").await, Vec::<Value>::new());
}

#[tokio::test]
async fn every_request_form_places_the_same_kind_of_order() {
    let app = TestApp::spawn().await;
    let (laptop, mouse) = (json!({"id": 1, "name": "Laptop Asus", "price": 8_000_000}), "Mouse Rexus");
    let mouse_line = |quantity: i64| json!({"id": 3, "name": mouse, "price": 200_000, "quantity": quantity});
    let laptop_line = |quantity: i64| json!({"id": 1, "name": "Laptop Asus", "price": 8_000_000, "quantity": quantity});
    let custom = json!({"name": "Laptop", "price": 15_000_000});
    let lines = |ids: &[(i64, i64)]| {
        let lines: Vec<_> = ids.iter().map(|(id, n)| json!({"product_id": id, "quantity": n})).collect();
        json!({"user_id": 1, "items": lines})
    };
    for (body, items, total, product) in [
        (json!({"user_id": 1, "product_id": 1}), json!([laptop_line(1)]), 8_000_000, Some(&laptop)),
        (json!({"user_id": 1, "product_id": 1, "quantity": 2}), json!([laptop_line(2)]), 16_000_000, Some(&laptop)),
        (json!({"user_id": 1, "items": [{"product_id": 1}]}), json!([laptop_line(1)]), 8_000_000, Some(&laptop)),
        (lines(&[(1, 1), (1, 2)]), json!([laptop_line(3)]), 24_000_000, Some(&laptop)),
        (lines(&[(3, 1), (1, 2), (3, 4)]), json!([laptop_line(2), mouse_line(5)]), 17_000_000, None),
        (json!({"user_id": 1, "menu_ids": [1]}), json!([laptop_line(1)]), 8_000_000, Some(&laptop)),
        (json!({"user_id": 1, "menu_ids": [3, 1, 3, 3]}), json!([laptop_line(1), mouse_line(3)]), 8_600_000, None),
        (named("Laptop Asus", 8_000_000), json!([laptop_line(1)]), 8_000_000, Some(&laptop)),
        (
            json!({"userId": 1, "product": " Laptop Asus\n", "price": 8_000_000, "status": null}),
            json!([laptop_line(1)]),
            8_000_000,
            Some(&laptop),
        ),
        (
            named("Laptop", 15_000_000),
            json!([{"name": "Laptop", "price": 15_000_000, "quantity": 1}]),
            15_000_000,
            Some(&custom),
        ),
    ] {
        let placed = order(&app, &body).await;
        let shown = placed.expect(201);
        assert_eq!(shown["user"], json!({"id": 1, "name": "Bambang"}), "{body}");
        assert_eq!((&shown["items"], &shown["total_price"]), (&items, &json!(total)), "{body}");
        assert_eq!(shown.get("product"), product, "{body}");
        assert_eq!(app.order.get(placed.header("location")).await.expect(200), shown, "{body}");
    }
}

#[tokio::test]
async fn a_name_orders_the_oldest_product_with_exactly_that_name_at_its_price() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    app.user.post("/users", &json!({"name": "Siti"})).await.expect(201);
    let id = app.sells("Kopi", 5000, Some(2)).await;
    app.sells("Kopi", 4000, Some(9)).await;
    let odd = "100% a&b=c+d #1/?name=Kopi é";
    let odd_id = app.sells(odd, 7, None).await;

    for price in [4000, 5001, 0, MAX_AMOUNT] {
        let problem = order(&app, &named("Kopi", price)).await.problem(409, "price_differs");
        assert_eq!(problem["detail"], "the price of Kopi is 5000");
    }
    order(&app, &named(odd, 8)).await.problem(409, "price_differs");
    no_orders(&app).await;
    assert_eq!(app.stock_levels(id).await, [2, 0, 0]);

    let placed = order(&app, &named(odd, 7)).await.expect(201);
    assert_eq!(placed["items"], json!([{"id": odd_id, "name": odd, "price": 7, "quantity": 1}]));
    for name in ["kopi", "KOPI", "Kop", "Kopi Gayo", "Kopi%", "K_pi", "Kopi\u{301}"] {
        let placed = order(&app, &named(name, 5)).await.expect(201);
        assert_eq!(placed["items"], json!([{"name": name, "price": 5, "quantity": 1}]), "not in the catalogue");
    }
    for left in [1, 0] {
        let placed = order(&app, &named("Kopi", 5000)).await.expect(201);
        let line = json!({"id": id, "name": "Kopi", "price": 5000, "quantity": 1, "stock": left});
        assert_eq!(placed["items"], json!([line]));
        assert_eq!(app.stock_levels(id).await, [left, 2 - left, 0]);
    }
    let problem = order(&app, &named("Kopi", 5000)).await.problem(409, "insufficient_stock");
    assert_eq!(problem["detail"], format!("of product {id} (Kopi) 0 are left, 1 are asked for"));
}

#[tokio::test]
async fn without_a_product_service_an_order_uses_the_name_and_price_of_the_request() {
    let app = TestApp::with_flags(&["--product-url", "none"]).await;
    for body in [
        json!({"user_id": 1, "product_id": 1}),
        json!({"user_id": 1, "items": [{"product_id": 1}]}),
        json!({"user_id": 1, "menu_ids": [1]}),
    ] {
        order(&app, &body).await.problem(404, "product_not_found");
    }
    order(&app, &json!({"userId": 9, "product": "Laptop", "price": 1})).await.problem(404, "user_not_found");
    no_orders(&app).await;
    let placed = order(&app, &named("Laptop Asus", 1)).await.expect(201);
    assert_eq!(placed["product"], json!({"name": "Laptop Asus", "price": 1}));
    let detail = app.order.get("/orders/1/detail").await.expect(200);
    assert_eq!((&detail["items"], &detail["products"]), (&placed["items"], &json!([])));
    assert_eq!(detail.get("product"), None);
}

#[tokio::test]
async fn an_order_names_sold_out_products_and_reserves_nothing() {
    let app = TestApp::spawn().await;
    let (a, b) = (app.sells("A", 100, Some(5)).await, app.sells("B", 200, Some(2)).await);
    let line = |id: i64, quantity: i64| json!({"product_id": id, "quantity": quantity});
    for (body, id, name, left, requested) in [
        (json!({"user_id": 1, "product_id": a, "quantity": 6}), a, "A", 5, 6),
        (json!({"user_id": 1, "items": [line(1, 1), line(a, 5), line(b, 3)]}), b, "B", 2, 3),
        (json!({"user_id": 1, "items": [line(a, 3), line(b, 1), line(a, 3)]}), a, "A", 5, 6),
        (json!({"user_id": 1, "menu_ids": [b, a, b, b]}), b, "B", 2, 3),
    ] {
        let problem = order_with_key(&app, "one", &body).await.problem(409, "insufficient_stock");
        assert_eq!(problem["message"], "Stok tidak mencukupi.");
        let detail = format!("of product {id} ({name}) {left} are left, {requested} are asked for");
        assert_eq!(problem["detail"], detail, "{body}");
    }
    no_orders(&app).await;
    assert_no_jobs_left(&app).await;
    assert_eq!((app.stock_levels(a).await, app.stock_levels(b).await), ([5, 0, 0], [2, 0, 0]));
    assert!(app.user.all("/users/1/notifications").await.is_empty());

    // None of the refusals has used up the key. An order can mix tracked and untracked products.
    let body = json!({"user_id": 1, "items": [line(b, 2), line(1, 3), line(a, 1)]});
    let placed = order_with_key(&app, "one", &body).await.expect(201);
    let items = json!([
        {"id": 1, "name": "Laptop Asus", "price": 8_000_000, "quantity": 3},
        {"id": a, "name": "A", "price": 100, "quantity": 1, "stock": 4},
        {"id": b, "name": "B", "price": 200, "quantity": 2, "stock": 0},
    ]);
    assert_eq!((&placed["items"], &placed["total_price"]), (&items, &json!(24_000_500)));
    assert_eq!((app.stock_levels(a).await, app.stock_levels(b).await), ([4, 1, 0], [0, 2, 0]));
    app.order.put("/orders/1/status", &json!({"status": "cancelled"})).await.expect(200);
    assert_no_jobs_left(&app).await;
    assert_eq!((app.stock_levels(a).await, app.stock_levels(b).await), ([5, 0, 0], [2, 0, 0]));
    let cancelled = app.order.get("/orders/1").await.expect(200);
    assert_eq!(cancelled["items"], items, "the stock left when it was placed");
}

#[tokio::test]
async fn a_total_that_overflows_is_refused_and_names_its_field() {
    let app = TestApp::spawn().await;
    let (free, stocked) =
        (app.sells("Pulau", MAX_AMOUNT, None).await, app.sells("Bulan", MAX_AMOUNT, Some(9_000_000)).await);
    let line = |id: i64, quantity: i64| json!({"product_id": id, "quantity": quantity});
    // Each line fits; only the sum is too large.
    let halves = json!([line(free, 5000), line(stocked, 5000)]);
    for (body, field) in [
        (json!({"user_id": 1, "product_id": free, "quantity": 1_000_000}), "quantity"),
        (json!({"user_id": 1, "product_id": stocked, "quantity": 1_000_000}), "quantity"),
        (json!({"user_id": 1, "product_id": free, "quantity": 9224}), "quantity"),
        (json!({"user_id": 1, "product_id": stocked, "quantity": 9224}), "quantity"),
        (json!({"user_id": 1, "items": [line(free, 1_000_000)]}), "items"),
        (json!({"user_id": 1, "items": [line(1, 1), line(stocked, 1_000_000)]}), "items"),
        (json!({"user_id": 1, "items": halves}), "items"),
    ] {
        let problem = order_with_key(&app, "one", &body).await.problem(422, "invalid_fields");
        let named: Vec<_> = problem["errors"].as_object().unwrap().keys().collect();
        assert_eq!(named, [field], "{body}");
    }
    no_orders(&app).await;
    assert_no_jobs_left(&app).await;
    assert_eq!(app.stock_levels(stocked).await, [9_000_000, 0, 0]);
    // The largest total of each of the other forms fits.
    for (body, total) in [
        (json!({"user_id": 1, "product_id": stocked, "quantity": 9223}), 9223 * MAX_AMOUNT),
        (json!({"user_id": 1, "menu_ids": vec![free; 1000]}), 1000 * MAX_AMOUNT),
        (named("Bulan", MAX_AMOUNT), MAX_AMOUNT),
        (named("Matahari", MAX_AMOUNT), MAX_AMOUNT),
    ] {
        assert_eq!(order(&app, &body).await.expect(201)["total_price"], total, "{body}");
    }
    assert_eq!(app.stock_levels(stocked).await, [9_000_000 - 9224, 9224, 0]);
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_one_body_in_any_form() {
    let app = TestApp::spawn().await;
    let id = app.sells("Kopi", 5000, Some(50)).await;
    let bodies = [
        json!({"user_id": 1, "product_id": id}),
        json!({"user_id": 1, "product_id": id, "quantity": 2}),
        json!({"user_id": 1, "items": [{"product_id": id, "quantity": 3}]}),
        json!({"user_id": 1, "items": [{"product_id": id, "quantity": 3}, {"product_id": 1}]}),
        json!({"user_id": 1, "menu_ids": [id, id, id, id]}),
        named("Kopi", 5000),
        named("Teh", 5000),
    ];
    for (at, body) in bodies.iter().enumerate() {
        let key = format!("key {at}");
        let made = order_with_key(&app, &key, body).await;
        made.expect(201);
        let before = app.stock_levels(id).await;
        for other in bodies.iter().filter(|other| *other != body) {
            order_with_key(&app, &key, other).await.problem(422, "idempotency_key_reused");
        }
        let replay = order_with_key(&app, &key, body).await;
        assert_eq!((replay.status, replay.header("idempotent-replayed"), &replay.body), (201, "true", &made.body));
        assert_eq!(app.stock_levels(id).await, before, "a replay reserves nothing");
    }
    assert_eq!(app.order.all("/orders").await.len(), bodies.len());
}

#[tokio::test]
async fn concurrent_retries_of_a_key_reserve_once() {
    const KEYS: usize = 20;
    const RETRIES: usize = 16;
    let app = TestApp::spawn().await;
    let id = app.sells("Kopi", 5000, Some(1000)).await;
    let body = json!({"user_id": 1, "product_id": id, "quantity": 2});
    let keys: Vec<_> = (0..KEYS).map(|key| format!("key {key}")).collect();
    let tries = keys.iter().map(|key| join_all((0..RETRIES).map(|_| order_with_key(&app, key, &body))));
    for (key, answers) in keys.iter().zip(join_all(tries).await) {
        let placed = order_with_key(&app, key, &body).await;
        assert_eq!((placed.status, placed.header("idempotent-replayed")), (201, "true"));
        for answer in answers {
            if answer.status == 201 {
                assert_eq!(answer.body, placed.body);
            } else {
                answer.problem(409, "key_under_way");
                assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));
            }
        }
    }
    assert_eq!(app.order.all("/orders").await.len(), KEYS);
    assert_no_jobs_left(&app).await;
    assert_eq!(app.stock_levels(id).await, [1000 - 2 * KEYS as i64, 2 * KEYS as i64, 0]);
}

#[tokio::test]
async fn an_order_has_the_price_of_its_reservation() {
    let fake = Fake::start(Behavior::Stocked(&Behavior::Well, &Behavior::Well));
    let app = TestApp::with_flags(&["--product-url", &fake.url()]).await;
    let released = || fake.requests().iter().filter(|head| head.starts_with("delete /reservations/")).count();
    for body in [
        json!({"user_id": 1, "product_id": 1, "quantity": 2}),
        json!({"user_id": 1, "items": [{"product_id": 1}, {"product_id": 1}]}),
        json!({"user_id": 1, "menu_ids": [1, 1]}),
    ] {
        let placed = order(&app, &body).await.expect(201);
        let line = json!({"id": 1, "name": "Barang Baru", "price": 2600, "quantity": 2, "stock": 3});
        assert_eq!((&placed["items"], &placed["total_price"]), (&json!([line]), &json!(5200)), "{body}");
    }
    assert_no_jobs_left(&app).await;
    assert_eq!(released(), 0);
    // An order that names a price is refused if the price has changed.
    let problem = order(&app, &named("Barang", 2500)).await.problem(409, "price_differs");
    assert_eq!(problem["detail"], "the price of Barang Baru is 2600");
    assert_no_jobs_left(&app).await;
    assert_eq!((released(), app.order.all("/orders").await.len()), (1, 3));
}

/// The product service shows a product and then misbehaves when it is reserved. The order is refused, its key stays
/// unused, and a possible reservation is released, after any number of
/// retries.
async fn assert_order_survives(reserve: Behavior, release: Behavior) {
    const KEY: &str = "once";
    const NOW: i64 = 1_795_166_700_000;
    let [reserve, release]: [&'static Behavior; 2] = [reserve, release].map(|mood| &*Box::leak(Box::new(mood)));
    let clock = Clock::standing_at(NOW);
    let mut fake = Fake::start(Behavior::Stocked(reserve, release));
    let app = TestApp::with_clock(&["--product-url", &fake.url()], &clock).await;
    let body = json!({"user_id": 1, "product_id": 1, "quantity": 2});
    let problem = order_with_key(&app, KEY, &body).await.problem(503, "peer_unavailable");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("the product service ") && detail != "the product service ", "{reserve:?}: {detail}");
    no_orders(&app).await;

    let requests = |method: &str| {
        let line = format!("{method} /reservations/");
        let keys = fake.requests().into_iter().filter_map(move |head| Some(head.strip_prefix(&line)?[..36].to_owned()));
        keys.collect::<Vec<_>>()
    };
    let reserved = requests("put");
    assert_eq!(reserved, vec![reserved[0].clone(); reserved.len()], "every retry uses the same key");
    let released = eventually("the reservation is released", async || requests("delete").pop()).await;
    assert_eq!(released, reserved[0], "{reserve:?}");
    fake.recover();
    clock.set(NOW + 60_000);
    assert_no_jobs_left(&app).await;
    let placed = order_with_key(&app, KEY, &body).await;
    assert_eq!((placed.status, placed.header("idempotent-replayed")), (201, ""), "{reserve:?}");
    assert_eq!(app.order.all("/orders").await.len(), 1);
}

fn closes_after(status: &str, body: &str) -> Behavior {
    Behavior::Closes(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).leak())
}

#[tokio::test]
async fn a_product_service_that_fails_while_reserving_causes_a_503_and_a_release() {
    let answer = |key: &str, items: Value| {
        closes_after("200 OK", &json!({"key": key, "state": "held", "items": items}).to_string())
    };
    let line = |id: i64, name: &str, price: i64, quantity: i64| json!([{"product_id": id, "name": name, "price": price, "quantity": quantity, "stock": 3}]);
    let moods = [
        Behavior::Hangs,
        Behavior::Resets(""),
        Behavior::Resets("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"key\":"),
        closes_after("200 OK", ""),
        closes_after("200 OK", "{}"),
        closes_after("200 OK", "<h1>Halo</h1>"),
        closes_after("204 No Content", ""),
        closes_after("400 Bad Request", ""),
        closes_after("401 Unauthorized", ""),
        closes_after("404 Not Found", "<h1>Nicht gefunden</h1>"),
        closes_after("409 Conflict", r#"{"code":"reservation_released"}"#),
        closes_after("409 Conflict", "<h1>Nein</h1>"),
        closes_after("500 Internal Server Error", ""),
        answer("x", json!([])),
        answer("x", line(1, "Barang", -1, 2)),
        answer("x", line(1, "", 2600, 2)),
        answer("x", line(1, "Barang", 2600, 1)),
        answer("x", line(2, "Barang", 2600, 2)),
    ];
    join_all(moods.map(|mood| assert_order_survives(mood, Behavior::Well))).await;
}

#[tokio::test]
async fn an_answer_about_another_reservation_is_invalid() {
    let line = json!([{"product_id": 1, "name": "Barang", "price": 2600, "quantity": 2, "stock": 3}]);
    let other = json!({"key": "7f1c3a52-5d1e-4a34-9c5b-0c8f3d2e6a91", "state": "held", "items": line});
    assert_order_survives(closes_after("200 OK", &other.to_string()), Behavior::Well).await;
}

#[tokio::test]
async fn a_release_is_retried_until_it_is_answered() {
    // A proxy in front of a stopped service may answer with a bare 404.
    let bare = closes_after("404 Not Found", "404 page not found");
    let moods = [Behavior::Hangs, Behavior::Resets(""), closes_after("500 Internal Server Error", ""), bare];
    join_all(moods.map(|mood| assert_order_survives(mood, mood))).await;
}

#[tokio::test]
async fn a_refused_reservation_is_reported_as_the_product_service_reports_it() {
    for (answer, status, code, detail) in [
        (
            closes_after("409 Conflict", r#"{"code":"insufficient_stock","detail":"1 is left"}"#),
            409,
            "insufficient_stock",
            "1 is left",
        ),
        (
            closes_after("404 Not Found", r#"{"code":"product_not_found","detail":"gone"}"#),
            404,
            "product_not_found",
            "gone",
        ),
    ] {
        let fake = Fake::start(Behavior::Stocked(Box::leak(Box::new(answer)), &Behavior::Well));
        let app = TestApp::with_flags(&["--product-url", &fake.url()]).await;
        let problem = order(&app, &json!({"user_id": 1, "product_id": 1, "quantity": 2})).await.problem(status, code);
        assert_eq!(problem["detail"].as_str().unwrap_or_default(), detail, "{problem}");
        no_orders(&app).await;
        assert_no_jobs_left(&app).await;
        let requests = fake.requests();
        let released = requests.iter().filter(|head| head.starts_with("delete /reservations/")).count();
        assert_eq!(released, 1, "{requests:?}");
    }
}
