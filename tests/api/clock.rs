//! A clock that was set back keeps nothing waiting for longer than it would have waited anyway.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use crate::events::quiet;
use crate::life::{BACK, START, history, place, show, stocked};
use crate::payment::{open, status};
use crate::support::{Clock, TestApp, eventually, rfc3339};

const HOUR: i64 = 3_600_000;

/// Moves the clock on in steps until something is so, and gives the milliseconds that passed by the clock.
async fn passes(clock: &Clock, what: &str, mut so: impl AsyncFnMut() -> bool) -> i64 {
    let start = clock.now().as_millis();
    eventually(what, async || {
        clock.set(clock.now().as_millis() + 100);
        so().await.then_some(())
    })
    .await;
    clock.now().as_millis() - start
}

#[tokio::test]
async fn leases_and_retries_from_before_a_clock_was_set_back_by_an_hour_are_over_within_seconds() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::standing_at(START + HOUR));
    let app = TestApp::on_by(&folder, &[], &clock).await;
    let product = stocked(&app).await;
    // What is left of two orders by a process that was killed while it placed them: one had only reserved; of the
    // other the release had begun, and failed.
    let keys = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];
    for key in keys {
        let lines = json!({"items": [{"product_id": product, "quantity": 3}]});
        app.product.put(&format!("/reservations/{key}"), &lines).await.expect(200);
    }
    assert_eq!(app.books(product).await, [4, 6, 0]);
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
    let app = TestApp::on_by(&folder, &[], &clock).await;
    let order = json!({"user_id": 1, "product_id": 1});
    app.order.post_as("/orders", &[("idempotency-key", "once")], &order).await.expect(201);
    eventually("the event that had failed", async || {
        let told = app.user.all("/users/1/notifications").await;
        told.iter().any(|one| one["order_id"] == 7).then_some(())
    })
    .await;
    let waited = passes(&clock, "the stock is back", async || app.books(product).await == BACK).await;
    assert!(waited < 30_000, "{waited} ms");
    quiet(&app).await;
}

#[tokio::test]
async fn an_unpaid_order_expires_in_its_time_though_the_clock_was_set_back_by_an_hour() {
    const TTL: Duration = Duration::from_secs(20);
    const FLAGS: [&str; 3] = ["--order-ttl=20s", "--payment-window=5s", "--sweep=20ms"];
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::standing_at(START + HOUR));
    let app = TestApp::on_by(&folder, &FLAGS, &clock).await;
    let product = stocked(&app).await;
    let [unpaid, opened] = [place(&app, product).await, place(&app, product).await];
    open(&app, opened).await;
    drop(app);
    clock.set(START);
    let app = TestApp::on_by(&folder, &FLAGS, &clock).await;
    let waited = passes(&clock, "the payment expires", async || status(&app, 1).await == "expired").await;
    assert!(waited < 10_000, "{waited} ms");
    let expired = async || app.books(product).await == BACK;
    let waited = waited + passes(&clock, "the order expires", expired).await;
    assert!((TTL.as_millis() as i64..40_000).contains(&waited), "{waited} ms");
    for order in [unpaid, opened] {
        assert_eq!(history(&app, order).await, ["pending", "expired"]);
    }
}

#[tokio::test]
async fn who_lowers_the_time_to_pay_shortens_no_order_that_waits() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::standing_at(START));
    let app = TestApp::on_by(&folder, &["--order-ttl=1h"], &clock).await;
    let order = place(&app, 1).await;
    drop(app);
    let app = TestApp::on_by(&folder, &["--order-ttl=1m", "--sweep=20ms"], &clock).await;
    let other = place(&app, 1).await;
    clock.set(START + 70_000);
    eventually("the other expires", async || (history(&app, other).await.len() == 2).then_some(())).await;
    let shown = show(&app, order).await;
    assert_eq!((&shown["status"], &shown["expires_at"]), (&json!("pending"), &json!(rfc3339(START + HOUR))));
}
