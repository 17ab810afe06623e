//! Faults that are armed under load, with one process and with one for each service: the receipt of each says what a
//! proxy between the services has seen, or its client, and nothing is lost or doubled.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::load::Stored;
use super::proxy::Proxies;
use crate::support::binary::{APART, Layout, Shop, TOGETHER, until};
use crate::support::blocking::{Http, get, post};

const PATIENCE: Duration = Duration::from_secs(120);
/// What a proxy gets of a call that each fault strikes.
const BETWEEN_SERVICES: [(&str, usize); 8] = [
    ("delay", 1),
    ("refuse", 0),
    ("hang", 0),
    ("error", 0),
    ("nonsense", 0),
    ("not_found", 0),
    ("lose_answer", 1),
    ("twice", 2),
];

fn times() -> u64 {
    std::env::var("PASAR_FAULTS").map_or(100, |times| times.parse().unwrap())
}

fn arm(at: SocketAddr, fault: &Value) {
    Http::new(at, false).send("PUT", "/faults/f", None, Some(fault)).unwrap().expect(200);
}

/// Removes the fault and returns its receipt.
fn remove(at: SocketAddr) -> Value {
    Http::new(at, false).send("DELETE", "/faults/f", None, None).unwrap().expect(200)
}

fn receipt(at: SocketAddr) -> Value {
    get(at, "/faults").expect(200)["faults"].as_array().unwrap().iter().find(|one| one["name"] == "f").unwrap().clone()
}

/// Customers who order, pay, cancel and are late, until they are stopped.
struct Load(Child);

impl Load {
    fn start(shop: &Shop) -> Self {
        let args = ["load", "--customers=16", "--duration=1h", "--mix=order=6,cancel=1,late=1", "--json"];
        let mut command = shop.pasar(&args);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Ends it. It must have found that everything acknowledged is so, and that all invariants hold.
    fn stop(self) -> Value {
        let sent = Command::new("/bin/sh").args(["-c", &format!("kill -INT {}", self.0.id())]).status();
        assert!(sent.unwrap().success(), "SIGINT could not be sent");
        let output = self.0.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// The spans of the calls that a receipt names.
fn struck(at: SocketAddr, receipt: &Value) -> BTreeSet<String> {
    let calls = receipt["calls"].as_array().unwrap();
    let span = |fired: &Value| {
        let call = get(at, &format!("/calls/{}", fired["call"])).expect(200);
        assert_eq!((&call["fault"], &call["trace"]), (&receipt["kind"], &fired["trace"]), "{call}");
        call["span"].as_str().unwrap().to_owned()
    };
    calls.iter().map(span).collect()
}

/// The receipt of a fault between two services is what the proxy between them has seen. `twice`: what was sent twice.
fn check_between_services(shop: &Shop, proxies: &Proxies, (from, to): (&str, &str), twice: &mut BTreeSet<String>) {
    let at = if from == "order" { shop.order() } else { shop.payment() };
    // A receipt names so many calls.
    let times = times().min(100);
    for (kind, forwarded) in BETWEEN_SERVICES {
        let fault = json!({"from": from, "to": to, "kind": kind, "delay_ms": 20, "times": times, "percent": 30});
        arm(at, &fault);
        until(&format!("{from} to {to}: {kind} is spent"), PATIENCE, || receipt(at)["spent"] == true);
        let receipt = remove(at);
        assert_eq!(receipt["fired"], times, "{receipt}");
        assert!(receipt["met"].as_u64() > receipt["fired"].as_u64(), "{receipt}");
        let struck = struck(at, &receipt);
        assert_eq!(struck.len() as u64, times, "each on a call of its own: {receipt}");
        // What is under way ends: no call takes longer than its budget.
        let seen = || {
            let spans = proxies.spans();
            struck.iter().map(|span| spans.get(span).copied().unwrap_or(0)).collect::<BTreeSet<_>>()
        };
        until(&format!("{from} to {to}: {kind} was forwarded"), PATIENCE, || seen() == [forwarded].into());
        if kind == "twice" {
            twice.extend(struck);
        }
        let repeated = proxies.spans().into_iter().filter(|(_, times)| *times > 1).map(|(span, _)| span);
        assert_eq!(repeated.collect::<BTreeSet<_>>(), *twice, "nothing else was sent twice");
    }
}

/// The receipt of a fault of clients is what these clients have seen.
fn check_clients(shop: &Shop) {
    let order = shop.order();
    let path = "/orders/1/tracking";
    for kind in ["refuse", "error", "nonsense", "not_found", "lose_answer"] {
        let fault = json!({"from": "client", "to": "order", "kind": kind, "path": "/orders/{id}/tracking",
                           "times": times(), "percent": 50});
        arm(order, &fault);
        let mut felt = 0;
        while receipt(order)["spent"] != true {
            let is_felt = match (kind, Http::new(order, false).send("GET", path, None, None)) {
                ("refuse" | "lose_answer", answer) => answer.is_err(),
                ("error", answer) => answer.is_ok_and(|answer| answer.status == 500 && answer.body.is_empty()),
                ("nonsense", answer) => answer.is_ok_and(|answer| answer.status == 200 && answer.body[0] == b'<'),
                (_, answer) => answer.is_ok_and(|answer| answer.status == 404 && answer.body[0] == b'4'),
            };
            felt += u64::from(is_felt);
        }
        assert_eq!(remove(order)["fired"], felt, "{kind}");
    }
    // Who sends an order again with its key gets the order that was placed.
    let lose = json!({"from": "client", "to": "order", "kind": "lose_answer", "method": "POST", "path": "/orders",
                      "times": times()});
    arm(order, &lose);
    let mut client = Http::new(order, false);
    let (mut lost, mut number) = (0, 0);
    while receipt(order)["spent"] != true {
        number += 1;
        let (key, new) = (format!("lost-{number}"), json!({"user_id": 1, "product_id": 1}));
        let first = client.send("POST", "/orders", Some(&key), Some(&new));
        lost += u64::from(first.is_err());
        // The load is struck, too, and so is this retry.
        let again = std::iter::from_fn(|| Some(client.send("POST", "/orders", Some(&key), Some(&new))))
            .find_map(Result::ok)
            .unwrap();
        if first.is_err() {
            assert_eq!(again.header("idempotent-replayed"), "true", "{}", again.text());
        }
        again.expect(201);
    }
    assert!(lost > 0, "the load was struck alone");
    remove(order);
}

fn faults_leave_nothing_behind(layout: Layout) {
    let mut proxies = Proxies::bind(APART.len());
    let peers = ["user", "product", "order", "payment"].iter().zip(proxies.addresses());
    let flags: Vec<_> = peers.map(|(service, address)| format!("--{service}-url=http://{address}")).collect();
    let flags: Vec<_> =
        flags.iter().map(String::as_str).chain(["--payment-window=1s", "--recorded-calls=100000"]).collect();
    let shop = Shop::start(layout, &flags);
    proxies.forward(&[shop.user(), shop.product(), shop.order(), shop.payment()]);
    let stock = json!({"name": "Kopi Gayo", "price": 45_000, "stock": 100_000_000});
    post(shop.product(), "/products", &stock).expect(201);
    post(shop.order(), "/orders", &json!({"user_id": 1, "product_id": 1})).expect(201);
    let load = Load::start(&shop);

    let mut twice = BTreeSet::new();
    check_between_services(&shop, &proxies, ("order", "product"), &mut twice);
    check_between_services(&shop, &proxies, ("payment", "order"), &mut twice);
    check_clients(&shop);
    arm(shop.user(), &json!({"from": "events", "to": "user", "kind": "twice", "times": times()}));
    until("events were delivered twice", PATIENCE, || receipt(shop.user())["spent"] == true);
    assert_eq!(remove(shop.user())["fired"], times());
    arm(shop.product(), &json!({"from": "anybody", "to": "product", "kind": "stop"}));
    until("a stopped service was called", PATIENCE, || receipt(shop.product())["fired"].as_u64() > Some(2));
    let refused = Http::new(shop.product(), false).send("GET", "/products/1", None, None);
    assert!(refused.is_err(), "a stopped service has answered");
    remove(shop.product());
    get(shop.product(), "/products/1").expect(200);

    let report = load.stop();
    assert!(report["orders"]["acknowledged"].as_u64() > Some(100), "{report}");
    let stored = Stored::open(&shop.folder.database());
    let twice = "SELECT count(*) FROM
        (SELECT 1 FROM notifications GROUP BY user_id, order_id, status HAVING count(*) > 1)";
    assert_eq!(stored.count(twice), 0, "notifications of an event that was delivered twice");
    shop.stop();
}

#[test]
fn armed_faults_fire_as_their_receipts_say_in_one_process() {
    faults_leave_nothing_behind(TOGETHER);
}

#[test]
fn armed_faults_fire_as_their_receipts_say_with_a_process_for_each_service() {
    faults_leave_nothing_behind(APART);
}
