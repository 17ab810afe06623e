//! Orders survive kills: answers stay true and jobs are done, with no more help than a restart.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::invariants::{ALWAYS_FORBIDDEN, FORBIDDEN_WHEN_IDLE, IN_PROGRESS};
use super::load::{Placed, Stored, assert_unavailable, id};
use crate::support::Answer;
use crate::support::binary::{APART, DEADLINE, Shop, TOGETHER, kills, until};
use crate::support::blocking::{Http, get, post};

const CUSTOMERS: i64 = 8;
/// So short that orders and payments expire while customers use them.
const FLAGS: &[&str] = &["--payment-window=300ms", "--order-ttl=2s", "--sweep=200ms"];
/// More than the longest lease after a kill, and some retries.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Enough for all customers.
const STOCK: i64 = 1_000_000;

/// The result of a request.
enum Reply {
    Done(Answer),
    /// The order or its payment has another status by now.
    Refused,
    /// No answer, or a temporary refusal.
    Unanswered,
}

/// A customer, and the answers that it got.
struct Customer<'a> {
    shop: &'a ShopAddresses,
    order: Http,
    payment: Http,
    user: i64,
    sent: usize,
    over: &'a AtomicBool,
    news: &'a Mutex<Vec<Placed>>,
    /// The last status that was answered for each order.
    expected: BTreeMap<i64, &'static str>,
    /// The payments that were answered as paid.
    paid: Vec<i64>,
}

struct ShopAddresses {
    order: SocketAddr,
    payment: SocketAddr,
    products: [i64; 2],
}

fn send(http: &mut Http, (method, path): (&str, &str), key: Option<&str>, body: &Value, refusals: &[&str]) -> Reply {
    let Ok(answer) = http.send(method, path, key, Some(body)) else {
        // The service is restarting.
        std::thread::sleep(Duration::from_millis(2));
        return Reply::Unanswered;
    };
    match answer.status {
        200 | 201 => Reply::Done(answer),
        409 => {
            let code = answer.json()["code"].clone();
            assert!(refusals.iter().any(|known| code == *known), "{method} {path} {body}: {}", answer.text());
            Reply::Refused
        }
        _ => {
            assert_unavailable(
                &answer,
                &["busy", "too_slow", "storage_unavailable", "peer_unavailable", "payment_unsettled"],
            );
            Reply::Unanswered
        }
    }
}

impl Customer<'_> {
    /// Places orders again and again, and continues each of them at random.
    fn run(mut self) -> Self {
        while !self.over.load(Ordering::Relaxed) {
            if let Some(order) = self.place_order() {
                self.continue_order(order);
            }
        }
        self
    }

    fn place_order(&mut self) -> Option<i64> {
        self.sent += 1;
        let key = keyed(self.user).then(|| format!("{}-{}", self.user, self.sent));
        let items = self.shop.products.map(|product| json!({"product_id": product, "quantity": fastrand::u8(1..=3)}));
        let body = json!({"user_id": self.user, "items": &items[fastrand::usize(..2)..]});
        let began = Instant::now();
        while began.elapsed() < IDLE_TIMEOUT {
            match send(&mut self.order, ("POST", "/orders"), key.as_deref(), &body, &["key_under_way"]) {
                Reply::Done(answer) => {
                    let id = id(&answer.with_status(201));
                    self.expected.insert(id, "pending");
                    self.news.lock().unwrap().push(Placed { id, user: self.user, key });
                    return Some(id);
                }
                // With a key it can be retried until it is answered.
                Reply::Refused | Reply::Unanswered if key.is_some() => std::thread::sleep(Duration::from_millis(2)),
                Reply::Refused => panic!("a request without a key can't be in progress"),
                Reply::Unanswered => return None,
            }
        }
        panic!("{key:?} was not answered within {IDLE_TIMEOUT:?}");
    }

    fn continue_order(&mut self, order: i64) {
        let paid = match fastrand::u8(0..6) {
            0 => return,
            1 => false,
            2 => self.put(order, "payment", "payment_status", "paid"),
            _ => {
                let Some(payment) = self.open(order) else { return };
                // In some cases it expires instead.
                fastrand::u8(0..4) > 0 && self.confirm_payment(order, payment)
            }
        };
        match fastrand::u8(0..4) {
            0 => _ = self.put(order, "status", "status", "cancelled"),
            1 | 2 if paid => _ = self.put(order, "confirm", "", "confirmed"),
            _ => {}
        }
    }

    fn put(&mut self, order: i64, path: &str, field: &str, status: &'static str) -> bool {
        let body = if field.is_empty() { json!({}) } else { json!({field: status}) };
        let path = format!("/orders/{order}/{path}");
        let refusals = ["order_state", "payment_too_late"];
        let done = matches!(send(&mut self.order, ("PUT", &path), None, &body, &refusals), Reply::Done(_));
        if done {
            self.expected.insert(order, status);
        }
        done
    }

    fn open(&mut self, order: i64) -> Option<i64> {
        let refusals = ["order_state", "payment_too_late", "payment_open"];
        let body = json!({"order_id": order});
        match send(&mut self.payment, ("POST", "/payments"), None, &body, &refusals) {
            Reply::Done(answer) => answer.expect(201)["id"].as_i64(),
            Reply::Refused | Reply::Unanswered => None,
        }
    }

    /// Retries the confirmation until its result is known.
    fn confirm_payment(&mut self, order: i64, payment: i64) -> bool {
        let body = json!({"payment_id": payment});
        let began = Instant::now();
        while began.elapsed() < IDLE_TIMEOUT {
            match send(
                &mut self.payment,
                ("POST", "/payments/confirm"),
                None,
                &body,
                &["payment_too_late", "order_state"],
            ) {
                Reply::Done(answer) => {
                    assert_eq!(answer.expect(200)["status"], "paid");
                    self.expected.insert(order, "paid");
                    self.paid.push(payment);
                    return true;
                }
                Reply::Refused => return false,
                Reply::Unanswered => {}
            }
        }
        panic!("payment {payment} was not settled within {IDLE_TIMEOUT:?}");
    }
}

/// Sets the flag that ends the clients, also on a panic.
pub struct SetOnDrop<'a>(pub &'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn keyed(user: i64) -> bool {
    user % 2 == 0
}

/// Waits until no work is in progress, and returns the work that never ends.
pub fn wait_until_idle(stored: &Stored) -> Vec<(usize, &'static str)> {
    let (mut left, mut looks) = (Vec::new(), 0);
    until("a check of the work in progress", IDLE_TIMEOUT * 2, || {
        std::thread::sleep(Duration::from_millis(100));
        looks += 1;
        left = stored.violations(IN_PROGRESS);
        left.is_empty() || looks > IDLE_TIMEOUT.as_millis() / 100
    });
    left
}

/// The status of all rows of a list, by id.
pub fn statuses(addr: SocketAddr, path: &str) -> BTreeMap<i64, String> {
    let rows = get(addr, path).expect(200);
    let row = |row: &Value| (row["id"].as_i64().unwrap(), row["status"].as_str().unwrap().to_owned());
    rows.as_array().unwrap().iter().map(row).collect()
}

/// Compares the answers with what the services show.
fn assert_answers_kept(shop: &Shop, expected: &BTreeMap<i64, &str>, paid: &[i64]) {
    let (orders, payments) = (statuses(shop.order(), "/orders"), statuses(shop.payment(), "/payments"));
    for (order, status) in expected {
        let shown = orders.get(order).unwrap_or_else(|| panic!("order {order} is lost"));
        let kept = match *status {
            // A later change may have been made without an answer.
            "paid" => ["paid", "confirmed", "cancelled"].contains(&&**shown),
            "pending" => shown != "pending",
            status => shown == status,
        };
        assert!(kept, "order {order} was {status}, and is {shown}");
    }
    for payment in paid {
        let shown = payments.get(payment).unwrap_or_else(|| panic!("payment {payment} is lost"));
        assert!(shown == "paid" || shown == "refunded", "payment {payment} was paid, and is {shown}");
    }
}

fn assert_orders_survive_kills(mut shop: Shop) {
    let stock = json!({"name": "Kopi Gayo", "price": 45_000, "stock": STOCK});
    let product = || post(shop.product(), "/products", &stock).expect(201)["product"]["id"].as_i64().unwrap();
    let addresses = ShopAddresses { order: shop.order(), payment: shop.payment(), products: [product(), product()] };
    for user in 2..=CUSTOMERS {
        let made = post(shop.user(), "/users", &json!({"name": format!("User {user}")})).expect(201);
        assert_eq!(made["id"], user);
    }
    let (mut expected, mut paid) = (BTreeMap::new(), Vec::new());
    let (kills, mut killed) = (kills(), 0);
    let rounds = kills.div_ceil(10).min(8);
    for round in 1..=rounds {
        let (over, news) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        let customers: Vec<Customer<'_>> = std::thread::scope(|scope| {
            let customers: Vec<_> = (1..=CUSTOMERS)
                .map(|user| {
                    let customer = Customer {
                        shop: &addresses,
                        order: Http::new(addresses.order, true),
                        payment: Http::new(addresses.payment, true),
                        user,
                        // Every round has its own keys.
                        sent: round * 1_000_000,
                        over: &over,
                        news: &news,
                        expected: BTreeMap::new(),
                        paid: Vec::new(),
                    };
                    scope.spawn(|| customer.run())
                })
                .collect();
            let mut known = Vec::new();
            let closing = SetOnDrop(&over);
            while killed < kills * round / rounds {
                until("new orders", DEADLINE, || news.lock().unwrap().len() > 5);
                // The moment of the kill is random on purpose; this sleep waits for nothing.
                std::thread::sleep(Duration::from_millis(fastrand::u64(5..=150)));
                shop.kill_one();
                killed += 1;
                let stored = Stored::open(&shop.folder.database());
                let new = std::mem::take(&mut *news.lock().unwrap());
                stored.assert_holds(&new);
                stored.assert_none(ALWAYS_FORBIDDEN);
                known.extend(new);
            }
            drop(closing);
            let customers = customers.into_iter().map(|customer| customer.join().unwrap()).collect();
            Stored::open(&shop.folder.database()).assert_holds(&known);
            customers
        });
        for mut customer in customers {
            expected.append(&mut customer.expected);
            paid.append(&mut customer.paid);
        }
        let stored = Stored::open(&shop.folder.database());
        assert_eq!(wait_until_idle(&stored), [], "work that never ends");
        stored.assert_none(ALWAYS_FORBIDDEN);
        stored.assert_none(FORBIDDEN_WHEN_IDLE);
        stored.assert_sound();
        // Each order with a key was answered in the end, and exists once.
        for user in (1..=CUSTOMERS).filter(|user| keyed(*user)) {
            let made = stored.count(&format!("SELECT count(*) FROM orders WHERE user_id = {user}"));
            let answered = stored.count(&format!("SELECT count(*) FROM idempotency_keys WHERE key LIKE '{user}-%'"));
            assert_eq!(made, answered, "user {user}");
        }
        assert_answers_kept(&shop, &expected, &paid);
    }
    let folder = shop.stop();
    Stored::open(&folder.database()).assert_sound();
    let of = |status| expected.values().filter(|one| **one == status).count();
    let few = ["pending", "paid", "confirmed", "cancelled"].map(of).into_iter().any(|orders| orders < kills);
    assert!(!few && paid.len() > kills, "{kills} kills hit only {} orders: too few for this test", expected.len());
}

#[test]
fn orders_survive_kills_of_the_whole_shop_at_any_moment() {
    assert_orders_survive_kills(Shop::start(TOGETHER, FLAGS));
}

#[test]
fn orders_survive_kills_of_any_one_service_at_any_moment() {
    assert_orders_survive_kills(Shop::start(APART, FLAGS));
}
