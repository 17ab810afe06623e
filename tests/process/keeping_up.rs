//! Event delivery keeps up with orders at full speed, and no event of a running subscriber is dropped.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::load::{Stored, Writer, id, order_of};
use crate::support::binary::{Folder, Layout, Pasar, Shop, TOGETHER, free_address, until};
use crate::support::blocking::{get, post};

/// The promised delay.
const APPLIED_WITHIN: Duration = Duration::from_secs(2);
/// A margin for the machine: the clients use all its cores, and other programs may run.
const SLACK: Duration = Duration::from_secs(2);
const CLIENTS: usize = 16;
/// Waiting events at the start: more than the clients of a slow machine can make in that time.
const BACKLOG: usize = 10_000;
const APART: Layout = &[&["UserService"], &["ProductService"], &["OrderService", "PaymentService"]];

/// How long the flood lasts.
fn flood_duration() -> Duration {
    let seconds = std::env::var("PASAR_FLOOD_SECONDS").map(|seconds| seconds.parse().unwrap());
    Duration::from_secs(seconds.unwrap_or(4))
}

#[test]
fn a_notification_arrives_within_two_seconds_while_another_user_floods_the_shop() {
    for layout in [TOGETHER, APART] {
        let shop = Shop::start(layout, &[]);
        post(shop.user(), "/users", &json!({"name": "Siti"})).expect(201);
        let stored = Stored::open(&shop.folder.database());
        stored.execute(&format!(
            "WITH RECURSIVE n(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < {BACKLOG})
             INSERT INTO outbox (subscriber, id, key, event) SELECT 'user.notifications', 1000 + n, 'order:' || -n,
                 json_object('event', 'order_created', 'order_id', -n, 'user_id', 1, 'at', 0) FROM n"
        ));
        let (flooding, last) = (AtomicBool::new(true), AtomicI64::new(0));
        let mut waits = Vec::new();
        let placed: usize = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|_| {
                    let (mut client, flooding, last) = (Writer::new(shop.order(), 1), &flooding, &last);
                    scope.spawn(move || {
                        while flooding.load(Ordering::Relaxed) {
                            let answer = client.place_order().unwrap();
                            if answer.status == 201 {
                                last.fetch_max(id(&answer), Ordering::Relaxed);
                            }
                        }
                        client.placed.len()
                    })
                })
                .collect();
            let end = Instant::now() + flood_duration();
            while Instant::now() < end {
                // The other user's notification over HTTP, and the flooding user's in the database.
                let own = id(&post(shop.order(), "/orders", &order_of(2)).with_status(201));
                let (start, theirs) = (Instant::now(), last.load(Ordering::Relaxed));
                let notifications = || get(shop.user(), "/users/2/notifications").expect(200);
                until("the other user's notification", APPLIED_WITHIN + SLACK, || {
                    notifications().as_array().unwrap().iter().any(|one| one["order_id"] == own)
                });
                let sql = format!("SELECT count(*) FROM notifications WHERE user_id = 1 AND order_id = {theirs}");
                until("the flooding user's notification", APPLIED_WITHIN + SLACK, || {
                    theirs == 0 || stored.count(&sql) == 1
                });
                waits.push(start.elapsed());
            }
            flooding.store(false, Ordering::Relaxed);
            clients.into_iter().map(|client| client.join().unwrap()).sum()
        });
        let start = Instant::now();
        let waiting = stored.count("SELECT count(*) FROM outbox");
        until("all notifications", APPLIED_WITHIN + SLACK, || {
            stored.count("SELECT count(*) FROM notifications WHERE user_id = 1") == BACKLOG + placed
        });
        let (rest, longest) = (start.elapsed(), waits.iter().max().unwrap());
        eprintln!("{placed} orders; {} waits, the longest {longest:?}; {waiting} at the end, {rest:?}", waits.len());
        assert!(placed > 100, "{placed} orders are too few for this test");
        shop.stop();
    }
}

/// Four events for a subscriber, numbered as if there were a million and two.
fn insert_events(stored: &Stored, subscriber: &str) {
    for id in [1, 2, 3, 1_000_002] {
        stored.execute(&format!(
            "INSERT INTO outbox (subscriber, id, key, event) VALUES
             ('{subscriber}', {id}, 'user:9', '{{\"event\":\"user_updated\",\"user_id\":9,\"name\":\"Siti\"}}')"
        ));
    }
}

#[test]
fn only_events_of_subscribers_absent_for_a_day_are_dropped_and_counted() {
    let folder = Folder::new();
    Pasar::start(&mut folder.pasar(&["user"]), &["UserService"]).stop("TERM");
    let stored = Stored::open(&folder.database());
    let waiting =
        |subscriber: &str| stored.count(&format!("SELECT count(*) FROM outbox WHERE subscriber = '{subscriber}'"));
    let nobody = format!("http://{}", free_address());
    let start = || {
        let mut command = folder.pasar(&["order", "--user-url", &nobody, "--product-url", "none"]);
        Pasar::start(&mut command, &["OrderService"])
    };
    let dropped = |pasar: &Pasar| {
        let metrics = get(pasar.order(), "/metrics").with_status(200).text();
        let line = metrics.lines().find(|line| line.starts_with("events_dropped_total")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    // The first subscriber was seen a moment ago, and the second never. Below, the first has been absent for a day.
    let [alive, unknown] = ["user.notifications", "product.tokens"];
    stored.execute(&format!(
        "INSERT INTO subscribers (name, last_seen) VALUES ('{alive}', {}) ON CONFLICT DO NOTHING",
        now()
    ));
    insert_events(&stored, alive);
    insert_events(&stored, unknown);
    let pasar = start();
    until("events of an unknown subscriber are dropped", Duration::from_secs(10), || waiting(unknown) == 2);
    assert_eq!((waiting(alive), dropped(&pasar)), (4, 2));
    pasar.stop("TERM");

    stored.execute("UPDATE subscribers SET last_seen = last_seen - 25 * 60 * 60 * 1000");
    // Events of this process's own subscribers are delivered, however long it was stopped.
    insert_events(&stored, "order.log");
    let pasar = start();
    until("events of a subscriber absent for a day are dropped", Duration::from_secs(10), || waiting(alive) == 2);
    until("its own events are received", Duration::from_secs(10), || waiting("order.log") == 0);
    assert_eq!(dropped(&pasar), 4);
    assert!(
        pasar.stop_and_read_output("TERM").contains("dropped 2 events, which nobody receives as user.notifications")
    );
}

/// In epoch milliseconds.
fn now() -> u128 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()
}
