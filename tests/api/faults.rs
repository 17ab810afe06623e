//! Faults: what each does to a call, a client and an event, and who may arm them.

use serde_json::{Value, json};

use crate::events::wait_until_idle;
use crate::support::{Answer, Api, TestApp, eventually};

async fn arm(api: &Api, name: &str, fault: Value) -> Value {
    api.put(&format!("/faults/{name}"), &fault).await.expect(200)
}

async fn receipt(api: &Api, name: &str) -> Value {
    let list = api.get("/faults").await.expect(200);
    list["faults"].as_array().unwrap().iter().find(|fault| fault["name"] == name).unwrap().clone()
}

async fn order(app: &TestApp, headers: &[(&str, &str)]) -> Answer {
    app.order.post_as("/orders", headers, &json!({"user_id": 1, "product_id": 1})).await
}

#[tokio::test]
async fn a_call_that_is_struck_once_is_repeated_and_the_receipt_names_it() {
    let app = TestApp::spawn().await;
    for kind in ["refuse", "hang", "error", "nonsense", "lose_answer", "not_found"] {
        let armed = arm(&app.order, kind, json!({"from": "order", "to": "user", "kind": kind})).await;
        assert_eq!((&armed["times"], &armed["fired"], &armed["spent"]), (&json!(1), &json!(0), &json!(false)));
        order(&app, &[]).await.expect(201);
        let receipt = receipt(&app.order, kind).await;
        assert_eq!((&receipt["fired"], &receipt["spent"]), (&json!(1), &json!(true)), "{receipt}");
        let fired = &receipt["calls"][0];
        let struck = app.order.get(&format!("/calls/{}", fired["call"])).await.expect(200);
        assert_eq!((&struck["kind"], &struck["peer"], &struck["attempt"]), (&json!("call"), &json!("user"), &json!(1)));
        assert_eq!((&struck["fault"], &struck["trace"]), (&json!(kind), &fired["trace"]));
        assert!(struck["failure"].is_string(), "{struck}");
    }
    let removed = app.order.delete("/faults").await.expect(200);
    assert_eq!(removed["faults"].as_array().unwrap().len(), 6);
    assert_eq!(app.order.get("/faults").await.expect(200)["faults"], json!([]));
}

#[tokio::test]
async fn a_call_that_is_delayed_or_sent_twice_is_answered_once() {
    let app = TestApp::spawn().await;
    let kopi = app.sells("Kopi", 20_000, Some(5)).await;
    let path = "/reservations/{key}";
    let twice = json!({"from": "order", "to": "product", "kind": "twice", "method": "PUT", "path": path});
    arm(&app.order, "twice", twice).await;
    arm(&app.order, "slow", json!({"from": "order", "to": "user", "kind": "delay", "delay_ms": 20})).await;
    app.order.post("/orders", &json!({"user_id": 1, "product_id": kopi, "quantity": 2})).await.expect(201);
    assert_eq!(app.stock_levels(kopi).await, [3, 2, 0]);
    let struck = &receipt(&app.order, "twice").await["calls"][0];
    let call = app.order.get(&format!("/calls/{}", struck["call"])).await.expect(200);
    let there = app.product.get(&format!("/calls?trace={}", call["trace"].as_str().unwrap())).await.expect(200);
    let answers = there["calls"].as_array().unwrap().iter().filter(|answer| answer["span"] == call["span"]);
    assert_eq!(answers.filter(|answer| answer["kind"] == "answer").count(), 2, "{there}");
    let slow = &receipt(&app.order, "slow").await["calls"][0];
    let slow = app.order.get(&format!("/calls/{}", slow["call"])).await.expect(200);
    assert!(slow["took_ms"].as_f64().unwrap() >= 20.0 && slow["failure"].is_null(), "{slow}");
}

#[tokio::test]
async fn a_client_meets_what_a_network_or_a_gateway_does() {
    let app = TestApp::spawn().await;
    order(&app, &[]).await.expect(201);
    for (kind, status, body) in [("error", 500, ""), ("nonsense", 200, "<!doctype"), ("not_found", 404, "404 page")] {
        arm(&app.order, kind, json!({"from": "client", "to": "order", "kind": kind, "path": "/orders/{id}"})).await;
        app.order.get("/orders").await.expect(200);
        let answer = app.order.get("/orders/1").await;
        assert_eq!(answer.status, status, "{kind}");
        assert!(answer.text().starts_with(body), "{}", answer.text());
        app.order.get("/orders/1").await.expect(200);
        let fired = &receipt(&app.order, kind).await["calls"][0];
        let struck = app.order.get(&format!("/calls/{}", fired["call"])).await.expect(200);
        assert_eq!(
            (&struck["kind"], &struck["fault"], &struck["status"]),
            (&json!("answer"), &json!(kind), &json!(status))
        );
    }
    arm(&app.order, "hang", json!({"from": "client", "to": "order", "kind": "hang"})).await;
    let patience = std::time::Duration::from_millis(200);
    assert!(tokio::time::timeout(patience, app.order.get("/orders/1")).await.is_err(), "it was answered");
    app.order.get("/orders/1").await.expect(200);
}

#[tokio::test]
async fn an_event_that_is_delivered_twice_is_applied_once() {
    let app = TestApp::spawn().await;
    arm(&app.user, "again", json!({"from": "events", "to": "user", "kind": "twice", "times": 3})).await;
    for fired in 1..=3 {
        order(&app, &[]).await.expect(201);
        let has_fired = async || (receipt(&app.user, "again").await["fired"] == fired).then_some(());
        eventually("it has fired", has_fired).await;
    }
    wait_until_idle(&app).await;
    let notifications = app.user.get("/users/1/notifications").await.expect(200);
    let orders: Vec<_> = notifications.as_array().unwrap().iter().map(|one| one["order_id"].clone()).collect();
    assert_eq!(orders, [1, 2, 3]);
}

#[tokio::test]
async fn a_stopped_service_answers_nobody_and_does_nothing_until_it_is_resumed() {
    let app = TestApp::spawn().await;
    let stop = |service: &str| json!({"from": "anybody", "to": service, "kind": "stop"});
    assert_eq!(arm(&app.user, "away", stop("user")).await["times"], Value::Null);
    for method in ["GET", "HEAD"] {
        assert!(!app.user.answers(method, "/users/1").await, "{method} was answered");
    }
    order(&app, &[]).await.problem(503, "peer_unavailable");
    app.user.delete("/faults/away").await.expect(200);
    eventually("an order", async || (order(&app, &[]).await.status == 201).then_some(())).await;
    wait_until_idle(&app).await;

    // Its subscribers wait, too.
    arm(&app.user, "away", stop("user")).await;
    app.order.put("/orders/1/status", &json!({"status": "cancelled"})).await.expect(200);
    let activity = async || app.order.all("/orders/activity").await.len();
    eventually("the order service hears of it", async || (activity().await == 1).then_some(())).await;
    app.user.delete("/faults").await.expect(200);
    eventually("the user hears of it", async || {
        let latest = app.user.all("/users/1/notifications").await.pop()?;
        (latest["status"] == "cancelled").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_header_arms_a_fault_for_one_request() {
    let app = TestApp::spawn().await;
    let struck = order(&app, &[("Pasar-Fault", "order>product error GET /products/{id}")]).await;
    assert_eq!((struck.status, struck.header("pasar-fault-fired")), (201, "true"));
    let met_nothing = order(&app, &[("Pasar-Fault", "order>payment error")]).await;
    assert_eq!((met_nothing.status, met_nothing.header("pasar-fault-fired")), (201, "false"));
    assert!(!order(&app, &[]).await.headers.contains_key("pasar-fault-fired"));
    assert_eq!(
        app.order.get_as("/orders/1", &[("Pasar-Fault", "client>order not_found")]).await.text(),
        "404 page not found"
    );
    for wrong in ["order", "order>product explode", "client>order twice", "client>user error"] {
        let refused = order(&app, &[("Pasar-Fault", wrong)]).await;
        assert!(refused.problem(400, "bad_header")["detail"].as_str().unwrap().starts_with("Pasar-Fault: "));
    }
    assert_eq!(app.order.get("/faults").await.expect(200)["faults"], json!([]), "nothing stays armed");
}

#[tokio::test]
async fn a_fault_that_can_not_be_armed_is_refused() {
    let app = TestApp::spawn().await;
    let put = async |api: &Api, fault: Value| api.put("/faults/f", &fault).await;
    for (field, fault) in [
        ("kind", json!({"from": "client", "to": "order", "kind": "twice"})),
        ("kind", json!({"from": "order", "to": "product", "kind": "stop"})),
        ("kind", json!({"from": "order", "to": "product", "kind": "explode"})),
        ("from", json!({"from": "gateway", "to": "product", "kind": "error"})),
        ("times", json!({"from": "order", "to": "product", "kind": "error", "times": 0})),
        ("percent", json!({"from": "order", "to": "product", "kind": "error", "percent": 101})),
        ("delay_ms", json!({"from": "order", "to": "product", "kind": "delay", "delay_ms": 30_001})),
        ("path", json!({"from": "order", "to": "product", "kind": "error", "path": "products"})),
        ("method", json!({"from": "order", "to": "product", "kind": "error", "method": "get"})),
        ("method", json!({"from": "anybody", "to": "order", "kind": "stop", "method": "GET"})),
        ("percent", json!({"from": "anybody", "to": "order", "kind": "stop", "percent": 50})),
        ("path", json!({"from": "events", "to": "order", "kind": "twice", "path": "/orders"})),
    ] {
        let refused = put(&app.order, fault).await;
        assert!(refused.problem(422, "invalid_fields")["errors"][field].is_string(), "{}", refused.text());
    }
    let calls = json!({"from": "order", "to": "product", "kind": "error"});
    put(&app.product, calls.clone()).await.problem(409, "fault_elsewhere");
    put(&app.user, json!({"from": "user", "to": "product", "kind": "error"})).await.problem(409, "fault_elsewhere");
    put(&app.user, json!({"from": "client", "to": "order", "kind": "error"})).await.problem(409, "fault_elsewhere");
    app.order.put("/faults/a%20b", &calls).await.problem(404, "fault_not_found");
    app.order.delete("/faults/f").await.problem(404, "fault_not_found");
    for number in 0..50 {
        app.order.put(&format!("/faults/{number}"), &calls).await.expect(200);
    }
    put(&app.order, calls.clone()).await.problem(409, "too_many_faults");
    app.order.put("/faults/49", &calls).await.expect(200);
}

#[tokio::test]
async fn where_one_has_to_log_in_faults_are_for_admins_and_only_if_they_are_asked_for() {
    let fault = json!({"from": "client", "to": "order", "kind": "error"});
    let header = [("Pasar-Fault", "client>order error")];
    let app = TestApp::with_flags(&["--auth", "required"]).await;
    let admin = app.admin().await;
    let order = app.order.with_token(&admin.token);
    order.put("/faults/f", &fault).await.problem(403, "lab_off");
    order.get_as("/orders", &header).await.problem(403, "lab_off");

    let app = TestApp::with_flags(&["--auth", "required", "--lab", "on"]).await;
    let (admin, siti) = (app.admin().await, app.registers("siti@example.com").await);
    let (admin, customer) = (app.order.with_token(&admin.token), app.order.with_token(&siti.token));
    customer.put("/faults/f", &fault).await.problem(403, "not_allowed");
    let mine = format!("/orders/user/{}", siti.id);
    customer.get_as(&mine, &header).await.problem(403, "not_allowed");
    assert_eq!(admin.get_as(&mine, &header).await.status, 500);
    customer.get(&mine).await.expect(200);
    admin.put("/faults/f", &fault).await.expect(200);
    assert_eq!(customer.get(&mine).await.status, 500);

    let app = TestApp::with_flags(&["--lab", "off"]).await;
    app.order.put("/faults/f", &fault).await.problem(403, "lab_off");
    app.order.get("/faults").await.problem(403, "lab_off");
}
