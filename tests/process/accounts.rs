//! Accounts as the command line and several processes see them: who becomes an admin, what tokens are signed with,
//! and that what has ended in one process ends in the others.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::load::{Stored, assert_unavailable, id, order_of};
use crate::support::binary::{ALL, APART, DEADLINE, Folder, Pasar, Shop, free_address, kills, run, until, url};
use crate::support::blocking::{Http, get, post};
use crate::support::{Answer, Broken, PASSWORD, Visitor};

const SECRET: &str = "what the processes of this shop sign with";
const OTHER: &str = "what the processes of another shop sign with";
const REQUIRED: &[&str] = &["--auth", "required"];

impl Visitor {
    #[track_caller]
    pub fn registers(users: SocketAddr, email: &str) -> Self {
        let new = json!({"name": "Siti", "email": email, "password": PASSWORD});
        Self::of(&post(users, "/auth/register", &new).expect(201))
    }

    #[track_caller]
    fn logs_in(users: SocketAddr, email: &str) -> Self {
        Self::of(&post(users, "/auth/login", &json!({"email": email, "password": PASSWORD})).expect(200))
    }

    fn try_to(&self, service: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, Broken> {
        Http::new(service, false).by(&self.token).send(method, path, None, body)
    }

    #[track_caller]
    fn send(&self, service: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.try_to(service, method, path, body).unwrap_or_else(|broken| panic!("{method} {path}: {broken:?}"))
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

    /// Whether a service says that the token counts no more. It must not be refused for another reason.
    #[track_caller]
    fn has_ended(&self, (service, method, path): Place) -> bool {
        let answer = self.send(service, method, path, None);
        let ended = answer.status == 401;
        if ended {
            answer.problem(401, "token_revoked");
        }
        ended
    }

    #[track_caller]
    fn assert_counts(&self, users: SocketAddr, others: &[Place]) {
        self.get(users, "/auth/me").expect(200);
        for place in others {
            assert!(!self.has_ended(*place), "the token of a session that goes on: {place:?}");
        }
    }

    /// Its tokens have ended at the user service, and will have at the others without further ado.
    #[track_caller]
    fn assert_ended(&self, users: SocketAddr, others: &[Place]) {
        self.get(users, "/auth/me").problem(401, "token_revoked");
        for place in others {
            until(&format!("{place:?} hears of it"), DEADLINE, || self.has_ended(*place));
        }
    }
}

/// A call with which a service looks at the token before anything else, and which changes nothing.
type Place = (SocketAddr, &'static str, &'static str);

fn places(product: SocketAddr, order: SocketAddr, payment: SocketAddr) -> [Place; 3] {
    [(product, "POST", "/products"), (order, "GET", "/orders/1"), (payment, "GET", "/payments/1")]
}

fn others(pasar: &Pasar) -> [Place; 3] {
    places(pasar.product(), pasar.order(), pasar.payment())
}

fn required(folder: &Folder) -> Pasar {
    Pasar::start(&mut folder.pasar(REQUIRED), ALL)
}

/// The exit code and the one line with which `command` says that it can't.
#[track_caller]
fn refusal(command: &mut Command) -> (i32, String) {
    let output = run(command);
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(stdout, "");
    assert!(stderr.ends_with('\n') && stderr.lines().count() == 1, "not one line: {stderr:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    (output.status.code().unwrap(), stderr)
}

/// Runs `pasar admin`, which must say what has become of whom.
#[track_caller]
fn assert_made(command: &mut Command, email: &str, title: &str) {
    let output = run(command);
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains(email) && stdout.contains(title) && stdout.lines().count() == 1, "{stdout}");
}

/// Registers an admin, of whom the shop in `folder` hears while it runs.
#[track_caller]
fn admin(folder: &Folder, users: SocketAddr) -> Visitor {
    let email = "admin@example.com";
    Visitor::registers(users, email);
    assert_made(&mut folder.pasar(&["admin", email]), email, "admin");
    Visitor::logs_in(users, email)
}

#[test]
fn an_account_becomes_an_admins_and_a_customers_again_while_the_shop_runs() {
    let folder = Folder::new();
    let shop = required(&folder);
    let (users, others) = (shop.user(), others(&shop));
    let customer = Visitor::registers(users, "siti@example.com");
    customer.get(users, "/users").problem(403, "not_allowed");
    customer.assert_counts(users, &others);

    // As she writes it on another day: what was promoted is shown as it is known.
    let made = "User 2, Siti <siti@example.com>";
    assert_made(&mut folder.pasar(&["admin", "Siti@Example.COM"]), made, "an admin");
    customer.assert_ended(users, &others);
    let admin = Visitor::logs_in(users, "siti@example.com");
    assert_eq!(admin.id, customer.id);
    assert_eq!(admin.get(users, "/users").expect(200).as_array().map(Vec::len), Some(2));
    admin.post(shop.product(), "/products", &json!({"name": "Kopi", "price": 45_000})).expect(201);
    admin.assert_counts(users, &others);

    assert_made(&mut folder.pasar(&["admin", "siti@example.com", "--remove"]), "siti@example.com", "a customer");
    admin.assert_ended(users, &others);
    let customer = Visitor::logs_in(users, "siti@example.com");
    customer.get(users, "/users").problem(403, "not_allowed");
    customer.post(shop.product(), "/products", &json!({"name": "Teh", "price": 9_000})).problem(403, "not_allowed");
    customer.assert_counts(users, &others);
    shop.stop("TERM");
}

#[test]
fn who_has_no_account_becomes_no_admin() {
    let folder = Folder::new();
    let (exit, line) = refusal(&mut folder.pasar(&["admin", "bob@example.com"]));
    assert!(exit == 1 && line.contains("DATABASE_URL"), "{line}");
    assert!(!folder.database().exists(), "whoever mistypes an address is left with a fresh database");

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
fn an_admin_is_made_in_the_user_services_own_database() {
    let folder = Folder::new();
    let own = url(&folder.path().join("users.db"));
    let alone = |args: &[&str]| {
        let mut command = folder.pasar(args);
        command.env("USER_DATABASE_URL", &own);
        command
    };
    let users = Pasar::start(&mut alone(&["user", "--auth", "required"]), &["UserService"]);
    let customer = Visitor::registers(users.user(), "siti@example.com");
    assert_made(&mut alone(&["admin", "siti@example.com"]), "siti@example.com", "an admin");
    assert!(!folder.database().exists(), "the database of the other services was opened");
    customer.assert_ended(users.user(), &[]);
    Visitor::logs_in(users.user(), "siti@example.com").get(users.user(), "/users").expect(200);
    users.stop("TERM");
}

fn secret_file(folder: &Folder) -> PathBuf {
    folder.path().join("jwt-secret")
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o7777
}

/// What is in a folder besides the database.
fn beside_the_database(folder: &Folder) -> Vec<String> {
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with("pasar.db")).collect()
}

#[test]
fn the_secret_is_made_for_its_owner_alone_and_kept() {
    let folder = Folder::new();
    let shop = required(&folder);
    let file = secret_file(&folder);
    assert_eq!(mode(&file), 0o600);
    let secret = fs::read(&file).unwrap();
    assert!(secret.len() >= 32, "{} bytes", secret.len());
    let siti = Visitor::registers(shop.user(), "siti@example.com");
    shop.stop("TERM");
    let shop = required(&folder);
    siti.assert_counts(shop.user(), &others(&shop));
    shop.stop("TERM");
    assert!(fs::read(&file).unwrap() == secret, "the secret has changed");
    assert_eq!((mode(&file), beside_the_database(&folder)), (0o600, vec!["jwt-secret".to_owned()]));

    // No two shops share one.
    let other = Folder::new();
    required(&other).stop("TERM");
    assert!(fs::read(secret_file(&other)).unwrap() != secret, "two folders have the same secret");
}

#[test]
fn a_secret_that_was_given_is_not_written_down() {
    for auth in ["open", "required"] {
        let folder = Folder::new();
        let start = || Pasar::start(folder.pasar(&["--auth", auth]).env("JWT_SECRET", SECRET), ALL);
        let shop = start();
        let siti = Visitor::registers(shop.user(), "siti@example.com");
        // Nor does who makes an admin need one.
        assert_made(&mut folder.pasar(&["admin", "siti@example.com"]), "siti@example.com", "an admin");
        siti.assert_ended(shop.user(), &others(&shop));
        let siti = Visitor::logs_in(shop.user(), "siti@example.com");
        shop.stop("TERM");
        assert_eq!(beside_the_database(&folder), [""; 0]);
        let shop = start();
        siti.assert_counts(shop.user(), &others(&shop));
        shop.stop("TERM");
    }
}

#[test]
fn a_secret_that_others_can_read_or_guess_is_refused() {
    for (permissions, text) in [
        (0o644, SECRET),
        (0o640, SECRET),
        (0o604, SECRET),
        (0o620, SECRET),
        (0o600, "a guess of thirty-one letters.."),
        (0o600, "a guess and spaces                         \n"),
        (0o600, ""),
    ] {
        let folder = Folder::new();
        let file = secret_file(&folder);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(permissions)).unwrap();
        let (exit, line) = refusal(&mut folder.pasar(REQUIRED));
        assert_eq!(exit, 1, "{line}");
        assert!(line.contains("JWT_SECRET") && line.contains(file.to_str().unwrap()), "{line}");
        assert!(permissions == 0o600 || line.contains("chmod 600"), "{line}");
        assert_eq!((mode(&file), fs::read_to_string(&file).unwrap().as_str()), (permissions, text));
    }
    // Where nobody has to log in it is as good as any: there are file systems on which everybody can read all.
    for (auth, permissions) in [("required", 0o600), ("open", 0o644)] {
        let folder = Folder::new();
        let file = secret_file(&folder);
        fs::write(&file, SECRET).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(permissions)).unwrap();
        let shop = Pasar::start(&mut folder.pasar(&["--auth", auth]), ALL);
        Visitor::registers(shop.user(), "siti@example.com").assert_counts(shop.user(), &others(&shop));
        assert_eq!(mode(&folder.path().join("pasar.db")), 0o600, "it has the hashes of all passwords");
        assert_eq!(mode(&folder.path().join("pasar.db-wal")), 0o600);
        shop.stop("TERM");
    }
}

#[test]
fn processes_that_start_at_once_on_an_empty_folder_agree_on_a_secret() {
    for _ in 0..10 {
        let folder = Folder::new();
        let [user, product, order, payment] = [(); 4].map(|()| free_address());
        let started = ["user", "product", "order", "payment"].map(|service| {
            let mut command = folder.pasar(&[&[service], REQUIRED].concat());
            for (variable, address) in
                [("USER_ADDR", user), ("PRODUCT_ADDR", product), ("ORDER_ADDR", order), ("PAYMENT_ADDR", payment)]
            {
                command.env(variable, address.to_string());
            }
            Pasar::spawn(&mut command)
        });
        let mut services = ALL.iter();
        let processes = started.map(|process| process.ready(&[services.next().unwrap()]));
        let siti = Visitor::registers(user, "siti@example.com");
        siti.assert_counts(user, &places(product, order, payment));
        // The order service asks the others with tokens of its own.
        siti.post(order, "/orders", &order_of(siti.id)).expect(201);
        processes.into_iter().rev().for_each(|process| process.stop("TERM"));
        assert_eq!(beside_the_database(&folder), ["jwt-secret"]);
    }
}

#[test]
fn four_processes_with_one_secret_are_one_shop() {
    let shop = Shop::start(APART, &["--auth", "required", "--jwt-secret", SECRET]);
    let (users, products, orders, payments) = (shop.user(), shop.product(), shop.order(), shop.payment());
    let admin = admin(&shop.folder, users);
    let siti = Visitor::registers(users, "siti@example.com");
    let coffee = json!({"name": "Kopi Gayo", "price": 45_000, "stock": 10});
    let coffee = admin.post(products, "/products", &coffee).expect(201)["product"]["id"].clone();
    let stock = |stock: i64, reserved: i64, sold: i64| {
        let wanted = json!({"stock": stock, "reserved": reserved, "sold": sold});
        let mut found = Value::Null;
        until("the stock is told", DEADLINE, || {
            found = get(products, &format!("/products/{coffee}/stock")).expect(200);
            ["stock", "reserved", "sold"].iter().all(|column| found[column] == wanted[column])
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

    // Nobody else may.
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

    // What ends in one process ends in all of them, for one user alone.
    let others = places(products, orders, payments);
    siti.assert_counts(users, &others);
    siti.send(users, "POST", "/auth/logout", None).with_status(204);
    siti.assert_ended(users, &others);
    for visitor in [&admin, &eve, &Visitor::logs_in(users, "siti@example.com")] {
        visitor.assert_counts(users, &others);
    }
    shop.stop();
}

#[test]
fn services_that_do_not_agree_on_tokens_say_so_in_the_log() {
    let folder = Folder::new();
    let strict = ["user", "--auth", "required", "--jwt-secret", SECRET];
    let users = Pasar::start(&mut folder.pasar(&strict), &["UserService"]);
    let said = "AUTH and JWT_SECRET must be the same";
    for (number, (auth, secret, agree)) in
        [("required", SECRET, true), ("required", OTHER, false), ("open", SECRET, false)].into_iter().enumerate()
    {
        let mut command = folder.pasar(&["--auth", auth, "--jwt-secret", secret]);
        let shop = Pasar::start(command.env("USER_URL", format!("http://{}", users.user())), ALL);
        // Its own user service gives tokens that it knows; for orders the strict one is asked.
        let siti = Visitor::registers(shop.user(), &format!("siti{number}@example.com"));
        let answer = siti.post(shop.order(), "/orders", &order_of(siti.id));
        if agree {
            answer.expect(201);
        } else {
            assert_unavailable(&answer, &["peer_unavailable"]);
            assert!(!answer.text().contains(said), "a customer can do nothing about it: {}", answer.text());
            until("the log says why", DEADLINE, || shop.log().contains(said));
        }
        if secret == OTHER {
            siti.get(users.user(), "/auth/me").problem(401, "token_invalid");
        }
        assert!(!agree || !shop.log().contains(said), "{}", shop.log());
        shop.stop("TERM");
    }
    users.stop("TERM");
    assert_eq!(Stored::open(&folder.database()).count("SELECT count(*) FROM orders"), 1);
}

#[test]
fn who_listens_beyond_loopback_asks_for_tokens() {
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
    assert!(!folder.database().exists(), "refused only after something had been opened");
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
fn a_logout_that_was_answered_is_heard_by_whoever_starts_after_the_user_service_was_killed() {
    let folder = Folder::new();
    let mut users = Pasar::start(&mut folder.pasar(&[&["user"], REQUIRED].concat()), &["UserService"]);
    let [siti, eve] = ["siti@example.com", "eve@example.com"].map(|email| Visitor::registers(users.user(), email));
    siti.send(users.user(), "POST", "/auth/logout", None).with_status(204);
    // Nobody was there to hear it.
    users.kill();
    let mut command = folder.pasar(&[&["product", "order", "payment"], REQUIRED].concat());
    let rest = Pasar::start(&mut command, &ALL[1..]);
    for place in others(&rest) {
        until(&format!("{place:?} hears of it"), DEADLINE, || siti.has_ended(place));
        assert!(!eve.has_ended(place), "{place:?} ended the token of another");
    }
    rest.stop("TERM");
}

/// What would break the promise that an event exists if and only if its change was committed.
const TOKENS_APART: &[(&str, &str)] = &[
    (
        "tokens that have ended, of which nobody was told",
        "SELECT count(*) FROM accounts WHERE token_version > 1
         AND NOT EXISTS (SELECT 1 FROM revocations
                         WHERE revocations.user_id = accounts.user_id AND version = token_version)
         AND (SELECT count(*) FROM outbox
              WHERE key = 'user:' || user_id AND subscriber IN ('product.tokens', 'order.tokens', 'payment.tokens')
                AND json_extract(event, '$.version') = token_version) < 3",
    ),
    (
        "ends of tokens that were told, of tokens that have not ended",
        "SELECT count(*) FROM accounts WHERE
         EXISTS (SELECT 1 FROM revocations WHERE revocations.user_id = accounts.user_id AND version > token_version)
         OR EXISTS (SELECT 1 FROM outbox WHERE key = 'user:' || user_id AND subscriber LIKE '%.tokens'
                    AND json_extract(event, '$.version') > token_version)",
    ),
];

#[test]
fn a_logout_is_heard_everywhere_or_nowhere_whenever_the_shop_is_killed() {
    let folder = Folder::new();
    let mut shop = required(&folder);
    for round in 0..kills().max(2) {
        let users = shop.user();
        let siti = Visitor::registers(users, &format!("siti{round}@example.com"));
        let answered = std::thread::scope(|scope| {
            let logout = scope.spawn(|| siti.try_to(users, "POST", "/auth/logout", None));
            // Every other time within the logout, else between its answer and the event's delivery.
            if round % 2 == 0 {
                // The moment is what this test varies; nothing waits for anything here.
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
        Stored::open(&folder.database()).assert_none(TOKENS_APART);
        shop = required(&folder);
        let ended = siti.get(shop.user(), "/auth/me").status == 401;
        assert!(ended || !answered, "a logout that was answered is lost");
        if ended {
            siti.assert_ended(shop.user(), &others(&shop));
        } else {
            siti.assert_counts(shop.user(), &others(&shop));
        }
    }
    shop.stop("TERM");
    Stored::open(&folder.database()).assert_none(TOKENS_APART);
}
