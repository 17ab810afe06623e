//! Orders and payments agree in the end, and clients get answers in time, although calls between services fail in
//! every way of networks and gateways, and services are killed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::clients::{self, Answered, Client, Findings, PRICE, Shared, keyed};
use super::invariants::{ALWAYS_FORBIDDEN, FORBIDDEN_WHEN_IDLE};
use super::lifecycle::{IDLE_TIMEOUT, SetOnDrop, wait_until_idle};
use super::load::Stored;
use super::proxy::Proxies;
use crate::support::binary::{APART, Shop, until};
use crate::support::blocking::post;

const CLIENTS: i64 = 16;
/// More than all clients can order, so that no refusal for lack of stock is right.
const STOCK: i64 = 1_000_000_000;
/// Short, so that orders and payments expire while clients use them.
const FLAGS: &[&str] = &["--demo=off", "--order-ttl=5s", "--payment-window=2s", "--sweep=200ms"];
/// How often the delay of the machine is measured.
const PROBE_INTERVAL: Duration = Duration::from_millis(20);
/// Calls after which all work must end, and the database is checked.
const ROUND: usize = 20_000;
/// The longest that the clients may need for the calls between two kills.
const PATIENCE: Duration = Duration::from_secs(600);

/// Measures the delay of the machine: how much later than requested a thread wakes up.
fn measure_delay(over: &AtomicBool, behind: &AtomicU64) {
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        std::thread::sleep(PROBE_INTERVAL);
        behind.fetch_max((began.elapsed() - PROBE_INTERVAL).as_millis() as u64, Ordering::Relaxed);
    }
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |number| number.parse().unwrap())
}

#[test]
fn orders_and_payments_agree_after_failures_of_every_call_between_services() {
    let (calls, kills) = (number("PASAR_FAULT_CALLS", 5_000), number("PASAR_FAULT_KILLS", 5));
    let mut proxies = Proxies::bind(APART.len());
    let peers = ["user", "product", "order", "payment"].iter().zip(proxies.addresses());
    let flags: Vec<_> = peers.map(|(service, address)| format!("--{service}-url=http://{address}")).collect();
    let flags: Vec<_> = FLAGS.iter().copied().chain(flags.iter().map(String::as_str)).collect();
    let mut shop = Shop::start(APART, &flags);
    proxies.forward(&[shop.user(), shop.product(), shop.order(), shop.payment()]);
    let products = std::array::from_fn(|at| {
        let product = json!({"name": clients::name(at), "price": PRICE, "stock": STOCK});
        post(shop.product(), "/products", &product).expect(201)["product"]["id"].as_i64().unwrap()
    });
    for user in 1..=CLIENTS {
        let made = post(shop.user(), "/users", &json!({"name": clients::user_name(user)})).expect(201);
        assert_eq!(made["id"], user);
    }
    let (findings, behind) = (Findings::default(), AtomicU64::new(0));
    let (mut answered, mut killed) = (Answered::default(), 0);
    let rounds = calls.div_ceil(ROUND);
    for round in 1..=rounds {
        proxies.fail(true);
        let over = AtomicBool::new(false);
        let (order, payment) = (shop.order(), shop.payment());
        let shared = &Shared { order, payment, products, round, over: &over, findings: &findings, behind: &behind };
        std::thread::scope(|scope| {
            let closing = SetOnDrop(&over);
            scope.spawn(|| measure_delay(&over, &behind));
            let clients: Vec<_> =
                (1..=CLIENTS).map(|user| scope.spawn(move || Client::new(shared, user).run())).collect();
            while killed < kills * round / rounds {
                let next = calls * (killed + 1) / (kills + 1);
                until("the calls between two kills", PATIENCE, || proxies.calls() >= next);
                shop.kill_one();
                killed += 1;
                findings.add_stored(Stored::open(&shop.folder.database()).violations(ALWAYS_FORBIDDEN), "after a kill");
            }
            until("the calls of this round", PATIENCE, || proxies.calls() >= calls * round / rounds);
            drop(closing);
            clients.into_iter().for_each(|client| answered.add(client.join().unwrap()));
        });
        proxies.fail(false);
        until("delayed calls have arrived", IDLE_TIMEOUT, || proxies.in_flight() == 0);
        let stored = Stored::open(&shop.folder.database());
        for wrong in
            [wait_until_idle(&stored), stored.violations(ALWAYS_FORBIDDEN), stored.violations(FORBIDDEN_WHEN_IDLE)]
        {
            findings.add_stored(wrong, "when idle");
        }
        stored.assert_sound();
        stored.assert_holds(&answered.placed);
        // Each order with a key was answered in the end, and exists once.
        for user in (1..=CLIENTS).filter(|user| keyed(*user)) {
            let made = stored.count(&format!("SELECT count(*) FROM orders WHERE user_id = {user}"));
            assert_eq!(made, answered.placed.iter().filter(|order| order.user == user).count(), "user {user}");
        }
        answered.assert_shown(&shop, &findings);
    }
    shop.stop();
    let findings = findings.0.into_inner().unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
    for (fault, times) in proxies.faults() {
        assert!(times > calls / 100, "{fault:?} happened {times} times in {calls} calls: too few for this test");
    }
}
