//! A clock that is set back does not delay anything beyond its usual limit.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use crate::events::wait_until_idle;
use crate::lifecycle::{BACK, START, history, place_order, show, stocked};
use crate::payment::{open, status};
use crate::support::{Clock, TestApp, eventually, rfc3339};

const HOUR: i64 = 3_600_000;

/// Advances the clock in steps until the condition is met, and returns how many milliseconds that took by the clock.
async fn advance_until(clock: &Clock, what: &str, mut condition: impl AsyncFnMut() -> bool) -> i64 {
    let start = clock.now().as_millis();
    eventually(what, async || {
        clock.set(clock.now().as_millis() + 100);
        condition().await.then_some(())
    })
    .await;
    clock.now().as_millis() - start
}

#[tokio::test]
async fn leases_and_retries_end_within_seconds_after_the_clock_is_set_back_by_an_hour() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::standing_at(START + HOUR));
    let app = TestApp::in_folder_with_clock(&folder, &[], &clock).await;
    let product = stocked(&app).await;
    // A process was killed while it placed two orders. The first had only been reserved. The release of the second
    // had started and failed.
    let keys = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];
    for key in keys {
        let lines = json!({"items": [{"product_id": product, "quantity": 3}]});
        app.product.put(&format!("/reservations/{key}"), &lines).await.expect(200);
    }
    assert_eq!(app.stock_levels(product).await, [4, 6, 0]);
    drop(app);
    let database = Connection::open(folder.path().join("pasar.db")).unwrap();
    for (key, attempts, pause) in [(keys[0], 0, 5_000), (keys[1], 9, 30_000)] {
        let sql =
            "INSERT INTO intents (service, action, target, attempts, not_before) VALUES ('order', 'release', ?, ?, ?)";
        database.execute(sql, (key, attempts, START + HOUR + pause)).unwrap();
    }
    let lease = "INSERT INTO idempotency_keys (service, subject, key, request, holder, lease_until, created_at)
                 VALUES ('order', '', 'once', '{}', ?, ?, ?)";
    database.execute(lease, (keys[0], START + HOUR + 5_000, START + HOUR)).unwrap();
    let event = json!({"event": "order_created", "order_id": 7, "user_id": 1, "at": START});
    let failed = "INSERT INTO outbox (subscriber, id, key, event, attempts, not_before)
                  VALUES ('user.notifications', 1, 'order:7', ?, 9, ?)";
    database.execute(failed, (event.to_string(), START + HOUR + 300_000)).unwrap();
    drop(database);

    clock.set(START);
    let app = TestApp::in_folder_with_clock(&folder, &[], &clock).await;
    let order = json!({"user_id": 1, "product_id": 1});
    app.order.post_as("/orders", &[("idempotency-key", "once")], &order).await.expect(201);
    eventually("the event that had failed", async || {
        let notifications = app.user.all("/users/1/notifications").await;
        notifications.iter().any(|one| one["order_id"] == 7).then_some(())
    })
    .await;
    let waited = advance_until(&clock, "the stock is back", async || app.stock_levels(product).await == BACK).await;
    assert!(waited < 30_000, "{waited} ms");
    wait_until_idle(&app).await;
}

#[tokio::test]
async fn an_unpaid_order_expires_in_time_after_the_clock_is_set_back_by_an_hour() {
    const TTL: Duration = Duration::from_secs(20);
    const FLAGS: [&str; 3] = ["--order-ttl=20s", "--payment-window=5s", "--sweep=20ms"];
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::standing_at(START + HOUR));
    let app = TestApp::in_folder_with_clock(&folder, &FLAGS, &clock).await;
    let product = stocked(&app).await;
    let [unpaid, opened] = [place_order(&app, product).await, place_order(&app, product).await];
    open(&app, opened).await;
    drop(app);
    clock.set(START);
    let app = TestApp::in_folder_with_clock(&folder, &FLAGS, &clock).await;
    let waited = advance_until(&clock, "the payment expires", async || status(&app, 1).await == "expired").await;
    assert!(waited < 10_000, "{waited} ms");
    let expired = async || app.stock_levels(product).await == BACK;
    let waited = waited + advance_until(&clock, "the order expires", expired).await;
    assert!((TTL.as_millis() as i64..40_000).contains(&waited), "{waited} ms");
    for order in [unpaid, opened] {
        assert_eq!(history(&app, order).await, ["pending", "expired"]);
    }
}

#[tokio::test]
async fn unpaid_orders_expire_in_time_after_the_clock_is_set_back_while_the_process_runs() {
    let clock = Clock::standing_at(START + HOUR);
    let app = TestApp::with_clock(&["--order-ttl=20s", "--sweep=20ms"], &clock).await;
    let [before, after] = [stocked(&app).await, stocked(&app).await];
    place_order(&app, before).await;
    let mut back = START;
    // The sweeper notices each of these, before or after the next order is placed.
    for _ in 0..3 {
        clock.set(back);
        place_order(&app, after).await;
        back -= HOUR;
    }
    let expired = async || app.stock_levels(before).await == BACK && app.stock_levels(after).await == BACK;
    let waited = advance_until(&clock, "the orders expire", expired).await;
    assert!((20_000..40_000).contains(&waited), "{waited} ms");
}

#[tokio::test]
async fn a_shorter_order_ttl_does_not_change_existing_orders() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::standing_at(START));
    let app = TestApp::in_folder_with_clock(&folder, &["--order-ttl=1h"], &clock).await;
    let order = place_order(&app, 1).await;
    drop(app);
    let app = TestApp::in_folder_with_clock(&folder, &["--order-ttl=1m", "--sweep=20ms"], &clock).await;
    let other = place_order(&app, 1).await;
    clock.set(START + 70_000);
    eventually("the other expires", async || (history(&app, other).await.len() == 2).then_some(())).await;
    let shown = show(&app, order).await;
    assert_eq!((&shown["status"], &shown["expires_at"]), (&json!("pending"), &json!(rfc3339(START + HOUR))));
}
