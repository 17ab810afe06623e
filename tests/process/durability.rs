//! An order that was answered with 201 is kept, however the process ends.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use super::load::{Placed, Stored, Writer, id, order_of};
use crate::support::Broken;
use crate::support::binary::{DEADLINE, Folder, kills, until};
use crate::support::blocking::{Http, post};

#[test]
fn sigterm_under_load_answers_what_was_accepted_and_exits_0() {
    let folder = Folder::new();
    let pasar = folder.start();
    let order = pasar.order();
    let stopping = AtomicBool::new(false);
    let seen = AtomicUsize::new(0);
    let placed: Vec<_> = std::thread::scope(|scope| {
        let (stopping, seen) = (&stopping, &seen);
        let writers: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn(move || {
                    let new = if number % 2 == 0 { Writer::new } else { Writer::with_fresh_connections };
                    let mut writer = new(order, 1);
                    loop {
                        match writer.place_order() {
                            Ok(answer) => _ = answer.with_status(201),
                            Err(Broken::Torn(error)) => panic!("an answer broke off: {error}"),
                            Err(Broken::Unanswered(error)) => {
                                assert!(stopping.load(Ordering::SeqCst), "before SIGTERM: {error}");
                                break writer.placed;
                            }
                        }
                        seen.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        until("100 orders", DEADLINE, || seen.load(Ordering::Relaxed) >= 100);
        stopping.store(true, Ordering::SeqCst);
        pasar.stop("TERM");
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    let stored = Stored::open(&folder.database());
    stored.assert_holds(&placed);
    // No order exists whose client got no answer.
    assert_eq!(stored.count("SELECT count(*) FROM orders"), placed.len());
    stored.assert_sound();
}

#[test]
fn an_acknowledged_order_survives_sigkill_at_any_moment() {
    const WRITERS: i64 = 16;
    let kills = kills();
    let folder = Folder::new();
    let mut pasar = folder.start();
    for user in 2..=WRITERS {
        let made = post(pasar.user(), "/users", &json!({"name": format!("User {user}")})).expect(201);
        assert_eq!(made["id"], user);
    }
    let mut all: Vec<Placed> = Vec::new();
    for round in 0..kills {
        let service = pasar.order();
        let seen = AtomicUsize::new(0);
        let writers: Vec<Writer> = std::thread::scope(|scope| {
            let seen = &seen;
            let writers: Vec<_> = (1..=WRITERS)
                .map(|user| {
                    scope.spawn(move || {
                        let mut writer = Writer::new(service, user);
                        if keyed(user) {
                            writer = writer.with_keys(format!("{round}-{user}"));
                        }
                        while let Ok(answer) = writer.place_order() {
                            answer.expect(201);
                            seen.fetch_add(1, Ordering::Relaxed);
                        }
                        writer
                    })
                })
                .collect();
            until("the first order", DEADLINE, || seen.load(Ordering::Relaxed) > 0);
            // The moment of the kill is random on purpose; this sleep waits for nothing.
            std::thread::sleep(Duration::from_millis(fastrand::u64(5..=150)));
            pasar.kill();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });

        pasar = folder.start();
        let stored = Stored::open(&folder.database());
        stored.assert_holds(writers.iter().flat_map(|writer| &writer.placed));
        stored.assert_sound();
        let mut http = Http::new(pasar.order(), true);
        for mut writer in writers {
            // The latest orders are the ones that a kill could damage.
            for order in writer.placed.iter().rev().take(5) {
                let Some(key) = &order.key else { continue };
                let again =
                    http.send("POST", "/orders", Some(key), Some(&order_of(order.user))).unwrap().with_status(201);
                assert_eq!((id(&again), again.header("idempotent-replayed")), (order.id, "true"), "{order:?}");
            }
            // The order in flight may be lost or kept, but its key makes exactly one order.
            if let Some(key) = writer.key() {
                let user = writer.user;
                let mut retry =
                    || http.send("POST", "/orders", Some(&key), Some(&order_of(user))).unwrap().with_status(201);
                let (first, second) = (retry(), retry());
                assert_eq!((id(&second), second.header("idempotent-replayed")), (id(&first), "true"));
                writer.placed.push(Placed { id: id(&first), user, key: Some(key) });
            }
            all.append(&mut writer.placed);
        }
    }
    pasar.stop("TERM");
    let stored = Stored::open(&folder.database());
    stored.assert_holds(&all);
    stored.assert_sound();
    // Every request of these users had a key, and every key was answered in the end.
    for user in (1..=WRITERS).filter(|user| keyed(*user)) {
        let keys = all.iter().filter(|order| order.user == user).count();
        assert_eq!(stored.count(&format!("SELECT count(*) FROM orders WHERE user_id = {user}")), keys, "user {user}");
    }
    assert!(all.len() >= kills * 16, "{kills} kills hit only {} orders: that proves little", all.len());
}

fn keyed(user: i64) -> bool {
    user % 2 == 0
}
