//! Payments: their contract, their deadline, and that no order is paid twice.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::events::wait_until_idle;
use crate::lifecycle::{BACK, HELD, START, SWEEPS, assert_outcome, history, place_order, show, stocked, take_step};
use crate::notifications::walk;
use crate::support::{Answer, Clock, TestApp, eventually, rfc3339};

/// The deadline of a payment that is opened at the start.
pub const DEADLINE: i64 = START + 10_000;

pub async fn open(app: &TestApp, order: i64) -> Value {
    app.payment.post("/payments", &json!({"order_id": order})).await.expect(201)
}

pub async fn confirm(app: &TestApp, order: i64) -> Answer {
    app.payment.post("/payments/confirm", &json!({"order_id": order})).await
}

pub async fn status(app: &TestApp, payment: i64) -> String {
    let payment = app.payment.get(&format!("/payments/{payment}")).await.expect(200);
    payment["status"].as_str().unwrap().to_owned()
}

/// Waits until no event or job is waiting; then the payment has this status.
async fn assert_payment_ends(app: &TestApp, payment: i64, expected: &str) {
    wait_until_idle(app).await;
    assert_eq!(status(app, payment).await, expected, "payment {payment}");
}

#[tokio::test]
async fn a_payment_shows_its_order_amount_and_deadline() {
    let clock = Clock::standing_at(START);
    let app = TestApp::with_clock(&[], &clock).await;
    let order = place_order(&app, 3).await;
    let opened = app.payment.post("/payments", &json!({"order_id": order, "method": "qris"})).await;
    let mut payment = json!({
        "id": 1,
        "payment_id": 1,
        "order_id": 1,
        "user_id": 1,
        "amount": 600_000,
        "method": "qris",
        "status": "pending",
        "created_at": rfc3339(START),
        "expires_at": rfc3339(DEADLINE),
    });
    assert_eq!(opened.expect(201), payment);
    assert_eq!(opened.header("location"), "/payments/1");
    for path in ["/payments/1", "/payments/order/1"] {
        assert_eq!(app.payment.get(path).await.expect(200), payment, "{path}");
    }
    payment["status"] = json!("paid");
    assert_eq!(app.payment.post("/payments/confirm", &json!({"payment_id": 1})).await.expect(200), payment);
    assert_eq!(app.payment.all("/payments").await, [payment]);
    let order = show(&app, order).await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("paid"), &json!("paid")));
    assert_eq!(order["payment_id"], 1);
}

#[tokio::test]
async fn payments_are_listed_in_pages_and_the_methods_in_both_languages() {
    let app = TestApp::spawn().await;
    assert!(app.payment.all("/payments").await.is_empty());
    for _ in 0..5 {
        let order = place_order(&app, 1).await;
        open(&app, order).await;
    }
    let whole = app.payment.all("/payments").await;
    assert_eq!(whole.iter().map(|one| one["id"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    for (limit, pages) in [(1, 5), (2, 3), (5, 1), (1000, 1)] {
        let walked = walk(&app.payment, &format!("/payments?limit={limit}")).await;
        assert_eq!((walked.len(), walked.concat()), (pages, whole.clone()));
    }
    app.payment.get("/payments?sort=-id").await.problem(400, "bad_query");

    let labels = [
        ("transfer", "transfer bank", "bank transfer"),
        ("e-wallet", "dompet digital", "e-wallet"),
        ("qris", "QRIS", "QRIS"),
        ("card", "kartu", "card"),
        ("cod", "bayar di tempat", "cash on delivery"),
    ];
    let in_language = |english: bool| {
        let label = |(method, id, en)| json!({"method": method, "label": if english { en } else { id }});
        Value::from_iter(labels.map(label))
    };
    assert_eq!(app.payment.get("/payments/methods").await.expect(200), in_language(false));
    let english = app.payment.get_as("/payments/methods", &[("accept-language", "en")]).await;
    assert_eq!(english.expect(200), in_language(true));
}

#[tokio::test]
async fn an_order_that_can_not_be_paid_gets_no_payment() {
    let app = TestApp::spawn().await;
    let [order, cancelled, paid, expired] = [1, 2, 3, 4];
    for _ in 0..4 {
        place_order(&app, 3).await;
    }
    for (order, step) in [(cancelled, "cancelled"), (paid, "paid"), (expired, "expired")] {
        take_step(&app, order, step).await.expect(200);
    }
    for (body, status, code) in [
        (json!({"order_id": 99}), 404, "order_not_found"),
        (json!({"order_id": cancelled}), 409, "order_state"),
        (json!({"order_id": paid}), 409, "order_state"),
        (json!({"order_id": expired}), 409, "payment_too_late"),
        (json!({"order_id": order, "amount": 599_999}), 409, "payment_mismatch"),
        (json!({"order_id": order, "amount": 0}), 409, "payment_mismatch"),
        (json!({"order_id": order, "user_id": 2}), 409, "payment_mismatch"),
        (json!({}), 422, "invalid_fields"),
        (json!({"order_id": 0}), 422, "invalid_fields"),
        (json!({"order_id": order, "method": "gold"}), 422, "invalid_fields"),
        (json!({"order_id": order, "amount": -1}), 422, "invalid_fields"),
        (json!({"order_id": order, "status": "paid"}), 422, "invalid_fields"),
        (json!({"order_id": "1"}), 400, "wrong_type"),
        (json!({"order_id": order, "method": 1}), 400, "wrong_type"),
    ] {
        app.payment.post("/payments", &body).await.problem(status, code);
    }
    assert!(app.payment.all("/payments").await.is_empty());
    for path in ["/payments/1", "/payments/0", "/payments/x", "/payments/order/1", "/payments/order/99"] {
        app.payment.get(path).await.problem(404, "payment_not_found");
    }
    for (body, status, code) in [
        (json!({"payment_id": 1}), 404, "payment_not_found"),
        (json!({"order_id": order}), 404, "payment_not_found"),
        (json!({}), 422, "invalid_fields"),
        (json!({"payment_id": 1, "order_id": 1}), 422, "invalid_fields"),
        (json!({"payment_id": null}), 400, "wrong_type"),
        (json!({"payment_id": [1]}), 400, "wrong_type"),
    ] {
        app.payment.post("/payments/confirm", &body).await.problem(status, code);
    }
    let stated = json!({"order_id": order, "user_id": 1, "amount": 600_000, "method": "cod"});
    app.payment.post("/payments", &stated).await.expect(201);
}

#[tokio::test]
async fn an_order_has_one_open_payment() {
    let app = TestApp::spawn().await;
    let order = place_order(&app, 1).await;
    let body = json!({"order_id": order});
    let answers = join_all((0..16).map(|_| app.payment.post("/payments", &body))).await;
    let (opened, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((opened.len(), app.payment.all("/payments").await.len()), (1, 1));
    for answer in refused {
        assert_eq!(answer.problem(409, "payment_open")["detail"], "payment 1 is open");
    }
}

#[tokio::test]
async fn a_payment_is_confirmed_before_its_deadline_or_expires_with_its_order() {
    for sweep in SWEEPS {
        for (at, by) in [(-1, "payment_id"), (0, "payment_id"), (1, "order_id"), (3_600_000, "order_id")] {
            let clock = Clock::standing_at(START);
            let app = TestApp::with_clock(&[sweep], &clock).await;
            let product = stocked(&app).await;
            let order = place_order(&app, product).await;
            assert_eq!(open(&app, order).await["expires_at"], rfc3339(DEADLINE));
            clock.set(DEADLINE + at);
            let confirm = || async { app.payment.post("/payments/confirm", &json!({by: 1})).await };
            let answer = confirm().await;
            if at < 0 {
                assert_eq!(answer.expect(200)["status"], "paid");
                assert_eq!(show(&app, order).await["status"], "paid");
                clock.set(DEADLINE + 3_600_000);
                assert_eq!(confirm().await.expect(200), answer.json(), "a paid payment stays paid");
                assert_outcome(&app, order, &["paid"], product, HELD).await;
                continue;
            }
            let refused = answer.problem(409, "payment_too_late");
            assert_eq!(refused["message"], "Waktu pembayaran telah habis.");
            assert_eq!(refused["detail"], "Place a new order.");
            for _ in 0..2 {
                assert_payment_ends(&app, 1, "expired").await;
                assert_outcome(&app, order, &["expired"], product, BACK).await;
                confirm().await.problem(409, "payment_too_late");
                let again = app.payment.post("/payments", &json!({"order_id": order})).await;
                again.problem(409, "payment_too_late");
            }
        }
    }
}

#[tokio::test]
async fn the_sweeper_expires_only_unconfirmed_payments() {
    let clock = Clock::standing_at(START);
    let app = TestApp::with_clock(&["--sweep=20ms"], &clock).await;
    let [product, other] = [stocked(&app).await, stocked(&app).await];
    let [lapsed, paid] = [place_order(&app, product).await, place_order(&app, other).await];
    open(&app, lapsed).await;
    open(&app, paid).await;
    confirm(&app, paid).await.expect(200);
    let cancelled = place_order(&app, 1).await;
    open(&app, cancelled).await;
    take_step(&app, cancelled, "cancelled").await.expect(200);
    clock.set(START + 1);
    let late = place_order(&app, other).await;
    open(&app, late).await;
    clock.set(DEADLINE);
    for payment in [1, 3] {
        eventually("it expires", async || (status(&app, payment).await == "expired").then_some(())).await;
    }
    assert_eq!(status(&app, 4).await, "pending", "it has a millisecond left");
    confirm(&app, late).await.expect(200);
    assert_outcome(&app, lapsed, &["expired"], product, BACK).await;
    assert_outcome(&app, paid, &["paid"], other, [4, 6, 0]).await;
    assert_eq!([status(&app, 2).await, status(&app, 4).await], ["paid", "paid"]);
    assert_eq!(history(&app, cancelled).await, ["pending", "cancelled"]);
}

#[tokio::test]
async fn without_a_sweeper_opening_a_payment_expires_a_lapsed_one() {
    let clock = Clock::standing_at(START);
    let app = TestApp::with_clock(&["--sweep=1h"], &clock).await;
    let product = stocked(&app).await;
    let order = place_order(&app, product).await;
    open(&app, order).await;
    clock.set(DEADLINE);
    app.payment.post("/payments", &json!({"order_id": order})).await.problem(409, "payment_too_late");
    assert_payment_ends(&app, 1, "expired").await;
    assert_outcome(&app, order, &["expired"], product, BACK).await;
}

#[tokio::test]
async fn the_window_of_a_payment_never_goes_past_the_deadline_of_its_order() {
    let clock = Clock::standing_at(START);
    let app = TestApp::with_clock(&["--order-ttl=30s", "--sweep=1h"], &clock).await;
    for (opened_at, until) in [(0, 10_000), (19_999, 29_999), (20_001, 30_000), (29_999, 30_000)] {
        clock.set(START);
        let order = place_order(&app, 1).await;
        clock.set(START + opened_at);
        assert_eq!(open(&app, order).await["expires_at"], rfc3339(START + until), "{opened_at}");
        clock.set(START + until - 1);
        confirm(&app, order).await.expect(200);
    }
    clock.set(START);
    let order = place_order(&app, 1).await;
    clock.set(START + 30_000);
    app.payment.post("/payments", &json!({"order_id": order})).await.problem(409, "payment_too_late");
}

#[tokio::test]
async fn who_asks_for_more_time_gets_ten_windows_up_to_the_deadline_of_the_order() {
    let clock = Clock::standing_at(START);
    let app = TestApp::with_clock(&["--order-ttl=300s", "--sweep=1h"], &clock).await;
    for (opened_at, more_time, until) in [
        (0, json!(true), 100_000),
        (0, json!(false), 10_000),
        (0, Value::Null, 10_000),
        (250_000, json!(true), 300_000),
    ] {
        for method in ["method", "payment_method"] {
            clock.set(START);
            let order = place_order(&app, 1).await;
            clock.set(START + opened_at);
            let body = json!({"order_id": order, method: "qris", "more_time": more_time});
            let payment = app.payment.post("/payments", &body).await.expect(201);
            assert_eq!(payment["expires_at"], rfc3339(START + until), "{body}");
            clock.set(START + until - 1);
            confirm(&app, order).await.expect(200);
        }
    }
    let body = json!({"order_id": 1, "more_time": "yes"});
    let problem = app.payment.post("/payments", &body).await.problem(400, "wrong_type");
    assert!(problem["errors"]["more_time"].is_string(), "{problem}");
}

#[tokio::test]
async fn a_declined_payment_fails_and_so_does_its_order() {
    let app = TestApp::with_flags(&["--payment-gateway=card=decline,qris=1ms"]).await;
    let product = stocked(&app).await;
    let order = place_order(&app, product).await;
    app.payment.post("/payments", &json!({"order_id": order, "method": "card"})).await.expect(201);
    for _ in 0..2 {
        confirm(&app, order).await.problem(409, "payment_declined");
        assert_payment_ends(&app, 1, "failed").await;
        assert_outcome(&app, order, &["failed"], product, BACK).await;
    }
    app.payment.post("/payments", &json!({"order_id": order})).await.problem(409, "order_state");
    for method in ["qris", "transfer"] {
        let order = place_order(&app, 1).await;
        app.payment.post("/payments", &json!({"order_id": order, "method": method})).await.expect(201);
        confirm(&app, order).await.expect(200);
    }
}

#[tokio::test]
async fn concurrent_confirmations_pay_once() {
    let app = TestApp::with_flags(&["--payment-gateway=transfer=20ms"]).await;
    for payment in 1..=5 {
        let order = place_order(&app, 1).await;
        open(&app, order).await;
        let bodies = [json!({"order_id": order}), json!({"payment_id": payment})];
        let confirm = |at: usize| app.payment.post("/payments/confirm", &bodies[at % 2]);
        for answer in join_all((0..16).map(confirm)).await {
            let paid = answer.expect(200);
            assert_eq!((&paid["id"], &paid["status"]), (&json!(payment), &json!("paid")));
        }
        wait_until_idle(&app).await;
        assert_eq!(history(&app, order).await, ["pending", "paid"]);
    }
    let notifications = app.user.all("/users/1/notifications").await;
    assert_eq!(notifications.iter().filter(|one| one["status"] == "paid").count(), 5);
}

#[tokio::test]
async fn a_cancelled_order_accepts_no_payment() {
    let app = TestApp::spawn().await;
    let product = stocked(&app).await;
    let order = place_order(&app, product).await;
    open(&app, order).await;
    take_step(&app, order, "cancelled").await.expect(200);
    for _ in 0..2 {
        confirm(&app, order).await.problem(409, "order_state");
        assert_payment_ends(&app, 1, "refunded").await;
        assert_outcome(&app, order, &["cancelled"], product, BACK).await;
    }
}

#[tokio::test]
async fn a_manual_order_status_settles_the_open_payment() {
    let clock = Clock::standing_at(START);
    let app = TestApp::with_clock(&["--sweep=20ms"], &clock).await;
    for (payment, step, levels) in [(1, "paid", HELD), (2, "failed", BACK), (3, "expired", BACK)] {
        let product = stocked(&app).await;
        let order = place_order(&app, product).await;
        open(&app, order).await;
        for _ in 0..2 {
            take_step(&app, order, step).await.expect(200);
            assert_payment_ends(&app, payment, step).await;
            assert_outcome(&app, order, &[step], product, levels).await;
        }
        let confirmed = confirm(&app, order).await;
        match step {
            "paid" => assert_eq!(confirmed.expect(200)["status"], "paid"),
            "failed" => drop(confirmed.problem(409, "payment_declined")),
            _ => drop(confirmed.problem(409, "payment_too_late")),
        }
        assert_payment_ends(&app, payment, step).await;
    }
    // The stored payment is enough to refund it.
    assert_eq!(show(&app, 1).await["payment_id"], 1);
    take_step(&app, 1, "cancelled").await.expect(200);
    assert_payment_ends(&app, 1, "refunded").await;
    // Without a payment there is nothing to settle.
    let order = place_order(&app, 1).await;
    take_step(&app, order, "paid").await.expect(200);
    wait_until_idle(&app).await;
    app.payment.get(&format!("/payments/order/{order}")).await.problem(404, "payment_not_found");
}

#[tokio::test]
async fn a_payment_stays_open_unless_its_order_service_asks_to_settle_it() {
    let app = TestApp::spawn().await;
    let order = place_order(&app, 1).await;
    open(&app, order).await;
    let settle = || async { app.payment.post(&format!("/payments/order/{order}/settle"), &json!({})).await };
    assert_eq!(settle().await.expect(200)["status"], "pending", "the order is still pending");
    confirm(&app, order).await.expect(200);
    assert_eq!(settle().await.expect(200)["status"], "paid");
    app.payment.post("/payments/order/99/settle", &json!({})).await.problem(404, "payment_not_found");
}

#[tokio::test]
async fn no_request_waits_for_a_slow_gateway() {
    let app = TestApp::with_flags(&["--payment-gateway=qris=2500ms"]).await;
    let product = stocked(&app).await;
    let order = place_order(&app, product).await;
    app.payment.post("/payments", &json!({"order_id": order, "method": "qris"})).await.expect(201);
    confirm(&app, order).await.problem(503, "payment_unsettled");
    assert_payment_ends(&app, 1, "paid").await;
    assert_outcome(&app, order, &["paid"], product, HELD).await;
}

#[tokio::test]
async fn an_order_cancelled_while_being_paid_is_refunded_in_either_order() {
    let app = TestApp::with_flags(&["--payment-gateway=transfer=30ms"]).await;
    for payment in 1..=20 {
        let product = stocked(&app).await;
        let order = place_order(&app, product).await;
        open(&app, order).await;
        let confirmed = confirm(&app, order);
        let cancelled = async {
            let half_way =
                eventually("it is confirmed", async || (status(&app, payment).await != "pending").then_some(()));
            if payment % 2 == 0 {
                half_way.await;
            }
            // A cancellation of an unpaid order does not cancel a paid one; that takes a second request.
            eventually("it is cancelled", async || {
                let answer = take_step(&app, order, "cancelled").await;
                (answer.status == 200).then(|| answer.json())
            })
            .await
        };
        let (confirmed, cancelled) = futures_util::future::join(confirmed, cancelled).await;
        if confirmed.status != 200 {
            confirmed.problem(409, "order_state");
        }
        assert_payment_ends(&app, payment, "refunded").await;
        let way: &[_] = if cancelled["payment_status"] == "refunded" { &["paid", "cancelled"] } else { &["cancelled"] };
        assert_outcome(&app, order, way, product, BACK).await;
    }
}

#[tokio::test]
async fn one_key_makes_one_payment_and_is_separate_from_keys_of_orders() {
    let app = TestApp::with_flags(&["--payment-addr=127.0.0.1:0"]).await;
    let key = [("idempotency-key", "k")];
    let body = json!({"user_id": 1, "product_id": 1});
    for order in [1, 2] {
        assert_eq!(app.order.post("/orders", &body).await.expect(201)["id"], order);
    }
    app.order.post_as("/orders", &key, &body).await.expect(201);
    app.payment.post_as("/payments", &key, &json!({"order_id": 99})).await.problem(404, "order_not_found");
    let body = json!({"order_id": 1});
    let answers = join_all((0..16).map(|_| app.payment.post_as("/payments", &key, &body))).await;
    for answer in &answers {
        assert_eq!((answer.expect(201), answer.header("location")), (answers[0].json(), "/payments/1"));
        assert_eq!(answer.body, answers[0].body);
    }
    let made = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_empty());
    assert_eq!((made.count(), app.payment.all("/payments").await.len()), (1, 1));
    for other in [json!({"order_id": 2}), json!({"order_id": 1, "method": "qris"})] {
        app.payment.post_as("/payments", &key, &other).await.problem(422, "idempotency_key_reused");
    }
    // The replay is the first answer, even if the payment has changed since.
    confirm(&app, 1).await.expect(200);
    let replay = app.payment.post_as("/payments", &key, &json!({"order_id": 1, "method": "transfer"})).await;
    assert_eq!((replay.status, replay.header("idempotent-replayed")), (201, "true"));
    assert_eq!(replay.body, answers[0].body);
}

#[tokio::test]
async fn only_paid_payments_of_cancelled_orders_are_refunded() {
    let app = TestApp::with_flags(&["--payment-addr=127.0.0.1:0", "--payment-gateway=card=decline"]).await;

    let refund = async |payment: i64| app.payment.post(&format!("/payments/{payment}/refund"), &json!({})).await;
    for payment in [0, 1] {
        refund(payment).await.problem(404, "payment_not_found");
    }
    for (payment, method) in [(1, "transfer"), (2, "card")] {
        let order = place_order(&app, 1).await;
        app.payment.post("/payments", &json!({"order_id": order, "method": method})).await.expect(201);
        refund(payment).await.problem(409, "order_state");
        assert_eq!(status(&app, payment).await, "pending");
    }
    confirm(&app, 2).await.problem(409, "payment_declined");
    refund(2).await.problem(409, "order_state");
    confirm(&app, 1).await.expect(200);
    refund(1).await.problem(409, "order_state");
    assert_eq!([status(&app, 1).await, status(&app, 2).await], ["paid", "failed"]);

    take_step(&app, 1, "cancelled").await.expect(200);
    assert_payment_ends(&app, 1, "refunded").await;
    assert_eq!(refund(1).await.expect(200)["status"], "refunded");
    confirm(&app, 1).await.problem(409, "order_state");
}

#[tokio::test]
async fn the_payment_service_may_have_a_port_of_its_own() {
    let beside = TestApp::spawn().await;
    assert_eq!(beside.payment.addr, beside.order.addr);
    let app = TestApp::with_flags(&["--payment-addr=127.0.0.1:0"]).await;
    assert_ne!(app.payment.addr, app.order.addr);
    assert_eq!(app.payment.get("/").await.expect(200)["service"], "PaymentService");
    app.order.get("/payments").await.problem(404, "route_not_found");
    app.payment.get("/orders").await.problem(404, "route_not_found");
    let product = stocked(&app).await;
    let order = place_order(&app, product).await;
    open(&app, order).await;
    confirm(&app, order).await.expect(200);
    take_step(&app, order, "cancelled").await.expect(200);
    assert_payment_ends(&app, 1, "refunded").await;
    assert_outcome(&app, order, &["paid", "cancelled"], product, BACK).await;
}
