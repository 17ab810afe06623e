//! `pasar verify` on running services: it finds what was damaged, names it, and finds nothing else.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;
use std::sync::Mutex;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::PATIENCE;
use crate::support::binary::{APART, Folder, Pasar, Shop, TOGETHER, free_address, until};
use crate::support::blocking::{Http, post};

/// `pasar verify` for services at these addresses.
fn verify(folder: &Folder, addresses: [SocketAddr; 4], args: &[&str]) -> Output {
    verify_with(folder, addresses, args, &[])
}

/// The same with these variables.
fn verify_with(folder: &Folder, addresses: [SocketAddr; 4], args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = folder.pasar(&[&["verify"], args].concat());
    for (variable, address) in ["USER_ADDR", "PRODUCT_ADDR", "ORDER_ADDR", "PAYMENT_ADDR"].iter().zip(addresses) {
        command.env(variable, address.to_string());
    }
    // The payment service may share the address of the order service.
    if addresses[2] == addresses[3] {
        command.env_remove("PAYMENT_ADDR");
    }
    command.envs(variables.iter().copied()).output().unwrap()
}

/// The exit code, and the reports.
fn reports(output: &Output) -> (i32, Vec<Value>) {
    let text = String::from_utf8_lossy(&output.stdout);
    let reports = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code().unwrap(), reports)
}

fn names_of(reports: &[Value], verdict: &str) -> BTreeSet<String> {
    let those = reports.iter().filter(|report| report["holds"] == verdict);
    those.map(|report| report["name"].as_str().unwrap().to_owned()).collect()
}

fn put(service: SocketAddr, path: &str, body: Option<&Value>) -> Value {
    let sent = Http::new(service, false).send("PUT", path, None, body);
    sent.unwrap_or_else(|broken| panic!("PUT {path}: {broken:?}")).expect(200)
}

fn post_once(service: SocketAddr, path: &str, key: &str, body: &Value) -> Value {
    let sent = Http::new(service, false).send("POST", path, Some(key), Some(body));
    sent.unwrap_or_else(|broken| panic!("POST {path}: {broken:?}")).expect(201)
}

/// Five orders: confirmed, paid, cancelled before and after it was paid, and pending. Product 4 has stock, user 2 an account.
fn trade([user, product, order, payment]: [SocketAddr; 4]) {
    let siti = json!({"name": "Siti", "email": "siti@example.com", "password": "tiga ekor kucing"});
    assert_eq!(post(user, "/auth/register", &siti).expect(201)["user"]["id"], 2);
    let coffee = json!({"name": "Kopi", "price": 20_000, "stock": 10});
    assert_eq!(post(product, "/products", &coffee).expect(201)["product"]["id"], 4);
    let pays = |id: i64| {
        post_once(payment, "/payments", &format!("payment of {id}"), &json!({"order_id": id, "method": "qris"}));
        post(payment, "/payments/confirm", &json!({"order_id": id})).expect(200);
    };
    for (id, product_id, quantity) in [(1, 4, 2), (2, 4, 3), (3, 4, 1), (4, 4, 1), (5, 1, 1)] {
        let items =
            json!({"user_id": 1, "items": [{"product_id": product_id, "quantity": quantity}, {"product_id": 2}]});
        assert_eq!(post_once(order, "/orders", &format!("order {id}"), &items)["id"], id);
        if [1, 2, 4].contains(&id) {
            pays(id);
        }
        match id {
            1 => drop(put(order, "/orders/1/confirm", None)),
            3 | 4 => drop(put(order, &format!("/orders/{id}/status"), Some(&json!({"status": "cancelled"})))),
            _ => {}
        }
    }
}

/// Waits until all invariants hold, and returns the reports.
#[track_caller]
pub fn until_all_hold(folder: &Folder, addresses: [SocketAddr; 4]) -> Vec<Value> {
    let mut last = Vec::new();
    until("all invariants hold", PATIENCE, || {
        let (code, reports) = reports(&verify(folder, addresses, &["--json"]));
        assert_eq!((code, names_of(&reports, "broken")), (0, BTreeSet::new()), "{reports:#?}");
        last = reports;
        names_of(&last, "owed").is_empty()
    });
    last
}

/// The addresses of all services.
pub fn addresses(pasar: &Pasar) -> [SocketAddr; 4] {
    [pasar.user(), pasar.product(), pasar.order(), pasar.payment()]
}

/// A damage: what is executed, which invariants it breaks, and a row that the first of them names.
const DAMAGES: &[(&str, &[&str], &str)] = &[
    ("UPDATE orders SET total_price = total_price + 1 WHERE id = 5", &["order_totals"], "5"),
    ("UPDATE orders SET items = '[]' WHERE id = 5", &["order_totals"], "5"),
    ("DELETE FROM order_history WHERE order_id = 1 AND status = 'paid'", &["order_history"], "1"),
    ("INSERT INTO order_history VALUES (77, 'paid', 1)", &["order_history"], "77"),
    ("UPDATE orders SET status = 'lost' WHERE id = 3", &["order_history", "order_counts"], "3"),
    ("UPDATE orders SET paid_by = NULL WHERE id = 2", &["order_paid_by", "payment_of_order"], "2"),
    ("UPDATE orders SET expires_at = 9000000000000 WHERE id = 1", &["order_deadlines"], "1"),
    (
        "UPDATE orders SET reservation = NULL WHERE id = 2",
        &["order_reservations", "order_of_reservation"],
        "2",
    ),
    ("UPDATE idempotency_keys SET answer = '{\"id\": 77}' WHERE key = 'order 1'", &["order_keys"], "order 1"),
    ("INSERT INTO open_orders (user_id, order_id, units) VALUES (1, 1, 2)", &["order_quota"], "1"),
    ("UPDATE order_counts SET count = count + 5 WHERE status = 'paid'", &["order_counts"], "paid"),
    (
        "INSERT INTO intents (id, service, action, target, attempts, not_before, parked)
         VALUES (900, 'order', 'unknown', 'x', 1, 0, 1)",
        &["order_jobs"],
        "900",
    ),
    (
        "INSERT INTO outbox (subscriber, id, key, event, parked) VALUES ('order.figures', 900, 'order:1', '{}', 1)",
        &["order_events"],
        "order.figures 900",
    ),
    (
        "INSERT INTO payments (id, order_id, user_id, amount, method, status, created_at, expires_at)
         SELECT 900, 3, user_id, amount, method, 'expired', created_at, expires_at FROM payments WHERE id = 1;
         INSERT INTO payments (id, order_id, user_id, amount, method, status, created_at, expires_at)
         SELECT 901, 3, 1, total_price, 'qris', 'expired', 1, 2 FROM orders WHERE id = 3",
        &["payment_single"],
        "901",
    ),
    ("UPDATE payments SET expires_at = created_at WHERE id = 1", &["payment_deadlines"], "1"),
    ("UPDATE payments SET method = 'gold' WHERE id = 1", &["payment_status"], "1"),
    ("UPDATE payments SET status = 'confirming' WHERE id = 2", &["payment_settlement", "payment_of_order"], "2"),
    ("UPDATE idempotency_keys SET answer = '{\"id\": 1, \"order_id\": 2}' WHERE key = 'payment of 1'", &["payment_keys"], "payment of 1"),
    ("UPDATE products SET stock = stock + 1 WHERE id = 4", &["stock_levels"], "4"),
    ("UPDATE products SET stock = -1, received = reserved + sold - 1 WHERE id = 4", &["stock_levels"], "4"),
    ("UPDATE products SET reserved = reserved + 1, stock = stock - 1 WHERE id = 4", &["stock_reserved"], "4"),
    ("UPDATE products SET sold = sold + 1, stock = stock - 1 WHERE id = 4", &["stock_sold"], "4"),
    ("UPDATE reservations SET ended_at = 1 WHERE key = (SELECT reservation FROM orders WHERE id = 2)", &["reservations"], "RESERVATION 2"),
    ("UPDATE users SET email_key = NULL WHERE id = 2", &["user_emails", "user_accounts"], "2"),
    ("UPDATE accounts SET role = 'king' WHERE user_id = 2", &["user_accounts"], "2"),
    ("DELETE FROM notifications WHERE user_id = 1 AND id = 1", &["user_notifications"], "1"),
    (
        "INSERT INTO notifications SELECT 1, max(id) + 1, 1, 'paid', 1 FROM notifications WHERE user_id = 1",
        &["user_notified_once"],
        "1 1",
    ),
    (
        "UPDATE reservations SET state = 'released', ended_at = 1 WHERE key = (SELECT reservation FROM orders WHERE id = 2);
         UPDATE products SET reserved = reserved - 3, stock = stock + 3 WHERE id = 4",
        &["reservation_of_order"],
        "2",
    ),
    (
        "UPDATE reservations SET state = 'held', ended_at = NULL WHERE key = (SELECT reservation FROM orders WHERE id = 3);
         UPDATE products SET reserved = reserved + 1, stock = stock - 1 WHERE id = 4",
        &["reservation_of_order"],
        "3",
    ),
    (
        "INSERT INTO reservations VALUES ('00000000-0000-7000-8000-000000000001', 'held', NULL);
         INSERT INTO reservation_items VALUES ('00000000-0000-7000-8000-000000000001', 4, 'Kopi', 1, 1, 1);
         UPDATE products SET reserved = reserved + 1, stock = stock - 1 WHERE id = 4",
        &["order_of_reservation"],
        "00000000-0000-7000-8000-000000000001",
    ),
    ("UPDATE orders SET paid_by = 77 WHERE id = 2", &["payment_of_order"], "2"),
    ("UPDATE payments SET status = 'refunded' WHERE id = 1", &["payment_of_order"], "1"),
    ("UPDATE payments SET amount = 1 WHERE id = 1", &["amount_of_payment"], "1"),
    ("UPDATE orders SET user_id = 99 WHERE id = 5", &["user_of_order", "order_keys"], "5"),
];

/// Executes the damage in a copy of the database, on which services run, and lets them be verified.
fn find_damage(sound: &Path, (sql, broken, row): (&str, &[&str], &str)) {
    let folder = Folder::new();
    std::fs::copy(sound, folder.database()).unwrap();
    let pasar = folder.start();
    let damaged = Connection::open(folder.database()).unwrap();
    damaged.busy_timeout(PATIENCE).unwrap();
    damaged.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    damaged.execute_batch(sql).unwrap();
    let row = match row.strip_prefix("RESERVATION ") {
        Some(order) => {
            let key = "SELECT reservation FROM orders WHERE id = ?1";
            damaged.query_row(key, [order], |row| row.get::<_, String>(0)).unwrap()
        }
        None => row.to_owned(),
    };
    let mut found = (0, Vec::new());
    // A process that starts retries parked jobs, and parks this one again.
    until(sql, PATIENCE, || {
        found = reports(&verify(&folder, addresses(&pasar), &["--json"]));
        found.0 != 0
    });
    let (code, reports) = found;
    let expected: BTreeSet<_> = broken.iter().map(|&name| name.to_owned()).collect();
    assert_eq!((code, names_of(&reports, "broken")), (1, expected), "{sql}: {reports:#?}");
    let first = reports.iter().find(|report| report["name"] == broken[0]).unwrap();
    assert!(first["rows"].as_array().unwrap().contains(&json!(row)), "{sql}: {first:#}");
    assert!(first["what_to_do"].as_str().unwrap().ends_with('.'), "{first:#}");
    pasar.stop("TERM");
}

#[test]
fn each_damage_is_found_by_its_name_and_row() {
    let folder = Folder::new();
    let pasar = folder.start();
    trade(addresses(&pasar));
    let sound = until_all_hold(&folder, addresses(&pasar));
    let checked: BTreeSet<_> = sound.iter().map(|report| report["name"].as_str().unwrap()).collect();
    let damaged: BTreeSet<_> = DAMAGES.iter().flat_map(|(_, names, _)| names.iter().copied()).collect();
    let covered: BTreeSet<_> = damaged.iter().filter(|name| checked.contains(*name)).copied().collect();
    assert_eq!(covered, damaged, "the names that damages are expected under");
    let untried = ["payment_events", "payment_jobs", "product_events", "user_events"];
    assert_eq!(checked.difference(&damaged).copied().collect::<Vec<_>>(), untried, "they share their code with others");
    pasar.stop("TERM");
    // Each waits for some seconds, so some at once.
    let left = Mutex::new(DAMAGES.iter());
    let sound = folder.database();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().next();
                    let Some(damage) = next else { break };
                    find_damage(&sound, *damage);
                }
            });
        }
    });
}

#[test]
fn each_service_may_be_a_process_of_its_own() {
    let shop = Shop::start(APART, &[]);
    let addresses = [shop.user(), shop.product(), shop.order(), shop.payment()];
    trade(addresses);
    let reports = until_all_hold(&shop.folder, addresses);
    let of = |name: &str| reports.iter().find(|report| report["name"] == name).unwrap()["figures"].clone();
    assert_eq!(of("payment_of_order"), json!({"orders": 5, "paid": 2, "reservations": 4, "rupiah": 6_100_000}));
    assert_eq!(of("stock_levels"), json!({"on_hand": 5, "received": 10, "reserved": 3, "sold": 2}));
    let text = verify(&shop.folder, addresses, &[]);
    assert_eq!(text.status.code(), Some(0), "{text:?}");
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("✓ good       product  stock_levels"), "{text}");
    assert!(text.ends_with("invariants hold, 0 under way, 0 broken.\n"), "{text}");
    // The payment service is not where the order service is.
    let [user, product, order, _] = addresses;
    let lost = verify(&shop.folder, [user, product, order, order], &[]);
    assert_eq!(lost.status.code(), Some(2), "{lost:?}");
    assert!(String::from_utf8_lossy(&lost.stderr).contains("PAYMENT_URL"), "{lost:?}");
    shop.stop();
}

#[test]
fn what_can_not_be_read_is_neither_sound_nor_broken() {
    let folder = Folder::new();
    let nobody = verify(&folder, [(); 4].map(|()| free_address()), &["--json"]);
    assert_eq!((nobody.status.code(), nobody.stdout.len()), (Some(2), 0), "{nobody:?}");
    assert!(String::from_utf8_lossy(&nobody.stderr).starts_with("pasar: the user service: "), "{nobody:?}");
}

#[test]
fn where_one_has_to_log_in_the_secret_is_enough() {
    let shop = Shop::start(TOGETHER, &["--auth=required"]);
    let addresses = [shop.user(), shop.product(), shop.order(), shop.payment()];
    let refused = verify(&shop.folder, addresses, &[]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("token_missing"), "{refused:?}");
    let verified = verify_with(&shop.folder, addresses, &[], &[("AUTH", "required")]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    let elsewhere = verify_with(&Folder::new(), addresses, &[], &[("AUTH", "required")]);
    assert_eq!(elsewhere.status.code(), Some(2), "{elsewhere:?}");
    assert!(String::from_utf8_lossy(&elsewhere.stderr).contains("JWT_SECRET"), "{elsewhere:?}");
    shop.stop();
}
