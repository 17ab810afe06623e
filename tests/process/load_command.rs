//! The command that acts as customers: what it reports agrees with the database, whatever happens to the services.

use std::process::{Command, Output};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use super::invariants::{ALWAYS_FORBIDDEN, FORBIDDEN_WHEN_IDLE, IN_PROGRESS};
use super::load::Stored;
use crate::support::binary::{APART, Folder, Shop, TOGETHER, run, until};
use crate::support::blocking::post;

/// More than the lease of a job that a killed process began.
const PATIENCE: Duration = Duration::from_secs(60);
const MIX: &str = "--mix=browse=2,order=4,cancel=2,late=2";

/// A shop with a product that tracks stock, beside those that do not.
fn shop(layout: &'static [&'static [&'static str]]) -> Shop {
    let shop = Shop::start(layout, &["--payment-window=1s"]);
    let stock = json!({"name": "Kopi Gayo", "price": 45_000, "stock": 1_000_000});
    post(shop.product(), "/products", &stock).expect(201);
    shop
}

/// The report of a command that has ended with this code.
#[track_caller]
fn report(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Asserts that the orders of a report are those in the database, and that nothing there contradicts anything else.
#[track_caller]
fn assert_agrees(report: &Value, stored: &Stored) {
    for (name, query) in IN_PROGRESS {
        until(name, PATIENCE, || stored.count(query) == 0);
    }
    let orders = &report["orders"];
    let count = |name: &str| usize::try_from(orders[name].as_u64().unwrap()).unwrap();
    assert_eq!(stored.count("SELECT count(*) FROM orders"), count("acknowledged"), "{orders}");
    assert_eq!((count("found"), count("unclear"), count("unknown")), (count("acknowledged"), 0, 0), "{orders}");
    for status in ["paid", "cancelled", "failed", "expired"] {
        let query = format!("SELECT count(*) FROM orders WHERE status = '{status}'");
        assert_eq!(stored.count(&query), count(status), "{status}: {orders}");
    }
    assert_eq!(report["complete"], true, "{orders}");
    stored.assert_none(ALWAYS_FORBIDDEN);
    stored.assert_none(FORBIDDEN_WHEN_IDLE);
}

/// The sum of a number over all kinds of calls.
fn sum(report: &Value, name: &str) -> u64 {
    report["calls"].as_array().unwrap().iter().map(|call| call[name].as_u64().unwrap()).sum()
}

#[test]
fn customers_find_what_was_acknowledged() {
    let shop = shop(TOGETHER);
    let output = shop.pasar(&["load", "--customers=4", "--duration=3s", MIX, "--json"]).output().unwrap();
    let report = report(&output, 0);
    assert_agrees(&report, &Stored::open(&shop.folder.database()));
    let calls = report["calls"].as_array().unwrap();
    let made: Vec<_> = calls.iter().filter(|call| call["calls"].as_u64() > Some(0)).map(|call| &call["kind"]).collect();
    assert_eq!(json!(made), json!(["browse", "order", "pay", "confirm", "cancel"]));
    for became in ["paid", "cancelled", "expired"] {
        assert!(report["orders"][became].as_u64() > Some(0), "none is {became}: {report}");
    }
    let in_buckets: u64 =
        report["histogram"].as_array().unwrap().iter().map(|one| one["calls"].as_u64().unwrap()).sum();
    assert_eq!(in_buckets, sum(&report, "calls"));
    let stored = Stored::open(&shop.folder.database());
    assert!(stored.count("SELECT count(*) FROM reservations") > 0, "no order was of a product that tracks stock");
    shop.stop();
}

#[test]
fn people_get_a_table_and_arrivals_come_at_the_rate() {
    let shop = shop(TOGETHER);
    let args = ["load", "--rate=20", "--duration=1s", "--mix=browse=1,order=1"];
    let output = shop.pasar(&args).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let line = |start: &str| said.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{said}"));
    assert!(line("16 customers").contains("20 arrivals a second"), "{said}");
    let begun: u64 = line("16 customers").split(": ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((1..=20).contains(&begun), "{said}");
    for start in ["call ", "browse ", "order ", "pay ", "confirm ", "latency of all calls", "All are what"] {
        line(start);
    }
    assert!(said.contains('#') && !said.contains("cancel "), "{said}");
    shop.stop();
}

#[test]
fn nothing_is_lost_or_doubled_while_services_are_killed() {
    let mut shop = shop(APART);
    let stored = Stored::open(&shop.folder.database());
    let mut command = shop.pasar(&["load", "--customers=8", "--duration=4s", MIX, "--json"]);
    let output = std::thread::scope(|scope| {
        let load = scope.spawn(|| command.output().unwrap());
        wait_for_orders(&stored, &load);
        for _ in 0..5 {
            shop.kill_one();
        }
        load.join().unwrap()
    });
    let report = report(&output, 0);
    assert!(sum(&report, "retried") > 0, "no kill was felt: {report}");
    assert_eq!(sum(&report, "unclear"), 0, "{report}");
    assert_agrees(&report, &stored);
    shop.stop();
}

fn wait_for_orders(stored: &Stored, load: &ScopedJoinHandle<'_, Output>) {
    until("paid orders", PATIENCE, || {
        assert!(!load.is_finished(), "it has ended without paid orders");
        stored.count("SELECT count(*) FROM orders WHERE status = 'paid'") >= 3
    });
}

#[test]
fn an_order_that_is_lost_is_named() {
    let shop = shop(TOGETHER);
    let stored = Stored::open(&shop.folder.database());
    let mut command = shop.pasar(&["load", "--customers=2", "--duration=2s", "--mix=order=1"]);
    let (lost, output) = std::thread::scope(|scope| {
        let load = scope.spawn(|| command.output().unwrap());
        wait_for_orders(&stored, &load);
        let lost = stored.count("SELECT min(id) FROM orders WHERE status = 'paid'");
        stored.execute(&format!("DELETE FROM orders WHERE id = {lost}"));
        (lost, load.join().unwrap())
    });
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(&format!("order {lost}: it is lost\n")) && !said.contains("All are"), "{said}");
    shop.stop();
}

#[test]
fn customers_register_where_one_has_to_log_in() {
    let shop = Shop::start(TOGETHER, &["--payment-window=1s", "--auth=required"]);
    let args = ["load", "--customers=3", "--duration=2s", MIX, "--json"];
    let output = shop.pasar(&args).env("AUTH", "required").output().unwrap();
    assert_agrees(&report(&output, 0), &Stored::open(&shop.folder.database()));
    let output = shop.pasar(&args).output().unwrap();
    assert_refused(&output, "AUTH=required");
    shop.stop();
}

/// Asserts that it ended with code 2, and one line that has these words.
#[track_caller]
fn assert_refused(output: &Output, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(said.starts_with("pasar: ") && said.contains(words) && said.lines().count() == 1, "{said}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[test]
fn services_that_can_not_be_used_are_named() {
    let shop = Shop::start(TOGETHER, &["--demo=off"]);
    let load = |configure: &dyn Fn(&mut Command)| {
        let mut command = shop.pasar(&["load"]);
        configure(&mut command);
        run(&mut command)
    };
    assert_refused(&load(&|_| {}), "no products");
    let nobody = crate::support::binary::free_address();
    let output = load(&|command| {
        command.env("ORDER_URL", format!("http://{nobody}"));
    });
    assert_refused(&output, &format!("order service at http://{nobody}/ is not ready"));
    shop.stop();
}

#[test]
fn a_setting_without_meaning_is_refused() {
    let folder = Folder::new();
    for (args, named) in [
        (["load", "--rate=fast"], "--rate"),
        (["load", "--customers=1001"], "--customers"),
        (["load", "--duration=10"], "--duration"),
        (["load", "--mix=sleep=1"], "--mix"),
        (["load", "--mix=order=0"], "--mix"),
        (["load", "order"], "order"),
    ] {
        assert_refused(&run(&mut folder.pasar(&args)), named);
    }
    assert!(!folder.database().exists());
}

#[test]
fn another_service_in_the_wrong_position_is_counted_and_believed_in_nothing() {
    let shop = shop(TOGETHER);
    let mut command = shop.pasar(&["load", "--customers=2", "--duration=500ms", "--mix=order=1", "--json"]);
    let mut output = command.env("ORDER_URL", format!("http://{}", shop.user())).output().unwrap();
    // What can't be verified is said beside the report.
    let said = String::from_utf8(std::mem::take(&mut output.stderr)).unwrap();
    assert!(said.contains("the order service is not at") && said.contains("ORDER_URL"), "{said}");
    let report = report(&output, 1);
    assert_eq!(report["invariants"], Value::Null, "{report}");
    let order = report["calls"].as_array().unwrap().iter().find(|call| call["kind"] == "order").unwrap();
    assert_eq!(order["refused"]["route_not_found"], order["calls"], "{report}");
    assert_eq!(report["orders"]["acknowledged"], 0, "{report}");
    shop.stop();
}
