//! One Idempotency-Key makes one order and one payment, even if it is sent many times at once while processes are
//! killed.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::invariants::ALWAYS_FORBIDDEN;
use super::load::{Stored, assert_unavailable};
use crate::support::Answer;
use crate::support::binary::{Shop, TOGETHER, until};
use crate::support::blocking::{Http, post};

const KEYS: usize = 100;
const DUPLICATES: usize = 16;
/// Keys that are sent at the same time.
const AT_ONCE: usize = 10;
/// Answers between two kills.
const ANSWERS_PER_KILL: usize = 200;
/// More than the time that a key stays locked after the process that had it was killed.
const PATIENCE: Duration = Duration::from_secs(60);
const QUANTITY: i64 = 2;

/// Retries the request until it is answered with 201.
fn send_until_created(addr: SocketAddr, path: &str, key: &str, body: &Value) -> Answer {
    let mut http = Http::new(addr, true);
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Ok(answer) = http.send("POST", path, Some(key), Some(body)) {
            match answer.status {
                201 => return answer,
                409 => {
                    assert_eq!(answer.json()["code"], "key_under_way", "{}", answer.text());
                    assert!(!answer.header("retry-after").is_empty());
                }
                _ => assert_unavailable(
                    &answer,
                    &["busy", "too_slow", "storage_unavailable", "peer_unavailable", "payment_unsettled"],
                ),
            }
        }
        // Shorter than the Retry-After, so that more of them meet.
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{key} was not answered within {PATIENCE:?}");
}

/// Sends the same request many times at once. All answers must be equal; returns the id in them.
fn send_duplicates(addr: SocketAddr, path: &str, key: &str, body: &Value, answered: &AtomicUsize) -> i64 {
    let answers: Vec<_> = std::thread::scope(|scope| {
        let duplicate = || {
            let answer = send_until_created(addr, path, key, body);
            answered.fetch_add(1, Ordering::Relaxed);
            answer
        };
        let duplicates: Vec<_> = (0..DUPLICATES).map(|_| scope.spawn(duplicate)).collect();
        duplicates.into_iter().map(|duplicate| duplicate.join().unwrap()).collect()
    });
    for answer in &answers {
        assert_eq!(answer.body, answers[0].body, "{key} got two different answers");
    }
    // None, if the connection of the first answer was cut off.
    let fresh = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_empty()).count();
    assert!(fresh <= 1, "{key} was made {fresh} times");
    answers[0].json()["id"].as_i64().unwrap()
}

#[test]
fn a_key_makes_one_order_and_one_payment_despite_repeats_and_kills() {
    let mut shop = Shop::start(TOGETHER, &["--payment-window=15m"]);
    let stock = json!({"name": "Kopi Gayo", "price": 45_000, "stock": 1_000});
    let product = &post(shop.product(), "/products", &stock).expect(201)["product"]["id"];
    let (orders, payments) = (shop.order(), shop.payment());
    let order = |quantity| json!({"user_id": 1, "product_id": product, "quantity": quantity});
    let answered = AtomicUsize::new(0);
    let mut kills = 0;
    let made: Vec<(usize, i64, i64)> = std::thread::scope(|scope| {
        let (order, answered) = (&order, &answered);
        let senders: Vec<_> = (0..AT_ONCE)
            .map(|sender| {
                scope.spawn(move || {
                    let keys = (sender..KEYS).step_by(AT_ONCE);
                    let made = keys.map(|key| {
                        let name = format!("key-{key}");
                        let placed = send_duplicates(orders, "/orders", &name, &order(QUANTITY), answered);
                        // The same key at another service is another key.
                        let paid =
                            send_duplicates(payments, "/payments", &name, &json!({"order_id": placed}), answered);
                        (key, placed, paid)
                    });
                    made.collect::<Vec<_>>()
                })
            })
            .collect();
        let over = || senders.iter().all(|sender| sender.is_finished());
        while !over() {
            until("more answers", PATIENCE * 2, || {
                over() || answered.load(Ordering::Relaxed) > kills * ANSWERS_PER_KILL
            });
            // The moment of the kill is random on purpose; this sleep waits for nothing.
            std::thread::sleep(Duration::from_millis(fastrand::u64(0..=50)));
            shop.kill_one();
            kills += 1;
        }
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
    });
    assert!(kills >= 10, "only {kills} kills");

    for &(key, placed, paid) in &made {
        let name = format!("key-{key}");
        let answer =
            |addr, path, body: &Value| Http::new(addr, false).send("POST", path, Some(&name), Some(body)).unwrap();
        for (addr, path, id, same, other) in [
            (orders, "/orders", placed, order(QUANTITY), order(QUANTITY + 1)),
            (payments, "/payments", paid, json!({"order_id": placed}), json!({"order_id": placed, "method": "qris"})),
        ] {
            let again = answer(addr, path, &same).with_status(201);
            assert_eq!((&again.json()["id"], again.header("idempotent-replayed")), (&json!(id), "true"));
            assert_eq!(answer(addr, path, &other).expect(422)["code"], "idempotency_key_reused");
        }
    }
    let stored = Stored::open(&shop.folder.database());
    until("no job is left", PATIENCE, || stored.count("SELECT count(*) FROM intents") == 0);
    stored.assert_none(ALWAYS_FORBIDDEN);
    for (sql, number) in [
        ("SELECT count(*) FROM orders", KEYS),
        ("SELECT count(*) FROM payments", KEYS),
        ("SELECT count(DISTINCT order_id) FROM payments", KEYS),
        ("SELECT count(*) FROM reservations WHERE state = 'held'", KEYS),
        ("SELECT sum(reserved) FROM products", KEYS * QUANTITY as usize),
        ("SELECT count(answer) FROM idempotency_keys", 2 * KEYS),
    ] {
        assert_eq!(stored.count(sql), number, "{sql}");
    }
    stored.assert_sound();
    shop.stop();
}
