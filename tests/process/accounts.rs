//! Accounts across the command line and several processes: admins, the signing secret, and revocations that reach
//! every process.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::load::{Stored, id};
use crate::support::binary::{ALL, APART, DEADLINE, Folder, Pasar, Shop, kills, run, until, url};
use crate::support::blocking::{Http, get, post};
use crate::support::{Answer, Broken, PASSWORD, Visitor};

pub const SECRET: &str = "what the processes of this shop sign with";
pub const OTHER: &str = "what the processes of another shop sign with";
pub const REQUIRED: &[&str] = &["--auth", "required"];

impl Visitor {
    #[track_caller]
    pub fn registers(users: SocketAddr, email: &str) -> Self {
        let new = json!({"name": "Siti", "email": email, "password": PASSWORD});
        Self::of(&post(users, "/auth/register", &new).expect(201))
    }

    #[track_caller]
    pub fn logs_in(users: SocketAddr, email: &str) -> Self {
        Self::of(&post(users, "/auth/login", &json!({"email": email, "password": PASSWORD})).expect(200))
    }

    fn try_send(&self, service: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, Broken> {
        Http::new(service, false).with_token(&self.token).send(method, path, None, body)
    }

    #[track_caller]
    fn send(&self, service: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.try_send(service, method, path, body).unwrap_or_else(|broken| panic!("{method} {path}: {broken:?}"))
    }

    #[track_caller]
    pub fn get(&self, service: SocketAddr, path: &str) -> Answer {
        self.send(service, "GET", path, None)
    }

    #[track_caller]
    pub fn post(&self, service: SocketAddr, path: &str, body: &Value) -> Answer {
        self.send(service, "POST", path, Some(body))
    }

    #[track_caller]
    fn put(&self, service: SocketAddr, path: &str, body: &Value) -> Answer {
        self.send(service, "PUT", path, Some(body))
    }

    /// Whether a service answers that the token is revoked. Any other refusal of the token fails the test.
    #[track_caller]
    fn is_revoked(&self, (service, method, path): Call) -> bool {
        let answer = self.send(service, method, path, None);
        let ended = answer.status == 401;
        if ended {
            answer.problem(401, "token_revoked");
        }
        ended
    }

    #[track_caller]
    pub fn assert_valid(&self, users: SocketAddr, calls_besides_user: &[Call]) {
        self.get(users, "/auth/me").expect(200);
        for call in calls_besides_user {
            assert!(!self.is_revoked(*call), "a valid token was refused at {call:?}");
        }
    }

    /// The user service refuses the tokens, and the other services will, without further requests.
    #[track_caller]
    pub fn assert_revoked(&self, users: SocketAddr, calls_besides_user: &[Call]) {
        self.get(users, "/auth/me").problem(401, "token_revoked");
        for call in calls_besides_user {
            until(&format!("{call:?} refuses the revoked token"), DEADLINE, || self.is_revoked(*call));
        }
    }
}

/// A call whose token is checked before anything else, and which changes nothing.
pub type Call = (SocketAddr, &'static str, &'static str);

pub fn protected_calls(product: SocketAddr, order: SocketAddr, payment: SocketAddr) -> [Call; 3] {
    [(product, "POST", "/products"), (order, "GET", "/orders/1"), (payment, "GET", "/payments/1")]
}

pub fn calls_besides_user(pasar: &Pasar) -> [Call; 3] {
    protected_calls(pasar.product(), pasar.order(), pasar.payment())
}

pub fn start_with_auth(folder: &Folder) -> Pasar {
    Pasar::start(&mut folder.pasar(REQUIRED), ALL)
}

/// The exit code and the one line on standard error of a `command` that fails.
#[track_caller]
pub fn refusal(command: &mut Command) -> (i32, String) {
    let output = run(command);
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(stdout, "");
    assert!(stderr.ends_with('\n') && stderr.lines().count() == 1, "not one line: {stderr:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    (output.status.code().unwrap(), stderr)
}

/// Runs `pasar admin`, which must print the address and the new role.
#[track_caller]
pub fn assert_role_set(command: &mut Command, email: &str, title: &str) {
    let output = run(command);
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains(email) && stdout.contains(title) && stdout.lines().count() == 1, "{stdout}");
}

/// Registers an admin while the services run.
#[track_caller]
fn admin(folder: &Folder, users: SocketAddr) -> Visitor {
    let email = "admin@example.com";
    Visitor::registers(users, email);
    assert_role_set(&mut folder.pasar(&["admin", email]), email, "admin");
    Visitor::logs_in(users, email)
}

#[test]
fn an_account_becomes_admin_and_customer_again_while_the_shop_runs() {
    let folder = Folder::new();
    let shop = start_with_auth(&folder);
    let (users, calls_besides_user) = (shop.user(), calls_besides_user(&shop));
    let customer = Visitor::registers(users, "siti@example.com");
    customer.get(users, "/users").problem(403, "not_allowed");
    customer.assert_valid(users, &calls_besides_user);

    // In another spelling; the output has the stored address.
    let made = "User 2, Siti <siti@example.com>";
    assert_role_set(&mut folder.pasar(&["admin", "Siti@Example.COM"]), made, "an admin");
    customer.assert_revoked(users, &calls_besides_user);
    let admin = Visitor::logs_in(users, "siti@example.com");
    assert_eq!(admin.id, customer.id);
    assert_eq!(admin.get(users, "/users").expect(200).as_array().map(Vec::len), Some(2));
    admin.post(shop.product(), "/products", &json!({"name": "Kopi", "price": 45_000})).expect(201);
    admin.assert_valid(users, &calls_besides_user);

    assert_role_set(&mut folder.pasar(&["admin", "siti@example.com", "--remove"]), "siti@example.com", "a customer");
    admin.assert_revoked(users, &calls_besides_user);
    let customer = Visitor::logs_in(users, "siti@example.com");
    customer.get(users, "/users").problem(403, "not_allowed");
    customer.post(shop.product(), "/products", &json!({"name": "Teh", "price": 9_000})).problem(403, "not_allowed");
    customer.assert_valid(users, &calls_besides_user);
    shop.stop("TERM");
}

#[test]
fn only_an_existing_account_can_become_admin() {
    let folder = Folder::new();
    let (exit, line) = refusal(&mut folder.pasar(&["admin", "bob@example.com"]));
    assert!(exit == 1 && line.contains("DATABASE_URL"), "{line}");
    assert!(!folder.database().exists(), "a mistyped address must not create a database");

    let shop = folder.start();
    post(shop.user(), "/users", &json!({"name": "Bob", "email": "bob@example.com"})).expect(201);
    for (email, code) in [("nobody@example.com", 1), ("bob@example.com", 1), ("bob", 2), ("", 2)] {
        for flags in [&[][..], &["--remove"]] {
            let (exit, line) = refusal(folder.pasar(&["admin", email]).args(flags));
            assert_eq!(exit, code, "{email}: {line}");
            assert!(line.contains(email), "{line}");
        }
    }
    assert_eq!(refusal(&mut folder.pasar(&["admin"])).0, 2);
    shop.stop("TERM");
    assert_eq!(Stored::open(&folder.database()).count("SELECT count(*) FROM accounts"), 0);
}

#[test]
fn the_admin_command_uses_the_database_of_the_user_service() {
    let folder = Folder::new();
    let own = url(&folder.path().join("users.db"));
    let alone = |args: &[&str]| {
        let mut command = folder.pasar(args);
        command.env("USER_DATABASE_URL", &own);
        command
    };
    let users = Pasar::start(&mut alone(&["user", "--auth", "required"]), &["UserService"]);
    let customer = Visitor::registers(users.user(), "siti@example.com");
    assert_role_set(&mut alone(&["admin", "siti@example.com"]), "siti@example.com", "an admin");
    assert!(!folder.database().exists(), "the database of the other services was opened");
    customer.assert_revoked(users.user(), &[]);
    Visitor::logs_in(users.user(), "siti@example.com").get(users.user(), "/users").expect(200);
    users.stop("TERM");
}

#[test]
fn four_processes_with_one_secret_accept_the_same_tokens() {
    let shop = Shop::start(APART, &["--auth", "required", "--jwt-secret", SECRET]);
    let (users, products, orders, payments) = (shop.user(), shop.product(), shop.order(), shop.payment());
    let admin = admin(&shop.folder, users);
    let siti = Visitor::registers(users, "siti@example.com");
    let coffee = json!({"name": "Kopi Gayo", "price": 45_000, "stock": 10});
    let coffee = admin.post(products, "/products", &coffee).expect(201)["product"]["id"].clone();
    let stock = |stock: i64, reserved: i64, sold: i64| {
        let expected = json!({"stock": stock, "reserved": reserved, "sold": sold});
        let mut found = Value::Null;
        until("the expected stock", DEADLINE, || {
            found = get(products, &format!("/products/{coffee}/stock")).expect(200);
            ["stock", "reserved", "sold"].iter().all(|column| found[column] == expected[column])
        });
    };
    let order = json!({"user_id": siti.id, "items": [{"product_id": coffee, "quantity": 2}]});
    let places_order = || id(&siti.post(orders, "/orders", &order).with_status(201));
    let pays = |order: i64| {
        siti.post(payments, "/payments", &json!({"order_id": order})).expect(201);
        let paid = siti.post(payments, "/payments/confirm", &json!({"order_id": order})).expect(200);
        assert_eq!(paid["status"], "paid");
    };
    let status = |order: i64| siti.get(orders, &format!("/orders/{order}")).expect(200)["status"].clone();

    // Nobody else can.
    post(orders, "/orders", &order).problem(401, "token_missing");
    let eve = Visitor::registers(users, "eve@example.com");
    eve.post(orders, "/orders", &order).problem(404, "user_not_found");
    stock(10, 0, 0);

    let sold = places_order();
    stock(8, 2, 0);
    pays(sold);
    assert_eq!(status(sold), "paid");
    siti.send(orders, "PUT", &format!("/orders/{sold}/confirm"), None).problem(403, "not_allowed");
    admin.send(orders, "PUT", &format!("/orders/{sold}/confirm"), None).expect(200);
    assert_eq!(status(sold), "confirmed");
    stock(8, 0, 2);

    let cancelled = json!({"status": "cancelled"});
    let withdrawn = places_order();
    stock(6, 2, 2);
    eve.put(orders, &format!("/orders/{withdrawn}/status"), &cancelled).problem(404, "order_not_found");
    siti.put(orders, &format!("/orders/{withdrawn}/status"), &cancelled).expect(200);
    stock(8, 0, 2);

    let refunded = places_order();
    pays(refunded);
    admin.put(orders, &format!("/orders/{refunded}/status"), &cancelled).expect(200);
    stock(8, 0, 2);
    until("the refund", DEADLINE, || {
        let payment = siti.get(payments, &format!("/payments/order/{refunded}")).expect(200);
        payment["status"] == "refunded"
    });

    // What is revoked in one process is revoked in all, and only for this user.
    let calls_besides_user = protected_calls(products, orders, payments);
    siti.assert_valid(users, &calls_besides_user);
    siti.send(users, "POST", "/auth/logout", None).with_status(204);
    siti.assert_revoked(users, &calls_besides_user);
    for visitor in [&admin, &eve, &Visitor::logs_in(users, "siti@example.com")] {
        visitor.assert_valid(users, &calls_besides_user);
    }
    shop.stop();
}

#[test]
fn listening_beyond_loopback_requires_tokens() {
    let folder = Folder::new();
    for variable in ["USER_ADDR", "PRODUCT_ADDR", "ORDER_ADDR", "PAYMENT_ADDR"] {
        for address in ["0.0.0.0:0", "[::]:0"] {
            for auth in [None, Some("open")] {
                let mut command = folder.pasar(&[]);
                command.env(variable, address).envs(auth.map(|auth| ("AUTH", auth)));
                let (exit, line) = refusal(&mut command);
                assert_eq!(exit, 2, "{line}");
                assert!(
                    [variable, "AUTH=required", "OPEN_TO_NETWORK"].iter().all(|name| line.contains(name)),
                    "{line}"
                );
            }
        }
    }
    assert!(!folder.database().exists(), "the database was opened before the refusal");
    let mut command = folder.pasar(&[]);
    for variable in ["USER_ADDR", "PRODUCT_ADDR", "ORDER_ADDR", "PAYMENT_ADDR"] {
        command.env(variable, "0.0.0.0:0");
    }
    let shop = Pasar::start(command.env("AUTH", "required"), ALL);
    for (service, path) in [(shop.user(), "/users"), (shop.order(), "/orders"), (shop.payment(), "/payments")] {
        get(service, path).problem(401, "token_missing");
    }
    post(shop.product(), "/products", &json!({"name": "Kopi", "price": 1})).problem(401, "token_missing");
    shop.stop("TERM");
}

#[test]
fn a_logout_reaches_services_that_start_after_the_user_service_was_killed() {
    let folder = Folder::new();
    let mut users = Pasar::start(&mut folder.pasar(&[&["user"], REQUIRED].concat()), &["UserService"]);
    let [siti, eve] = ["siti@example.com", "eve@example.com"].map(|email| Visitor::registers(users.user(), email));
    siti.send(users.user(), "POST", "/auth/logout", None).with_status(204);
    // No other service was running when the event was written.
    users.kill();
    let mut command = folder.pasar(&[&["product", "order", "payment"], REQUIRED].concat());
    let rest = Pasar::start(&mut command, &ALL[1..]);
    for call in calls_besides_user(&rest) {
        until(&format!("{call:?} refuses the revoked token"), DEADLINE, || siti.is_revoked(call));
        assert!(!eve.is_revoked(call), "{call:?} refuses the token of another user");
    }
    rest.stop("TERM");
}

/// Violations of the rule that an event exists if and only if its change was committed.
const TOKEN_VIOLATIONS: &[(&str, &str)] = &[
    (
        "revoked tokens without an event",
        "SELECT count(*) FROM accounts WHERE token_version > 1
         AND NOT EXISTS (SELECT 1 FROM revocations
                         WHERE revocations.user_id = accounts.user_id AND version = token_version)
         AND (SELECT count(*) FROM outbox
              WHERE key = 'user:' || user_id AND subscriber IN ('product.tokens', 'order.tokens', 'payment.tokens')
                AND json_extract(event, '$.version') = token_version) < 3",
    ),
    (
        "revocation events of tokens that are not revoked",
        "SELECT count(*) FROM accounts WHERE
         EXISTS (SELECT 1 FROM revocations WHERE revocations.user_id = accounts.user_id AND version > token_version)
         OR EXISTS (SELECT 1 FROM outbox WHERE key = 'user:' || user_id AND subscriber LIKE '%.tokens'
                    AND json_extract(event, '$.version') > token_version)",
    ),
];

#[test]
fn a_logout_is_applied_everywhere_or_nowhere_after_a_kill() {
    let folder = Folder::new();
    let mut shop = start_with_auth(&folder);
    for round in 0..kills().max(2) {
        let users = shop.user();
        let siti = Visitor::registers(users, &format!("siti{round}@example.com"));
        let answered = std::thread::scope(|scope| {
            let logout = scope.spawn(|| siti.try_send(users, "POST", "/auth/logout", None));
            // In every other round the kill is during the logout, else between its answer and the delivery of its
            // event.
            if round % 2 == 0 {
                // The moment of the kill is random on purpose; this sleep waits for nothing.
                std::thread::sleep(Duration::from_micros(fastrand::u64(0..8000)));
            } else {
                until("the answer", DEADLINE, || logout.is_finished());
            }
            shop.kill();
            match logout.join().unwrap() {
                Ok(answer) => _ = answer.with_status(204),
                Err(broken) => {
                    assert!(round % 2 == 0, "{broken:?}");
                    return false;
                }
            }
            true
        });
        Stored::open(&folder.database()).assert_none(TOKEN_VIOLATIONS);
        shop = start_with_auth(&folder);
        let ended = siti.get(shop.user(), "/auth/me").status == 401;
        assert!(ended || !answered, "a logout that was answered is lost");
        if ended {
            siti.assert_revoked(shop.user(), &calls_besides_user(&shop));
        } else {
            siti.assert_valid(shop.user(), &calls_besides_user(&shop));
        }
    }
    shop.stop("TERM");
    Stored::open(&folder.database()).assert_none(TOKEN_VIOLATIONS);
}
