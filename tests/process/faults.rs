//! Orders and payments agree in the end, and clients are answered in time, though calls between the services
//! fail in every way that networks and gateways know, and services are killed meanwhile.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::books::{AT_REST, NEVER};
use super::http::{Http, post};
use super::life::{Over, REST, rest, statuses};
use super::load::{Placed, Stored};
use super::pasar::{APART, Shop, until};
use super::proxy::Proxies;

const CLIENTS: i64 = 16;
const PRODUCTS: usize = 4;
const PRICE: i64 = 45_000;
/// Enough for everybody, so that a refusal for want of stock is a lie.
const STOCK: i64 = 1_000_000_000;
/// Shorter than what many clients take, so that orders and payments expire.
const FLAGS: &[&str] = &["--order-ttl=5s", "--payment-window=2s", "--sweep=200ms"];
/// The longest that a client may wait for an answer.
const ANSWER: Duration = Duration::from_secs(3);
/// How often it is looked how far the machine is behind.
const PROBE: Duration = Duration::from_millis(20);
/// Calls after which everything has to come to rest, and is counted.
const ROUND: usize = 20_000;
/// The longest that the clients may take for the calls between two kills.
const PATIENCE: Duration = Duration::from_secs(600);

/// What clients did not expect: how often, and the first of each.
#[derive(Default)]
struct Findings(Mutex<BTreeMap<String, (usize, String)>>);

impl Findings {
    fn add(&self, what: String, example: String) {
        self.0.lock().unwrap().entry(what).or_insert((0, example)).0 += 1;
    }

    /// Adds what is wrong in the file.
    fn add_stored(&self, wrong: Vec<(usize, &str)>, moment: &str) {
        for (number, what) in wrong {
            self.add(what.to_owned(), format!("{number} {moment}"));
        }
    }
}

/// What all clients of a round share.
struct World<'a> {
    order: SocketAddr,
    payment: SocketAddr,
    products: [i64; PRODUCTS],
    round: usize,
    over: &'a AtomicBool,
    findings: &'a Findings,
    /// How far behind the machine was at the most, in milliseconds.
    behind: &'a AtomicU64,
}

/// What became of a request.
enum Outcome {
    Done(Value),
    /// 409 with this code.
    Refused(String),
    /// No answer, or that there is none for the time being.
    Unknown,
}

/// What a client was answered.
#[derive(Default)]
struct Answered {
    placed: Vec<Placed>,
    /// An order and a status that it has reached.
    reached: Vec<(i64, &'static str)>,
    /// Payments that are paid, and their orders.
    paid: Vec<(i64, i64)>,
    /// Orders that it asked to cancel, whatever the answer.
    cancelling: HashSet<i64>,
}

struct Client<'a> {
    world: &'a World<'a>,
    order: Http,
    payment: Http,
    user: i64,
    sent: usize,
    answered: Answered,
}

/// Sends a request, and compares the answer with what may be answered to it.
fn send(
    world: &World<'_>,
    http: &mut Http,
    (method, path, route): (&str, &str, &str),
    key: Option<&str>,
    body: &Value,
    refusals: &[&str],
) -> Outcome {
    let began = Instant::now();
    let Ok(answer) = http.send(method, path, key, Some(body)) else {
        // It is being started again.
        std::thread::sleep(Duration::from_millis(2));
        return Outcome::Unknown;
    };
    let took = began.elapsed();
    let behind = Duration::from_millis(world.behind.load(Ordering::Relaxed));
    let example =
        || format!("{method} {path} {body} was answered after {took:?} with {}: {}", answer.status, answer.body);
    if took > ANSWER + behind {
        world.findings.add(format!("{method} {route} answered late"), example());
    }
    if let 200 | 201 = answer.status {
        return Outcome::Done(answer.json());
    }
    let problem: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let code = problem["code"].as_str().unwrap_or("no code");
    match answer.status {
        409 if refusals.contains(&code) => return Outcome::Refused(code.to_owned()),
        503 if answer.header("retry-after").is_some() && UNAVAILABLE.contains(&code) => {}
        status => world.findings.add(format!("{method} {route} answered {status} {code}"), example()),
    }
    Outcome::Unknown
}

const UNAVAILABLE: &[&str] = &["busy", "too_slow", "storage_unavailable", "peer_unavailable", "payment_unsettled"];

impl<'a> Client<'a> {
    fn new(world: &'a World<'a>, user: i64) -> Self {
        let (order, payment) = (Http::new(world.order, true), Http::new(world.payment, true));
        Self { world, order, payment, user, sent: 0, answered: Answered::default() }
    }

    fn live(mut self) -> Answered {
        while !self.world.over.load(Ordering::Relaxed) {
            if let Some(order) = self.place() {
                self.see_through(order);
            }
        }
        self.answered
    }

    fn place(&mut self) -> Option<i64> {
        self.sent += 1;
        let key = keyed(self.user).then(|| format!("{}-{}-{}", self.user, self.world.round, self.sent));
        let first = fastrand::usize(..PRODUCTS);
        let products = (first..first + fastrand::usize(1..=3)).map(|at| self.world.products[at % PRODUCTS]);
        let items: Vec<_> =
            products.map(|product| json!({"product_id": product, "quantity": fastrand::i64(1..=3)})).collect();
        let units: i64 = items.iter().filter_map(|item| item["quantity"].as_i64()).sum();
        let body = json!({"user_id": self.user, "items": items});
        let began = Instant::now();
        loop {
            let route = ("POST", "/orders", "/orders");
            match send(self.world, &mut self.order, route, key.as_deref(), &body, &["key_under_way"]) {
                Outcome::Done(order) => {
                    let id = order["id"].as_i64().unwrap();
                    if order["total_price"] != units * PRICE || order["user_id"] != self.user {
                        self.world.findings.add("another order than was placed".to_owned(), format!("{body}: {order}"));
                    }
                    self.answered.placed.push(Placed { id, user: self.user, key });
                    return Some(id);
                }
                // With a key it can be repeated until it is answered.
                _ if key.is_some() && began.elapsed() < REST => std::thread::sleep(Duration::from_millis(20)),
                _ if key.is_some() => panic!("{key:?} was not answered within {REST:?}"),
                _ => return None,
            }
        }
    }

    fn see_through(&mut self, order: i64) {
        let by_hand = ["paid", "paid", "failed", "expired"][fastrand::usize(..4)];
        match fastrand::u8(..12) {
            // It expires.
            0 => return,
            1 => _ = self.set_status(order, "cancelled"),
            2 => _ = self.set_payment(order, by_hand),
            // A payment is open meanwhile.
            3 => {
                self.open(order);
                self.set_payment(order, by_hand);
            }
            // Two want different things at the same time.
            4 => {
                if let Some(payment) = self.open(order) {
                    let mut other = Self::new(self.world, self.user);
                    std::thread::scope(|scope| {
                        scope.spawn(|| match fastrand::bool() {
                            true => other.set_status(order, "cancelled"),
                            false => other.set_payment(order, by_hand),
                        });
                        self.confirm_payment(order, payment);
                    });
                    self.answered.add(other.answered);
                }
            }
            // It is late, or nearly.
            5 => {
                if let Some(payment) = self.open(order) {
                    std::thread::sleep(Duration::from_millis(fastrand::u64(1000..2500)));
                    self.confirm_payment(order, payment);
                }
            }
            _ => {
                if let Some(payment) = self.open(order) {
                    self.confirm_payment(order, payment);
                }
            }
        }
        match fastrand::u8(..4) {
            0 => _ = self.set_status(order, "cancelled"),
            1 => {}
            _ => {
                // Whether it may be confirmed is for the services to know.
                let _ = self.confirm(order) && self.set_status(order, "shipped") && self.set_status(order, "completed");
            }
        }
    }

    fn put(&mut self, order: i64, name: &str, body: &Value, status: &'static str) -> bool {
        let (path, route) = (format!("/orders/{order}/{name}"), format!("/orders/_/{name}"));
        let refusals = ["order_state", "payment_too_late"];
        let outcome = send(self.world, &mut self.order, ("PUT", &path, &route), None, body, &refusals);
        let Outcome::Done(shown) = outcome else { return false };
        if shown["status"] != status {
            self.world.findings.add(format!("PUT {route} answered with another status"), format!("{body}: {shown}"));
        }
        self.answered.reached.push((order, status));
        true
    }

    fn confirm(&mut self, order: i64) -> bool {
        self.put(order, "confirm", &json!({}), "confirmed")
    }

    fn set_status(&mut self, order: i64, status: &'static str) -> bool {
        if status == "cancelled" {
            self.answered.cancelling.insert(order);
        }
        self.put(order, "status", &json!({"status": status}), status)
    }

    fn set_payment(&mut self, order: i64, status: &'static str) -> bool {
        self.put(order, "payment", &json!({"payment_status": status}), status)
    }

    fn open(&mut self, order: i64) -> Option<i64> {
        let refusals = ["order_state", "payment_too_late", "payment_open"];
        let body = json!({"order_id": order});
        match send(self.world, &mut self.payment, ("POST", "/payments", "/payments"), None, &body, &refusals) {
            Outcome::Done(payment) => payment["id"].as_i64(),
            Outcome::Refused(code) => {
                self.check_refusal(order, &code, "POST /payments");
                None
            }
            Outcome::Unknown => None,
        }
    }

    /// An order that has left `pending` never comes back: whoever was refused for its status must not find it there.
    fn check_refusal(&mut self, order: i64, code: &str, route: &str) {
        let shown = self.order.send("GET", &format!("/orders/{order}"), None, None);
        if let Ok(shown) = shown
            && code == "order_state"
            && shown.json()["status"] == "pending"
        {
            self.world.findings.add(format!("{route} was refused for the status of a pending order"), shown.body);
        }
    }

    /// Asks a few times at the most: what was begun comes to its end by itself.
    fn confirm_payment(&mut self, order: i64, payment: i64) {
        let body = json!({"payment_id": payment});
        let route = ("POST", "/payments/confirm", "/payments/confirm");
        for _ in 0..fastrand::u8(1..=3) {
            match send(self.world, &mut self.payment, route, None, &body, &["order_state", "payment_too_late"]) {
                Outcome::Done(shown) => {
                    if shown["status"] != "paid" {
                        let what = "a payment was confirmed without being paid".to_owned();
                        self.world.findings.add(what, shown.to_string());
                    }
                    self.answered.reached.push((order, "paid"));
                    self.answered.paid.push((payment, order));
                    return;
                }
                Outcome::Refused(code) => return self.check_refusal(order, &code, route.1),
                Outcome::Unknown => {}
            }
        }
    }
}

impl Answered {
    fn add(&mut self, mut other: Self) {
        self.placed.append(&mut other.placed);
        self.reached.append(&mut other.reached);
        self.paid.append(&mut other.paid);
        self.cancelling.extend(other.cancelling);
    }

    /// Compares what was answered with what the services show at rest.
    fn compare(&self, shop: &Shop, findings: &Findings) {
        let (orders, payments) = (statuses(shop.order(), "/orders"), statuses(shop.payment(), "/payments"));
        let none = "none".to_owned();
        for &(order, status) in &self.reached {
            let shown = orders.get(&order).unwrap_or(&none).as_str();
            let life = ["paid", "confirmed", "shipped", "completed"];
            let kept = match life.iter().position(|step| *step == status) {
                Some(0) if shown == "cancelled" => self.cancelling.contains(&order),
                Some(step) => life[step..].contains(&shown),
                None => shown == status,
            };
            if !kept {
                findings.add(format!("answered as {status}, but is {shown}"), format!("order {order}"));
            }
        }
        for (payment, order) in &self.paid {
            let shown = payments.get(payment).unwrap_or(&none).as_str();
            if shown != "paid" && !(shown == "refunded" && self.cancelling.contains(order)) {
                findings.add(format!("paid, but is {shown}"), format!("payment {payment} of order {order}"));
            }
        }
    }
}

fn keyed(user: i64) -> bool {
    user % 2 == 0
}

/// How far behind the machine is: how much later than asked for a thread wakes up.
fn probe(over: &AtomicBool, behind: &AtomicU64) {
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        std::thread::sleep(PROBE);
        behind.fetch_max((began.elapsed() - PROBE).as_millis() as u64, Ordering::Relaxed);
    }
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |number| number.parse().unwrap())
}

#[test]
fn orders_and_payments_agree_whatever_becomes_of_the_calls_between_the_services() {
    let (calls, kills) = (number("PASAR_FAULT_CALLS", 5_000), number("PASAR_FAULT_KILLS", 5));
    let mut proxies = Proxies::bind(APART.len());
    let peers = ["user", "product", "order", "payment"].iter().zip(proxies.addresses());
    let flags: Vec<_> = peers.map(|(service, address)| format!("--{service}-url=http://{address}")).collect();
    let flags: Vec<_> = FLAGS.iter().copied().chain(flags.iter().map(String::as_str)).collect();
    let mut shop = Shop::start(APART, &flags);
    proxies.forward(&[shop.user(), shop.product(), shop.order(), shop.payment()]);
    let products = std::array::from_fn(|at| {
        let product = json!({"name": format!("Kopi {at}"), "price": PRICE, "stock": STOCK});
        post(shop.product(), "/products", &product).expect(201).json()["product"]["id"].as_i64().unwrap()
    });
    for user in 2..=CLIENTS {
        let made = post(shop.user(), "/users", &json!({"name": format!("User {user}")})).expect(201);
        assert_eq!(made.json()["id"], user);
    }
    let (findings, behind) = (Findings::default(), AtomicU64::new(0));
    let (mut answered, mut killed) = (Answered::default(), 0);
    let rounds = calls.div_ceil(ROUND);
    for round in 1..=rounds {
        proxies.fail(true);
        let over = AtomicBool::new(false);
        let (order, payment) = (shop.order(), shop.payment());
        let world = &World { order, payment, products, round, over: &over, findings: &findings, behind: &behind };
        std::thread::scope(|scope| {
            let closing = Over(&over);
            scope.spawn(|| probe(&over, &behind));
            let clients: Vec<_> =
                (1..=CLIENTS).map(|user| scope.spawn(move || Client::new(world, user).live())).collect();
            while killed < kills * round / rounds {
                let next = calls * (killed + 1) / (kills + 1);
                until("the calls between two kills", PATIENCE, || proxies.calls() >= next);
                shop.kill_one();
                killed += 1;
                findings.add_stored(Stored::open(&shop.folder.database()).wrong(NEVER), "after a kill");
            }
            until("the calls of this round", PATIENCE, || proxies.calls() >= calls * round / rounds);
            drop(closing);
            clients.into_iter().for_each(|client| answered.add(client.join().unwrap()));
        });
        proxies.fail(false);
        until("what was held back has arrived", REST, || proxies.in_flight() == 0);
        let stored = Stored::open(&shop.folder.database());
        for wrong in [rest(&stored), stored.wrong(NEVER), stored.wrong(AT_REST)] {
            findings.add_stored(wrong, "at rest");
        }
        stored.assert_sound();
        stored.assert_holds(&answered.placed);
        // Whoever had a key was answered in the end, and no order was made besides.
        for user in (1..=CLIENTS).filter(|user| keyed(*user)) {
            let made = stored.count(&format!("SELECT count(*) FROM orders WHERE user_id = {user}"));
            assert_eq!(made, answered.placed.iter().filter(|order| order.user == user).count(), "user {user}");
        }
        answered.compare(&shop, &findings);
    }
    shop.stop();
    let findings = findings.0.into_inner().unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
    for (fault, times) in proxies.faults() {
        assert!(times > calls / 40, "{fault:?} happened {times} times in {calls} calls: that proves little");
    }
}
