//! Lessons: each is done as its steps say, and judged on the way.

use pasar::clock::Clock;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, eventually};

async fn lesson(app: &TestApp, number: u32) -> Value {
    app.order.get_as(&format!("/lessons/{number}"), &[("Accept-Language", "en")]).await.expect(200)
}

/// Asserts how far a lesson is, and that its verdict contains this.
async fn assert_is(app: &TestApp, number: u32, done: &[bool], verdict: &str) {
    let lesson = lesson(app, number).await;
    let steps: Vec<_> = lesson["steps"].as_array().unwrap().iter().map(|step| step["done"].clone()).collect();
    assert_eq!(json!(steps), json!(done), "{lesson}");
    assert_eq!(lesson["passed"], json!(done.iter().all(|done| *done)), "{lesson}");
    assert!(lesson["verdict"].as_str().unwrap().contains(verdict), "{lesson}");
}

async fn order(app: &TestApp, product: i64, key: Option<&str>) -> Answer {
    let headers: Vec<_> = key.map(|key| ("Idempotency-Key", key)).into_iter().collect();
    app.order.post_as("/orders", &headers, &json!({"user_id": 1, "product_id": product})).await
}

#[tokio::test]
async fn the_calls_of_one_order() {
    let app = TestApp::spawn().await;
    assert_is(&app, 1, &[false, false], "No order of two products").await;
    let items = json!([{"product_id": 1, "quantity": 1}, {"product_id": 2, "quantity": 1}]);
    app.order.post("/orders", &json!({"user_id": 1, "items": items})).await.expect(201);
    assert_is(&app, 1, &[true, false], "does not exist").await;
    order(&app, 999_999, None).await.problem(404, "product_not_found");
    assert_is(&app, 1, &[true, true], "3 calls: GET").await;
    assert!(lesson(&app, 1).await["verdict"].as_str().unwrap().ends_with("refused wrote nothing."));
    let since = "/lessons/1?since=9999999999999";
    assert_eq!(app.order.get(since).await.expect(200)["passed"], false, "nothing has begun since");
}

#[tokio::test]
async fn a_service_is_down() {
    let app = TestApp::spawn().await;
    assert_is(&app, 2, &[false, false], "stop the product service first").await;
    let stop = json!({"from": "anybody", "to": "product", "kind": "stop"});
    app.product.put("/faults/away", &stop).await.expect(200);
    order(&app, 1, None).await.problem(503, "peer_unavailable");
    assert_is(&app, 2, &[false, false], "had no Idempotency-Key").await;
    order(&app, 1, Some("k")).await.problem(503, "peer_unavailable");
    assert_is(&app, 2, &[true, false], "not been sent again").await;
    app.product.delete("/faults").await.expect(200);
    eventually("the order", async || (order(&app, 1, Some("k")).await.status == 201).then_some(())).await;
    assert_is(&app, 2, &[true, true], "placed as order 1 with the same key").await;
}

#[tokio::test]
async fn the_answer_is_lost_after_the_commit() {
    let app = TestApp::spawn().await;
    assert_is(&app, 3, &[false, false], "arm the fault").await;
    let lose = json!({"from": "client", "to": "order", "kind": "lose_answer", "method": "POST", "path": "/orders"});
    let new = json!({"user_id": 1, "product_id": 1}).to_string();
    let address = app.order.addr;
    let lost = async |headers: &str| {
        app.order.put("/faults/lost", &lose).await.expect(200);
        let head = format!("POST /orders HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n{headers}");
        let text = format!("{head}Content-Length: {}\r\nConnection: close\r\n\r\n{new}", new.len());
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The connection may be reset.
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await;
        assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    };
    lost("").await;
    assert_is(&app, 3, &[false, false], "it becomes a second order").await;
    lost("Idempotency-Key: k\r\n").await;
    assert_is(&app, 3, &[true, false], "not been sent again").await;
    order(&app, 1, Some("k")).await.expect(201);
    assert_is(&app, 3, &[true, true], "order 2 was lost, and the same key got it back").await;
}

#[tokio::test]
async fn the_double_click() {
    let app = TestApp::spawn().await;
    order(&app, 1, Some("alone")).await.expect(201);
    order(&app, 1, Some("alone")).await.expect(201);
    assert_is(&app, 4, &[false, false], "under way at the same time").await;
    let slow = json!({"from": "order", "to": "product", "kind": "delay", "delay_ms": 300, "times": 2});
    app.order.put("/faults/slow", &slow).await.expect(200);
    let (one, other) = tokio::join!(order(&app, 1, Some("k")), order(&app, 1, Some("k")));
    assert!(one.status == 201 || other.status == 201);
    assert_is(&app, 4, &[true, false], "not been sent once more").await;
    order(&app, 1, Some("k")).await.expect(201);
    assert_is(&app, 4, &[true, true], "one became order 2").await;
}

#[tokio::test]
async fn the_last_unit() {
    let app = TestApp::spawn().await;
    let batik = app.sells("Batik Tulis", 450_000, Some(1)).await;
    order(&app, 1, None).await.expect(201);
    assert_is(&app, 5, &[false, false], "No product whose stock is tracked").await;
    order(&app, batik, None).await.expect(201);
    assert_is(&app, 5, &[true, false], "sold out").await;
    order(&app, batik, None).await.problem(409, "insufficient_stock");
    assert_is(&app, 5, &[true, true], "as there is none left").await;
}

#[tokio::test]
async fn paid_too_late() {
    let clock = Clock::standing_at(1_795_166_700_000);
    let app = TestApp::with_clock(&[], &clock).await;
    order(&app, 1, None).await.expect(201);
    assert_is(&app, 6, &[false, false], "No payment has been begun").await;
    app.payment.post("/payments", &json!({"order_id": 1})).await.expect(201);
    assert_is(&app, 6, &[true, false], "when its time was over").await;
    clock.set(1_795_166_711_000);
    app.payment.post("/payments/confirm", &json!({"order_id": 1})).await.problem(409, "payment_too_late");
    assert_is(&app, 6, &[true, true], "payment_too_late").await;
}

#[tokio::test]
async fn a_crash_between_reservation_and_order() {
    let app = TestApp::spawn().await;
    assert_is(&app, 7, &[false, false, false], "No product whose stock").await;
    let kopi = app.sells("Kopi Gayo", 85_000, Some(5)).await;
    order(&app, kopi, None).await.expect(201);
    assert_is(&app, 7, &[true, false, false], "lost twice").await;
    let lose = json!({"from": "order", "to": "product", "kind": "lose_answer", "method": "PUT",
                      "path": "/reservations/{key}", "times": 2});
    app.order.put("/faults/lost", &lose).await.expect(200);
    order(&app, kopi, None).await.problem(503, "peer_unavailable");
    eventually("the stock is back", async || (app.stock_levels(kopi).await == [4, 1, 0]).then_some(())).await;
    eventually("the release is judged", async || (lesson(&app, 7).await["passed"] == true).then_some(())).await;
    assert_is(&app, 7, &[true, true, true], "never became an order, and was released").await;
}

#[tokio::test]
async fn lessons_are_in_both_languages_with_the_addresses_of_this_shop() {
    let app = TestApp::spawn().await;
    let all = app.order.get("/lessons").await.expect(200);
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 7);
    assert_eq!(all[0]["title"], "Panggilan satu pesanan");
    let command = all[0]["steps"][0]["command"].as_str().unwrap();
    assert!(command.contains(&format!(":{}/orders", app.order.addr.port())), "{command}");
    assert!(!all.iter().any(|lesson| lesson.to_string().contains("{order}")));
    app.order.get("/lessons/8").await.problem(404, "lesson_not_found");
    assert_eq!(app.user.get("/lessons").await.status, 404);
    assert_eq!(app.order.get("/lessons?since=yesterday").await.status, 400);
    let app = TestApp::with_flags(&["--lab", "off"]).await;
    app.order.get("/lessons").await.problem(403, "lab_off");
}
