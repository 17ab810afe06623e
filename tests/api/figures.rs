//! The figures of all orders and the stream of their changes, which the admin's desk shows.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::events::wait_until_idle;
use crate::lifecycle::{LIFECYCLES, START, place_order, stocked, take_step};
use crate::notifications::{LiveStream, walk};
use crate::support::{Clock, TestApp, eventually, rfc3339};

const MINUTE: i64 = 60_000;

/// The summary once all `placed` orders are counted.
async fn summary(app: &TestApp, query: &str, placed: i64) -> Value {
    wait_until_idle(app).await;
    eventually("all orders are counted", async || {
        let summary = app.order.get(&format!("/orders/summary{query}")).await.expect(200);
        (summary["placed"] == placed).then_some(summary)
    })
    .await
}

/// How many orders have each status, by the list of them.
async fn counted(app: &TestApp) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for lifecycle in &LIFECYCLES {
        let orders = app.order.all(&format!("/orders?status={}", lifecycle.status)).await;
        counts.insert(lifecycle.status.to_owned(), orders.len());
    }
    counts
}

#[tokio::test]
async fn the_summary_agrees_with_the_orders() {
    let clock = Clock::standing_at(START);
    let app = TestApp::with_clock(&["--sweep=1h"], &clock).await;
    let product = stocked(&app).await;
    app.product.put(&format!("/products/{product}/stock"), &json!({"stock": 1000})).await.expect(200);
    let mut orders = Vec::new();
    for lifecycle in &LIFECYCLES {
        for _ in 0..2 {
            orders.push((place_order(&app, product).await, lifecycle));
        }
    }
    // A minute later something becomes of them, and one that was paid is cancelled.
    clock.set(START + MINUTE);
    for (order, lifecycle) in &orders {
        for step in lifecycle.way {
            take_step(&app, *order, step).await.expect(200);
        }
    }
    take_step(&app, orders[2].0, "cancelled").await.expect(200);
    clock.set(START + MINUTE + 5000);

    let of_all = summary(&app, "", 16).await;
    assert_eq!(of_all["statuses"], json!(counted(&app).await));
    assert_eq!(of_all["statuses"]["cancelled"], 3);
    // Seven of eight that were paid were not cancelled, three units of 20,000 each.
    assert_eq!((&of_all["refused"], &of_all["revenue"]), (&json!(4), &json!(7 * 60_000)));
    let minutes = of_all["minutes"].as_array().unwrap();
    assert_eq!(minutes.len(), 30);
    let [.., first, second] = &minutes[..] else { panic!("{minutes:?}") };
    let minute = |at, placed, refused, revenue| json!({"at": rfc3339(at), "placed": placed, "refused": refused, "revenue": revenue});
    let beginning = START - START % MINUTE;
    assert_eq!(*first, minute(beginning, 16, 0, 0));
    assert_eq!(*second, minute(beginning + MINUTE, 0, 4, 7 * 60_000));

    // Later, the time since the second of these minutes is asked for.
    clock.set(START + 60 * MINUTE);
    let since = summary(&app, "?period=60", 0).await;
    assert_eq!((&since["refused"], &since["revenue"]), (&json!(4), &json!(7 * 60_000)));
    assert!(since["minutes"].as_array().unwrap().iter().all(|minute| minute["refused"] == 0), "{since}");
    let later = summary(&app, "?period=59", 0).await;
    assert_eq!((&later["refused"], &later["revenue"]), (&json!(0), &json!(0)));
    summary(&app, "?period=10080", 16).await;
    for period in ["0", "10081", "1.5", "+1", "01", "today", ""] {
        app.order.get(&format!("/orders/summary?period={period}")).await.problem(400, "bad_query");
    }
}

#[tokio::test]
async fn orders_are_counted_whatever_the_order_of_their_times() {
    let clock = Clock::standing_at(START + MINUTE);
    let app = TestApp::with_clock(&["--sweep=1h"], &clock).await;
    place_order(&app, 1).await;
    clock.set(START);
    place_order(&app, 1).await;
    // In this minute there is only the second one, with the higher id.
    clock.set(START + 5000);
    summary(&app, "", 1).await;
    clock.set(START + MINUTE + 5000);
    summary(&app, "", 2).await;
}

#[tokio::test]
async fn orders_of_more_than_one_step_are_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::standing_at(START);
    drop(TestApp::in_folder_with_clock(&folder, &[], &clock).await);
    let add = "INSERT INTO orders (user_id, user_name, total_price, status, created_at)
               WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
               SELECT 1, 'Bambang', 5, 'paid', ? + i / 100 * 60000 FROM n";
    Connection::open(folder.path().join("pasar.db")).unwrap().execute(add, [START]).unwrap();
    clock.set(START + 50 * MINUTE);
    let app = TestApp::in_folder_with_clock(&folder, &["--sweep=1h"], &clock).await;
    let all = summary(&app, "", 5000).await;
    // A hundred in each minute but the first and the last, of which only the last is shown.
    assert!(all["minutes"].as_array().unwrap()[..29].iter().all(|minute| minute["placed"] == 100), "{all}");
    summary(&app, "?period=10", 901).await;
}

#[tokio::test]
async fn revenue_that_exceeds_all_bounds_is_not_counted() {
    const MOST: i64 = 900_000_000_000_000;
    let clock = Clock::standing_at(START);
    let app = TestApp::with_clock(&["--sweep=1h"], &clock).await;
    let ship = app.sells("Kapal", 1_000_000_000_000_000, None).await;
    let pay = async || {
        let new = json!({"user_id": 1, "product_id": ship, "quantity": 9000});
        let order = app.order.post("/orders", &new).await.expect(201)["id"].as_i64().unwrap();
        take_step(&app, order, "paid").await.expect(200);
        order
    };
    let (first, _) = (pay().await, pay().await);
    assert_eq!(summary(&app, "", 2).await["revenue"], MOST);
    clock.set(START + MINUTE);
    pay().await;
    assert_eq!(summary(&app, "", 3).await["revenue"], 2 * MOST);
    clock.set(START + 2 * MINUTE);
    take_step(&app, first, "cancelled").await.expect(200);
    assert_eq!(summary(&app, "", 3).await["revenue"], MOST);
}

#[tokio::test]
async fn figures_survive_a_restart_and_count_each_order_once() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::standing_at(START);
    for round in 1..=3 {
        let app = TestApp::in_folder_with_clock(&folder, &["--sweep=1h"], &clock).await;
        let order = place_order(&app, 1).await;
        take_step(&app, order, "paid").await.expect(200);
        clock.set(clock.now().as_millis() + 5000);
        let figures = summary(&app, "", round).await;
        assert_eq!((&figures["statuses"]["paid"], &figures["statuses"]["pending"]), (&json!(round), &json!(0)));
        drop(app);
    }
}

#[tokio::test]
async fn changes_of_orders_are_listed_and_streamed() {
    let app = TestApp::with_flags(&["--sweep=1h"]).await;
    place_order(&app, 1).await;
    let mut live = LiveStream::of(&app.order, "/orders/activity/stream", "Accept-Language: en\r\n").await;
    // It begins with what happens next.
    let order = place_order(&app, 1).await;
    let (id, placed) = live.next().await.unwrap();
    assert_eq!((id, &placed["order_id"], &placed["status"]), (0, &json!(order), &json!("pending")));
    assert_eq!(placed.get("id"), None);
    let steps = ["paid", "confirmed", "shipped", "completed"];
    for step in steps {
        take_step(&app, order, step).await.expect(200);
    }
    for (expected, step) in (1..).zip(steps) {
        let (id, change) = live.next().await.unwrap();
        assert_eq!((id, &change["id"]), (expected, &json!(expected)));
        assert_eq!((&change["order_id"], &change["status"]), (&json!(order), &json!(step)));
    }
    let mut again = LiveStream::of(&app.order, "/orders/activity/stream", "Last-Event-ID: 3\r\n").await;
    let (id, change) = again.next().await.unwrap();
    assert_eq!((id, &change["label"]), (4, &json!("selesai")));
    // A client of an earlier database, which had more.
    let mut earlier = LiveStream::of(&app.order, "/orders/activity/stream", "Last-Event-ID: 400\r\n").await;
    take_step(&app, 1, "cancelled").await.expect(200);
    assert_eq!(earlier.next().await.unwrap().0, 5);

    let pages = walk(&app.order, "/orders/activity?limit=3").await;
    let listed: Vec<&Value> = pages.iter().flatten().map(|change| &change["status"]).collect();
    assert_eq!(listed, ["cancelled", "completed", "shipped", "confirmed", "paid"]);
    assert_eq!(pages.len(), 2);
}

#[tokio::test]
async fn an_admin_alone_gets_the_figures_and_the_stream_by_a_ticket() {
    let app = TestApp::with_flags(&["--auth=required"]).await;
    let (siti, admin) = (app.registers("siti@example.com").await, app.admin().await);
    for path in ["/orders/summary", "/orders/activity"] {
        app.order.get(path).await.problem(401, "token_missing");
        app.order.with_token(&siti.token).get(path).await.problem(403, "not_allowed");
        app.order.with_token(&admin.token).get(path).await.expect(200);
    }
    for (visitor, status) in [(&siti, 403), (&admin, 200)] {
        let ticket = app.user.with_token(&visitor.token).post("/auth/ticket", &json!({})).await.expect(200);
        let path = format!("/orders/activity/stream?ticket={}", ticket["ticket"].as_str().unwrap());
        assert_eq!(app.order.head_of_stream(&path).await.status, status);
    }
}
