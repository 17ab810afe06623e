//! Passwords, hashes, tokens and secrets appear only where they belong: not in logs, events, metrics or messages, nor
//! in answers to others.
//!
//! Real processes do everything that involves a secret, with full logging. All that they print, log, answer and store
//! is collected, and then searched for every secret.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Value, json};

use super::secret_search::{Search, Tap, bearer, send};
use crate::support::PATIENCE;
use crate::support::binary::{ALL, Folder, Pasar, free_address, run, url};

pub const SECRET: &str = "rahasia-toko-yang-tidak-ada-di-tempat-lain";
/// Text that every freely chosen password below contains, so that fragments are found too.
const MARK: &str = "penanda";
const FIRST: &str = "penanda-pertama-Xk3vQ";
const SECOND: &str = "penanda-kedua-Wz8rT";
const WRONG: &str = "penanda-salah-Hj5mL";
const ADMINS: &str = "penanda-pengurus-Bn6dF";
const SHORT: &str = "pNd#7q";
const COMMON: &str = "Iloveyou1";
const HASH: &str = "$argon2";

/// Invalid bodies with a password in them.
fn unreadable(password: &str) -> [String; 12] {
    [
        format!(r#"{{"email": "siti@example.com", "password": "{password}"#),
        format!(r#"{{"email": "siti@example.com", "password": "{password}" "x"}}"#),
        format!(r#"{{"email": "siti@example.com", "password": {password}}}"#),
        format!(r#"{{"email": "siti@example.com", "password": "{password}\ud800"}}"#),
        format!("{{\"email\": \"siti@example.com\", \"password\": \"{password}\n\"}}"),
        format!(r#"{{"password": "{password}", "password": "{password}"}}"#),
        format!(r#"{{"email": "siti@example.com", "password": ["{password}"]}}"#),
        format!(r#"{{"email": "siti@example.com", "password": {{"is": "{password}"}}}}"#),
        format!(r#"{{"email": "{password}", "password": "{password}", "remember": "{password}"}}"#),
        format!(r#""{password}""#),
        format!(r#"["{password}"]"#),
        format!("email=siti%40example.com&password={password}"),
    ]
}

/// The processes of a shop: the user service with its own database, so that its events for the others stay stored,
/// and the other services. Their calls to each other go through taps.
struct Shop {
    folder: Folder,
    users: Pasar,
    rest: Pasar,
    taps: Vec<Tap>,
    required: bool,
}

impl Shop {
    fn start(auth: &str, secret: Option<&str>) -> Self {
        let folder = Folder::new();
        let addresses = [(); 4].map(|()| free_address());
        let taps: Vec<_> = addresses.into_iter().map(Tap::before).collect();
        let mut started = [&["user"][..], &["product", "order", "payment"]].map(|services| {
            let mut command = folder.pasar(services);
            command.envs([("RUST_LOG", "trace"), ("AUTH", auth), ("SWEEP", "100ms")]);
            command.env("USER_DATABASE_URL", url(&folder.path().join("users.db")));
            command.envs(secret.map(|secret| ("JWT_SECRET", secret)));
            for (at, service) in ["USER", "PRODUCT", "ORDER", "PAYMENT"].into_iter().enumerate() {
                command.env(format!("{service}_ADDR"), addresses[at].to_string());
                command.env(format!("{service}_URL"), taps[at].url());
            }
            // Started in sequence: the second finds the secret file of the first.
            Some(Pasar::start(&mut command, if services.len() == 1 { &ALL[..1] } else { &ALL[1..] }))
        });
        let [users, rest] = [0, 1].map(|at| started[at].take().unwrap());
        Self { folder, users, rest, taps, required: auth == "required" }
    }

    /// The first status with required auth, the second with open auth.
    fn either(&self, required: u16, open: u16) -> u16 {
        if self.required { required } else { open }
    }

    fn users_db(&self) -> Connection {
        let connection = Connection::open(self.folder.path().join("users.db")).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        connection
    }
}

fn account(name: &str, password: &str) -> String {
    json!({"name": name, "email": format!("{name}@example.com"), "password": password}).to_string()
}

fn login(name: &str, password: &str) -> String {
    json!({"email": format!("{name}@example.com"), "password": password}).to_string()
}

fn change(current: &str, new: &str) -> String {
    json!({"current_password": current, "new_password": new}).to_string()
}

/// Registers, logs in and changes the password, correctly and in every wrong way. Returns the token that is valid
/// afterwards.
fn passwords(shop: &Shop, search: &mut Search) -> String {
    let users = shop.users.user();
    let first = search.receive_token(users, "access_token", "POST /auth/register", &[], &account("siti", FIRST));
    search.send(users, 409, "POST /auth/register", &[], &account("siti", FIRST));
    let long = WRONG.repeat(10);
    for bad in [SHORT, COMMON, &long] {
        search.send(users, 422, "POST /auth/register", &[], &account("eve", bad));
    }
    let by_first = bearer(&first);
    for body in unreadable(WRONG) {
        let form = body.starts_with("email=").then_some("Content-Type: application/x-www-form-urlencoded");
        for (line, header) in [
            ("POST /auth/register", None),
            ("POST /auth/login", None),
            ("POST /users", None),
            ("PUT /auth/me/password", Some(&*by_first)),
            ("PATCH /auth/me", Some(&*by_first)),
            ("DELETE /users/2", Some(&*by_first)),
        ] {
            let headers: Vec<_> = form.into_iter().chain(header).collect();
            let reply = send(users, line, &headers, &body, |_| false);
            // Other tests check which of these are allowed; here only the answers matter.
            assert!((400..500).contains(&reply.status()), "{line} {body}: {}", reply.text);
            search.record(&format!("the answer to {line} {body}").replace(WRONG, "…"), reply.text);
        }
    }
    search.send(users, 401, "POST /auth/login", &[], &login("siti", WRONG));
    search.send(users, 401, "POST /auth/login", &[], &login("nobody", WRONG));
    let second = search.receive_token(users, "access_token", "POST /auth/login", &[], &login("siti", FIRST));
    let by_second = bearer(&second);
    search.send(users, 200, "GET /auth/me", &[&by_second], "");
    search.send(users, 422, "PUT /auth/me/password", &[&by_second], &change(WRONG, SECOND));
    let moved = json!({"email": "eve@example.com", "current_password": WRONG}).to_string();
    search.send(users, 422, "PATCH /auth/me", &[&by_second], &moved);
    search.send(users, 422, "PUT /auth/me/password", &[&by_second], &change(FIRST, SHORT));
    search.send(users, 422, "PUT /auth/me/password", &[&by_second], &change(FIRST, COMMON));
    search.send(users, 204, "PUT /auth/me/password", &[&by_second], &change(FIRST, SECOND));
    for ended in [&by_first, &by_second] {
        search.send(users, 401, "GET /auth/me", &[ended], "");
        search.send(users, 401, "GET /users", &[ended], "");
    }
    search.send(users, 401, "POST /auth/login", &[], &login("siti", FIRST));
    search.receive_token(users, "access_token", "POST /auth/login", &[], &login("siti", SECOND))
}

/// Opens live streams with a ticket, and sends tickets and tokens where they don't belong. Returns the ticket.
fn tickets(shop: &Shop, search: &mut Search, token: &str, id: &Value) -> String {
    let users = shop.users.user();
    let by = bearer(token);
    let ticket = search.receive_token(users, "ticket", "POST /auth/ticket", &[&by], "");
    let stream = format!("/users/{id}/notifications/stream");
    search.listen(users, &format!("GET {stream}"), &[&by]);
    for name in ["ticket", "%74icket", "t%69cke%74"] {
        search.listen(users, &format!("GET {stream}?{name}={ticket}"), &[]);
        search.listen(users, &format!("GET {stream}?last_event_id=0&{name}={ticket}"), &[]);
        search.listen(users, &format!("GET http://{users}{stream}?{name}={ticket}"), &[]);
        search.send(users, 401, &format!("GET {stream}?{name}={ticket}&ticket={ticket}"), &[], "");
        search.send(users, 401, &format!("GET {stream}?{name}={ticket}"), &[&by], "");
        search.send(users, 400, &format!("GET {stream}?{name}={ticket}&colour=red"), &[], "");
        search.send(users, 200, &format!("HEAD {stream}?{name}={ticket}"), &[], "");
        search.send(users, 405, &format!("POST {stream}?{name}={ticket}"), &[], "");
        search.send(users, 404, &format!("GET /streams?{name}={ticket}"), &[], "");
        search.send(users, shop.either(401, 400), &format!("GET /users?{name}={ticket}"), &[], "");
        search.send(users, 421, &format!("GET http://shop.example{stream}?{name}={ticket}"), &[], "");
    }
    // Signed as a server would, but for another purpose or for none.
    for (what, header, status) in [
        ("a ticket for a token", bearer(&ticket), 401),
        ("a token that was changed", bearer(&format!("{token}x")), 401),
        ("a token that is too long", bearer(&token.repeat(20)), 401),
        ("another scheme", format!("Authorization: Token {token}"), shop.either(401, 200)),
        ("no scheme", format!("Authorization: {token}"), 401),
        ("two tokens", format!("{by}\r\n{by}"), 401),
        ("a password", format!("Authorization: Basic {}", basic()), shop.either(401, 200)),
    ] {
        for (service, line) in
            [(users, "GET /users"), (shop.rest.order(), "GET /orders"), (shop.rest.payment(), "GET /payments")]
        {
            let reply = send(service, line, &[&header], "", |_| false);
            assert_eq!(reply.status(), status, "{what}: {}", reply.text);
            search.record(&format!("the answer to {line} with {what}"), reply.text);
        }
    }
    let body = json!({"user_id": id, "product_id": 1, "access_token": token, "ticket": ticket}).to_string();
    search.send(shop.rest.order(), 422, "POST /orders", &[&by], &body);
    search.send(users, 422, "PATCH /auth/me", &[&by], &body);
    search.send(users, 200, "GET /health", &[&by, &format!("Cookie: token={token}; ticket={ticket}")], "");
    search.send(users, shop.either(401, 200), "GET /users", &[&format!("Cookie: token={token}")], "");
    ticket
}

/// Basic authentication, which a client might try.
fn basic() -> String {
    BASE64.encode(format!("siti@example.com:{SECOND}"))
}

/// Orders, pays, confirms and cancels, so that every service sends its service tokens.
fn orders(shop: &Shop, search: &mut Search, token: &str, id: &Value) {
    let users = shop.users.user();
    search.receive_token(users, "access_token", "POST /auth/register", &[], &account("admin", ADMINS));
    for flags in [&[][..], &["--remove"], &[]] {
        let mut command = shop.folder.pasar(&["admin", "admin@example.com"]);
        command.args(flags).envs([("RUST_LOG", "trace"), ("JWT_SECRET", SECRET)]);
        command.env("USER_DATABASE_URL", url(&shop.folder.path().join("users.db")));
        let output = run(&mut command);
        assert!(output.status.success(), "{output:?}");
        search.record("what pasar admin says", format!("{output:?}"));
    }
    let admin = bearer(&search.receive_token(users, "access_token", "POST /auth/login", &[], &login("admin", ADMINS)));
    search.send(users, 200, "GET /users", &[&admin], "");

    let (product, order, payment) = (shop.rest.product(), shop.rest.order(), shop.rest.payment());
    let coffee = json!({"name": "Kopi Gayo", "price": 45_000, "stock": 10}).to_string();
    let coffee = search.send(product, 201, "POST /products", &[&admin], &coffee).json()["product"]["id"].clone();
    let by = bearer(token);
    let new = json!({"user_id": id, "items": [{"product_id": coffee, "quantity": 1}]}).to_string();
    for (number, last) in [(1, "confirm"), (2, "status"), (3, "status")] {
        search.send(order, 201, "POST /orders", &[&by, &format!("Idempotency-Key: {number}")], &new);
        search.send(order, 200, &format!("GET /orders/{number}/detail"), &[&by], "");
        let of = json!({"order_id": number}).to_string();
        if number < 3 {
            search.send(payment, 201, "POST /payments", &[&by], &of);
            search.send(payment, 200, "POST /payments/confirm", &[&by], &of);
        }
        let body = if last == "confirm" { "" } else { r#"{"status": "cancelled"}"# };
        search.send(order, 200, &format!("PUT /orders/{number}/{last}"), &[&admin], body);
    }
    for (service, path) in
        [(order, "/orders"), (order, "/peers"), (payment, "/payments"), (users, "/users"), (product, "/products")]
    {
        search.send(service, 200, &format!("GET {path}"), &[&admin], "");
    }
}

/// The public pages.
fn pages(shop: &Shop, search: &mut Search) {
    for service in [shop.users.user(), shop.rest.product(), shop.rest.order(), shop.rest.payment()] {
        for path in ["/", "/openapi.json", "/postman.json", "/errors", "/health", "/metrics"] {
            search.send(service, 200, &format!("GET {path}"), &[], "");
            search.send(service, 200, &format!("GET {path}"), &["Accept: text/html"], "");
        }
    }
}

/// Calls a service that fails and sees all that the request contains.
fn failures(shop: &Shop, search: &mut Search, token: &str, ticket: &str, id: &Value) {
    let users = shop.users.user();
    let by = bearer(token);
    let attempts = |search: &mut Search, status: u16| {
        search.send(users, status, "POST /auth/register", &[], &account("eve", WRONG));
        search.send(users, status, "PUT /auth/me/password", &[&by], &change(SECOND, FIRST));
        search.send(users, status, "POST /auth/logout", &[&by], "");
    };
    let db = shop.users_db();
    db.execute_batch("ALTER TABLE accounts RENAME TO mislaid").unwrap();
    attempts(search, 500);
    search.send(users, 500, "POST /auth/login", &[], &login("siti", SECOND));
    search.send(users, 500, &format!("GET /users/{id}/notifications/stream?ticket={ticket}"), &[], "");
    db.execute_batch("ALTER TABLE mislaid RENAME TO accounts; BEGIN IMMEDIATE").unwrap();
    attempts(search, 503);
    db.execute_batch("ROLLBACK").unwrap();
}

/// The rows of a table as text.
fn rows(db: &Connection, table: &str) -> Vec<String> {
    let mut statement = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut all = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let text = |column| match row.get_ref(column).unwrap() {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => format!("{other:?}"),
        };
        all.push((0..columns).map(text).collect::<Vec<_>>().join(" | "));
    }
    all
}

/// Records what is stored: only the accounts table may have hashes, and no file may have other secrets.
fn stored(folder: &Path, search: &mut Search) {
    let mut events = 0;
    for file in ["users.db", "pasar.db"] {
        let db = Connection::open(folder.join(file)).unwrap();
        let tables = "SELECT group_concat(name) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let tables: String = db.query_row(tables, [], |row| row.get(0)).unwrap();
        for table in tables.split(',') {
            let rows = rows(&db, table);
            if table == "outbox" {
                events += rows.iter().filter(|row| row.contains("user_credentials_changed")).count();
            }
            if (file, table) == ("users.db", "accounts") {
                assert!(rows.len() == 2 && rows.iter().all(|row| row.contains(HASH)), "{rows:?}");
                search.record("the accounts", rows.join("\n").replace(HASH, ""));
            } else {
                search.record(&format!("the table {table} of {file}"), rows.join("\n"));
            }
        }
    }
    assert!(events >= 12, "{events} events about tokens; some are missing");
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name != "jwt-secret" {
            let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
            search.record(&format!("the file {name}"), text.replace(HASH, ""));
        }
    }
}

#[track_caller]
fn assert_no_secret_leaks(auth: &str, given: Option<&str>) {
    let shop = Shop::start(auth, given);
    let mut search = Search::default();
    let file = shop.folder.path().join("jwt-secret");
    assert_eq!(file.exists(), given.is_none());
    let secret = given.map_or_else(|| fs::read_to_string(&file).unwrap(), str::to_owned);
    search.secret("the secret", secret.trim());
    for password in [MARK, SHORT, COMMON, &COMMON.to_lowercase()] {
        search.secret("a password", password);
    }
    search.secret("e-mail address and password", &basic());
    search.secret("a hash", HASH);

    let token = passwords(&shop, &mut search);
    let users = shop.users.user();
    let by = bearer(&token);
    let id = search.send(users, 200, "GET /auth/me", &[&by], "").json()["id"].clone();
    let ticket = tickets(&shop, &mut search, &token, &id);
    orders(&shop, &mut search, &token, &id);
    failures(&shop, &mut search, &token, &ticket, &id);
    search.send(users, 204, "POST /auth/logout", &[&by], "");
    for (line, header) in [
        ("POST /auth/logout".to_owned(), Some(&*by)),
        ("POST /auth/ticket".to_owned(), Some(&*by)),
        (format!("GET /users/{id}"), Some(&*by)),
        (format!("GET /users/{id}/notifications/stream?ticket={ticket}"), None),
        (format!("GET /users/{id}/notifications/stream?%74icket={ticket}"), None),
    ] {
        search.send(users, 401, &line, header.as_slice(), "");
    }
    pages(&shop, &mut search);

    let Shop { folder, users, rest, taps, required } = shop;
    let log = users.stop_and_read_output("TERM");
    assert!(
        log.contains("method=POST path=/auth/login status=401") && log.contains("ticket=hidden"),
        "not all is logged: {log}"
    );
    search.record("the log of the user service", log);
    // The database of the other services has received revocations.
    let order = json!({"user_id": id, "product_id": 1}).to_string();
    search.send(rest.order(), 503, "POST /orders", &[&by], &order);
    let log = rest.stop_and_read_output("TERM");
    assert!(log.contains("pasar::access") && log.contains("peer_unavailable"), "not all is logged: {log}");
    search.record("the log of the other services", log);
    for (source, text) in &search.records {
        assert!(!text.contains("lines were not written"), "{source} is incomplete");
    }
    for (tap, service) in taps.iter().zip(ALL) {
        let tokens = tap.tokens();
        assert_eq!(!tokens.is_empty(), required, "tokens for the {service}: {tokens:?}");
        for token in tokens {
            search.token(&format!("a token for the {service}"), &token);
        }
    }
    stored(folder.path(), &mut search);
    search.assert_nothing_found();
}

#[test]
fn secrets_do_not_leak_with_required_auth_and_a_configured_secret() {
    assert_no_secret_leaks("required", Some(SECRET));
}

#[test]
fn secrets_do_not_leak_with_required_auth_and_a_secret_file() {
    assert_no_secret_leaks("required", None);
}

#[test]
fn secrets_do_not_leak_with_open_auth() {
    assert_no_secret_leaks("open", None);
}

#[test]
fn a_token_or_password_in_a_url_is_not_logged() {
    let folder = Folder::new();
    let mut command = folder.pasar(&["user", "--auth", "required"]);
    let pasar = Pasar::start(command.env("RUST_LOG", "trace"), &ALL[..1]);
    let mut search = Search::default();
    search.secret("a password", MARK);
    let users = pasar.user();
    let token = search.receive_token(users, "access_token", "POST /auth/register", &[], &account("siti", FIRST));
    let ticket = search.receive_token(users, "ticket", "POST /auth/ticket", &[&bearer(&token)], "");
    for (status, line) in [
        // RFC 6750, section 2.3: clients of other services may send it there.
        (401, format!("GET /users/2?access_token={token}")),
        (401, format!("GET /users/2?token={token}")),
        (401, format!("GET /users/2/notifications/stream?token={token}")),
        (401, format!("GET /users/2/notifications/stream?Ticket={ticket}")),
        // As a form without its script sends it.
        (405, format!("GET /auth/login?email=siti%40example.com&password={FIRST}")),
        (405, format!("GET /auth/register?name=Siti&email=siti@example.com&password={FIRST}")),
    ] {
        search.send(users, status, &line, &[], "");
    }
    let log = pasar.stop_and_read_output("TERM");
    assert!(log.contains("method=GET path=/auth/login"), "not all is logged: {log}");
    search.record("the log", log);
    search.assert_nothing_found();
}
