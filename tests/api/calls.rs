//! The recorder: which calls, answers, commits and events are kept, and who sees them.

use serde_json::{Value, json};

use crate::events::wait_until_idle;
use crate::fake::{Behavior, Fake};
use crate::notifications::LiveStream;
use crate::support::{Api, TestApp, eventually};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// What the service at `api` has recorded of the trace, oldest first.
async fn calls(api: &Api) -> Vec<Value> {
    api.get(&format!("/calls?trace={TRACE}")).await.expect(200)["calls"].as_array().unwrap().clone()
}

/// The records of a kind.
fn of_kind<'a>(calls: &'a [Value], kind: &str) -> Vec<&'a Value> {
    calls.iter().filter(|call| call["kind"] == kind).collect()
}

/// Places an order of these products, in the trace.
async fn order(app: &TestApp, products: &[i64]) -> Value {
    let items: Vec<_> = products.iter().map(|id| json!({"product_id": id, "quantity": 1})).collect();
    let traceparent = format!("00-{TRACE}-{SPAN}-01");
    let headers = [("traceparent", &*traceparent), ("X-Request-Id", "kasir-1"), ("Idempotency-Key", "k1")];
    app.order.post_as("/orders", &headers, &json!({"user_id": 1, "items": items})).await.expect(201)
}

#[tokio::test]
async fn the_calls_of_an_order_can_be_put_together() {
    let app = TestApp::spawn().await;
    let products = [app.sells("Kopi", 20_000, Some(5)).await, app.sells("Teh", 10_000, Some(5)).await];
    let placed = order(&app, &products).await;
    wait_until_idle(&app).await;

    let at_order = calls(&app.order).await;
    let [answer] = of_kind(&at_order, "answer")[..] else { panic!("{at_order:?}") };
    assert_eq!(
        (&answer["method"], &answer["path"], &answer["status"]),
        (&json!("POST"), &json!("/orders"), &json!(201))
    );
    assert_eq!((&answer["span"], &answer["parent"]), (&json!(SPAN), &Value::Null));
    assert_eq!(answer["request_id"], "kasir-1");
    let made = of_kind(&at_order, "call");
    let asked: Vec<_> =
        made.iter().map(|call| (call["peer"].as_str().unwrap(), call["method"].as_str().unwrap())).collect();
    assert_eq!(asked.iter().filter(|asked| **asked == ("user", "GET")).count(), 1, "{asked:?}");
    assert_eq!(asked.iter().filter(|asked| **asked == ("product", "GET")).count(), 2, "{asked:?}");
    assert_eq!(asked.iter().filter(|asked| **asked == ("product", "PUT")).count(), 1, "{asked:?}");
    // Each call has its answer, at the service that was called.
    for call in made {
        assert_eq!((&call["parent"], &call["attempt"], &call["status"]), (&json!(SPAN), &json!(1), &json!(200)));
        let peer = if call["peer"] == "user" { &app.user } else { &app.product };
        let there = calls(peer).await;
        let of_call: Vec<_> = there.iter().filter(|answer| answer["span"] == call["span"]).collect();
        let [answer] = of_call[..] else { panic!("{there:?}") };
        assert_eq!((&answer["kind"], &answer["path"]), (&json!("answer"), &call["path"]));
        assert!(answer["took_ms"].as_f64().unwrap() <= call["took_ms"].as_f64().unwrap(), "{answer} {call}");
    }
    let tables = |commit: &Value| {
        let wrote = commit["wrote"].as_array().unwrap();
        wrote.iter().map(|one| one["table"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let commits: Vec<_> = of_kind(&at_order, "commit").into_iter().map(tables).collect();
    assert!(commits.iter().any(|tables| tables.contains(&"orders".to_owned())), "{commits:?}");
    let at_product = calls(&app.product).await;
    let commits: Vec<_> = of_kind(&at_product, "commit").into_iter().map(tables).collect();
    assert!(commits.iter().any(|tables| tables.contains(&"reservations".to_owned())), "{commits:?}");
    // The event of the order reaches the user service.
    let at_user = calls(&app.user).await;
    let [event] = of_kind(&at_user, "event")[..] else { panic!("{at_user:?}") };
    assert_eq!(event["event"]["kind"], "order_created");
    assert_eq!(event["parent"], SPAN);

    let details = app.order.get(&format!("/calls/{}", answer["id"])).await.expect(200);
    assert_eq!(details["request"]["headers"]["Idempotency-Key"], "k1");
    assert_eq!(details["request"]["body"]["user_id"], 1);
    assert_eq!(details["response"]["body"], placed);
}

#[tokio::test]
async fn attempts_at_a_service_that_fails_are_kept_with_the_reason() {
    let fake = Fake::start(Behavior::Closes("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"));
    let app = TestApp::with_flags(&["--user-url", &fake.url()]).await;
    let product = app.sells("Kopi", 20_000, None).await;
    let traceparent = format!("00-{TRACE}-{SPAN}-01");
    let body = json!({"user_id": 1, "product_id": product});
    app.order.post_as("/orders", &[("traceparent", &traceparent)], &body).await.problem(503, "peer_unavailable");
    let found = calls(&app.order).await;
    let attempts: Vec<_> = of_kind(&found, "call").into_iter().filter(|call| call["peer"] == "user").collect();
    let numbers: Vec<_> = attempts.iter().map(|call| (&call["attempt"], &call["status"])).collect();
    assert_eq!(numbers, [(&json!(1), &json!(500)), (&json!(2), &json!(500))]);
    assert!(attempts[0]["failure"].as_str().unwrap().contains("500"), "{attempts:?}");
    assert_ne!(attempts[0]["span"], attempts[1]["span"]);
    let by_status = app.order.get("/calls?status=5xx").await.expect(200);
    assert_eq!(by_status["calls"].as_array().unwrap().len(), 3, "{by_status}");
    let by_path = app.order.get("/calls?path=/orders&limit=1").await.expect(200);
    assert_eq!(by_path["calls"][0]["status"], 503);
    for query in ["trace=1", "status=5x", "status=6xx", "limit=0", "path=", "kind=call"] {
        app.order.get(&format!("/calls?{query}")).await.problem(400, "bad_query");
    }
}

#[tokio::test]
async fn secrets_are_not_kept() {
    let app = TestApp::spawn().await;
    let visitor = app.registers("siti@example.com").await;
    app.user.get("/users?token=rahasia").await;
    let all = app.user.get("/calls").await.expect(200);
    assert!(!all.to_string().contains("rahasia"), "{all}");
    for call in all["calls"].as_array().unwrap() {
        let details = app.user.get(&format!("/calls/{}", call["id"])).await.expect(200);
        assert!(!details.to_string().contains(&visitor.token), "{details}");
        if call["path"] == "/auth/register" && call["kind"] == "answer" {
            assert_eq!(details["request"]["body"]["password"], "hidden");
            assert_eq!(details["response"]["body"]["access_token"], "hidden");
        }
    }
}

#[tokio::test]
async fn only_the_newest_are_kept_and_a_stream_says_what_it_missed() {
    let app = TestApp::with_flags(&["--recorded-calls", "100"]).await;
    for _ in 0..150 {
        app.product.get("/products/1").await.expect(200);
    }
    let found = app.product.get("/calls?limit=1000").await.expect(200);
    assert_eq!((&found["recorded"], &found["dropped"]), (&json!(150), &json!(50)));
    assert_eq!(found["calls"].as_array().unwrap().len(), 100);
    app.product.get("/calls/1").await.problem(404, "call_not_found");
    app.product.get("/calls/151").await.problem(404, "call_not_found");
    // The last of the 300 changes is known: nothing is sent again, and what comes next is.
    let mut live = LiveStream::of(&app.product, "/calls/stream", "Last-Event-ID: 300\r\n").await;
    app.product.get("/products/2").await.expect(200);
    let (number, call) = live.next().await.unwrap();
    assert_eq!((call["path"].as_str(), call["id"].as_i64()), (Some("/products/2"), Some(151)));
    assert!(number > 300);
    // The changes 1 to 102 are gone.
    let mut live = LiveStream::of(&app.product, "/calls/stream?last_event_id=50", "").await;
    assert_eq!(live.next().await.unwrap().1, json!({"dropped": 52}));
    let (_, call) = live.next().await.unwrap();
    assert_eq!(call["status"], 200);
}

#[tokio::test]
async fn a_stream_shows_a_call_while_it_is_under_way() {
    let fake = Fake::start(Behavior::Hangs);
    let app = TestApp::with_flags(&["--user-url", &fake.url()]).await;
    let mut live = LiveStream::of(&app.order, "/calls/stream", "").await;
    let product = app.sells("Kopi", 20_000, None).await;
    let placing = app.order.clone();
    let order = tokio::spawn(async move {
        placing.post("/orders", &json!({"user_id": 1, "product_id": product})).await.problem(503, "peer_unavailable")
    });
    let begun = loop {
        let (_, call) = live.next().await.unwrap();
        if call["peer"] == "user" {
            break call;
        }
    };
    assert_eq!((&begun["took_ms"], &begun["attempt"]), (&Value::Null, &json!(1)));
    order.await.unwrap();
    let ended = loop {
        let (_, call) = live.next().await.unwrap();
        if call["id"] == begun["id"] && !call["took_ms"].is_null() {
            break call;
        }
    };
    assert!(ended["failure"].as_str().unwrap().contains("in time"), "{ended}");
}

#[tokio::test]
async fn nothing_is_recorded_where_one_has_to_log_in_unless_it_is_asked_for() {
    let app = TestApp::with_flags(&["--auth", "required"]).await;
    let admin = app.admin().await;
    for (_, api) in app.services() {
        let api = api.with_token(&admin.token);
        let path = "/calls";
        eventually("the admin is known", async || (api.get(path).await.status == 403).then_some(())).await;
        for path in ["/calls", "/calls/1", "/calls/stream"] {
            api.get(path).await.problem(403, "lab_off");
        }
    }
    let app = TestApp::with_flags(&["--lab", "off"]).await;
    app.order.get("/calls").await.problem(403, "lab_off");
}
