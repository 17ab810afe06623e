//! Clients that send orders and continue them, and record every answer that must not happen.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::lifecycle::{IDLE_TIMEOUT, statuses};
use super::load::Placed;
use crate::support::{binary::Shop, blocking::Http};

pub const PRODUCTS: usize = 4;
/// The price of one unit of each product.
pub const PRICE: i64 = 45_000;
/// The longest that an answer may take.
const ANSWER: Duration = Duration::from_secs(3);
/// The codes of temporary refusals.
const UNAVAILABLE: &[&str] = &["busy", "too_slow", "storage_unavailable", "peer_unavailable", "payment_unsettled"];

/// Unexpected answers: how often each happened, and its first example.
#[derive(Default)]
pub struct Findings(pub Mutex<BTreeMap<String, (usize, String)>>);

impl Findings {
    pub fn add(&self, what: String, example: String) {
        self.0.lock().unwrap().entry(what).or_insert((0, example)).0 += 1;
    }

    /// Adds violations found in the database.
    pub fn add_stored(&self, wrong: Vec<(usize, &str)>, moment: &str) {
        for (number, what) in wrong {
            self.add(what.to_owned(), format!("{number} {moment}"));
        }
    }
}

/// What all clients of a round share.
pub struct Shared<'a> {
    pub order: SocketAddr,
    pub payment: SocketAddr,
    pub products: [i64; PRODUCTS],
    pub round: usize,
    pub over: &'a AtomicBool,
    pub findings: &'a Findings,
    /// The largest delay of this machine so far, in milliseconds.
    pub behind: &'a AtomicU64,
}

/// The outcome of a request.
enum Outcome {
    Done(Value),
    /// 409 with this code.
    Refused(String),
    /// No answer, or a temporary refusal.
    Unknown,
}

/// The answers that a client got.
#[derive(Default)]
pub struct Answered {
    pub placed: Vec<Placed>,
    /// An order and a status that it has had.
    reached: Vec<(i64, &'static str)>,
    /// Payments that were opened.
    opened: Vec<i64>,
    /// Payments that are paid, and their orders.
    paid: Vec<(i64, i64)>,
    /// Orders that it tried to cancel, whatever the answer was.
    cancelling: HashSet<i64>,
}

pub struct Client<'a> {
    shared: &'a Shared<'a>,
    order: Http,
    payment: Http,
    user: i64,
    sent: usize,
    answered: Answered,
}

/// Sends a request, and records an answer that must not happen.
fn send(
    shared: &Shared<'_>,
    http: &mut Http,
    (method, path, route): (&str, &str, &str),
    key: Option<&str>,
    body: Option<&Value>,
    refusals: &[&str],
) -> Outcome {
    let began = Instant::now();
    let Ok(answer) = http.send(method, path, key, body) else {
        // The service is restarting.
        std::thread::sleep(Duration::from_millis(2));
        return Outcome::Unknown;
    };
    let took = began.elapsed();
    let behind = Duration::from_millis(shared.behind.load(Ordering::Relaxed));
    let sent = body.map(Value::to_string).unwrap_or_default();
    let example =
        || format!("{method} {path} {sent} was answered after {took:?} with {}: {}", answer.status, answer.text());
    if took > ANSWER + behind {
        shared.findings.add(format!("{method} {route} answered late"), example());
    }
    if let 200 | 201 = answer.status {
        return Outcome::Done(answer.json());
    }
    let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = problem["code"].as_str().unwrap_or("no code");
    match answer.status {
        409 if refusals.contains(&code) => return Outcome::Refused(code.to_owned()),
        503 if !answer.header("retry-after").is_empty() && UNAVAILABLE.contains(&code) => {}
        status => shared.findings.add(format!("{method} {route} answered {status} {code}"), example()),
    }
    Outcome::Unknown
}

impl<'a> Client<'a> {
    pub fn new(shared: &'a Shared<'a>, user: i64) -> Self {
        let (order, payment) = (Http::new(shared.order, true), Http::new(shared.payment, true));
        Self { shared, order, payment, user, sent: 0, answered: Answered::default() }
    }

    pub fn run(mut self) -> Answered {
        while !self.shared.over.load(Ordering::Relaxed) {
            if let Some(order) = self.place_order() {
                self.continue_order(order);
            }
        }
        self.answered
    }

    fn place_order(&mut self) -> Option<i64> {
        self.sent += 1;
        let key = keyed(self.user).then(|| format!("{}-{}-{}", self.user, self.shared.round, self.sent));
        let first = fastrand::usize(..PRODUCTS);
        let products = (first..first + fastrand::usize(1..=3)).map(|at| self.shared.products[at % PRODUCTS]);
        let items: Vec<_> =
            products.map(|product| json!({"product_id": product, "quantity": fastrand::i64(1..=3)})).collect();
        let (body, units) = if fastrand::u8(..8) == 0 {
            (json!({"userId": self.user, "product": name(first), "price": PRICE}), 1)
        } else {
            let units: i64 = items.iter().filter_map(|item| item["quantity"].as_i64()).sum();
            (json!({"user_id": self.user, "items": items}), units)
        };
        let began = Instant::now();
        loop {
            let route = ("POST", "/orders", "/orders");
            match send(self.shared, &mut self.order, route, key.as_deref(), Some(&body), &["key_under_way"]) {
                Outcome::Done(order) => {
                    let id = order["id"].as_i64().unwrap();
                    let items = order["items"].as_array().unwrap();
                    // A line outside the catalogue would have no id.
                    let known = items.iter().all(|item| item["id"].is_i64());
                    if order["total_price"] != units * PRICE || order["user_id"] != self.user || !known {
                        self.shared
                            .findings
                            .add("the order differs from the request".to_owned(), format!("{body}: {order}"));
                    }
                    self.answered.placed.push(Placed { id, user: self.user, key });
                    return Some(id);
                }
                // With a key it can be retried until it is answered.
                _ if key.is_some() && began.elapsed() < IDLE_TIMEOUT => std::thread::sleep(Duration::from_millis(20)),
                _ if key.is_some() => panic!("{key:?} was not answered within {IDLE_TIMEOUT:?}"),
                _ => return None,
            }
        }
    }

    fn continue_order(&mut self, order: i64) {
        let by_hand = ["paid", "paid", "failed", "expired"][fastrand::usize(..4)];
        match fastrand::u8(..12) {
            // The order expires.
            0 => return,
            1 => _ = self.set_status(order, "cancelled"),
            2 => _ = self.set_payment(order, by_hand),
            // A payment is open at the same time.
            3 => {
                self.open(order);
                self.set_payment(order, by_hand);
            }
            // Two clients want different things at the same time.
            4 => {
                if let Some(payment) = self.open(order) {
                    let mut other = Self::new(self.shared, self.user);
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
            // The confirmation is late, or nearly.
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
        self.check_still_shown(order);
        match fastrand::u8(..4) {
            0 => _ = self.set_status(order, "cancelled"),
            1 => {}
            _ => {
                // The services decide whether it can be confirmed.
                let _ = self.confirm(order) && self.set_status(order, "shipped") && self.set_status(order, "completed");
            }
        }
    }

    /// Checks that the order still shows its user and all its products.
    fn check_still_shown(&mut self, order: i64) {
        let (path, route) = (format!("/orders/{order}/detail"), "/orders/_/detail");
        if let Outcome::Done(shown) = send(self.shared, &mut self.order, ("GET", &path, route), None, None, &[]) {
            let all = shown["products"].as_array().map(Vec::len) == shown["items"].as_array().map(Vec::len);
            if !all || shown["user"]["name"] != user_name(self.user) {
                self.shared.findings.add(format!("GET {route} is incomplete"), shown.to_string());
            }
        }
    }

    fn put(&mut self, order: i64, name: &str, body: &Value, status: &'static str) -> bool {
        let (path, route) = (format!("/orders/{order}/{name}"), format!("/orders/_/{name}"));
        let refusals = ["order_state", "payment_too_late"];
        let mut ask = || send(self.shared, &mut self.order, ("PUT", &path, &route), None, Some(body), &refusals);
        let mut outcome = ask();
        if let Outcome::Unknown = outcome {
            outcome = ask();
        }
        let Outcome::Done(shown) = outcome else { return false };
        if shown["status"] != status {
            self.shared.findings.add(format!("PUT {route} answered with another status"), format!("{body}: {shown}"));
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
        match send(self.shared, &mut self.payment, ("POST", "/payments", "/payments"), None, Some(&body), &refusals) {
            Outcome::Done(payment) => {
                let id = payment["id"].as_i64()?;
                self.answered.opened.push(id);
                Some(id)
            }
            Outcome::Refused(code) => {
                self.check_refusal(order, &code, "POST /payments");
                None
            }
            Outcome::Unknown => None,
        }
    }

    /// An order never returns to `pending`: after a refusal because of its status it must have another one.
    fn check_refusal(&mut self, order: i64, code: &str, route: &str) {
        let shown = self.order.send("GET", &format!("/orders/{order}"), None, None);
        if let Ok(shown) = shown
            && code == "order_state"
            && shown.json()["status"] == "pending"
        {
            self.shared.findings.add(format!("{route} was refused for the status of a pending order"), shown.text());
        }
    }

    /// Makes a few attempts at most: the services finish what was started.
    fn confirm_payment(&mut self, order: i64, payment: i64) {
        let body = json!({"payment_id": payment});
        let route = ("POST", "/payments/confirm", "/payments/confirm");
        for _ in 0..fastrand::u8(1..=3) {
            match send(self.shared, &mut self.payment, route, None, Some(&body), &["order_state", "payment_too_late"]) {
                Outcome::Done(shown) => {
                    if shown["status"] != "paid" {
                        let what = "a payment was confirmed without being paid".to_owned();
                        self.shared.findings.add(what, shown.to_string());
                    }
                    self.answered.reached.push((order, "paid"));
                    self.answered.paid.push((payment, order));
                    return;
                }
                Outcome::Refused(code) => return self.check_refusal(order, &code, "POST /payments/confirm"),
                Outcome::Unknown => {}
            }
        }
    }
}

impl Answered {
    pub fn add(&mut self, mut other: Self) {
        self.placed.append(&mut other.placed);
        self.reached.append(&mut other.reached);
        self.opened.append(&mut other.opened);
        self.paid.append(&mut other.paid);
        self.cancelling.extend(other.cancelling);
    }

    /// Records differences between the answers and what the services show afterwards.
    pub fn assert_shown(&self, shop: &Shop, findings: &Findings) {
        let (orders, payments) = (statuses(shop.order(), "/orders"), statuses(shop.payment(), "/payments"));
        let none = "none".to_owned();
        for &(order, status) in &self.reached {
            let shown = orders.get(&order).unwrap_or(&none).as_str();
            let lifecycle = ["paid", "confirmed", "shipped", "completed"];
            let kept = match lifecycle.iter().position(|step| *step == status) {
                Some(0) if shown == "cancelled" => self.cancelling.contains(&order),
                Some(step) => lifecycle[step..].contains(&shown),
                None => shown == status,
            };
            if !kept {
                findings.add(format!("answered as {status}, but is {shown}"), format!("order {order}"));
            }
        }
        for payment in self.opened.iter().filter(|payment| !payments.contains_key(payment)) {
            findings.add("a payment is lost".to_owned(), format!("payment {payment}"));
        }
        for (payment, order) in &self.paid {
            let shown = payments.get(payment).unwrap_or(&none).as_str();
            if shown != "paid" && !(shown == "refunded" && self.cancelling.contains(order)) {
                findings.add(format!("paid, but is {shown}"), format!("payment {payment} of order {order}"));
            }
        }
    }
}

/// Whether this user's orders have Idempotency-Keys and are retried until they are answered.
pub fn keyed(user: i64) -> bool {
    user % 2 == 0
}

pub fn user_name(user: i64) -> String {
    format!("User {user}")
}

pub fn name(product: usize) -> String {
    format!("Kopi {product}")
}
