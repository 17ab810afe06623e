//! Writers that send orders, and checks that the database has every order that was answered.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use serde_json::{Value, json};

use crate::support::{Answer, Broken, blocking::Http};

/// An order that was answered with 201.
#[derive(Debug)]
pub struct Placed {
    pub id: i64,
    pub user: i64,
    pub key: Option<String>,
}

/// One client that places one order after the other for one user.
pub struct Writer {
    http: Http,
    pub user: i64,
    /// The prefix of its Idempotency-Keys, if it sends any.
    keys: Option<String>,
    sent: usize,
    pub placed: Vec<Placed>,
}

impl Writer {
    pub fn new(order_service: SocketAddr, user: i64) -> Self {
        Self { http: Http::new(order_service, true), user, keys: None, sent: 0, placed: Vec::new() }
    }

    /// Opens a new connection for every order.
    pub fn with_fresh_connections(order_service: SocketAddr, user: i64) -> Self {
        Self { http: Http::new(order_service, false), ..Self::new(order_service, user) }
    }

    pub fn with_keys(self, prefix: String) -> Self {
        Self { keys: Some(prefix), ..self }
    }

    /// Sends one order, and remembers it if the answer is 201.
    pub fn place_order(&mut self) -> Result<Answer, Broken> {
        self.sent += 1;
        let key = self.key();
        let answer = self.http.send("POST", "/orders", key.as_deref(), Some(&order_of(self.user)))?;
        if answer.status == 201 {
            assert_eq!(answer.header("idempotent-replayed"), "", "a new key was replayed: {key:?}");
            self.placed.push(Placed { id: id(&answer), user: self.user, key });
        }
        Ok(answer)
    }

    /// The key that was sent last.
    pub fn key(&self) -> Option<String> {
        self.keys.as_ref().map(|prefix| format!("{prefix}-{}", self.sent))
    }
}

pub fn order_of(user: i64) -> Value {
    json!({"user_id": user, "product_id": 1})
}

/// The order id in an answer.
#[track_caller]
pub fn id(answer: &Answer) -> i64 {
    answer.json()["order_id"].as_i64().unwrap_or_else(|| panic!("no order: {}", answer.text()))
}

/// Asserts that this is a temporary refusal with one of these codes.
#[track_caller]
pub fn assert_unavailable(answer: &Answer, codes: &[&str]) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    let seconds = answer.header("retry-after").parse::<u32>();
    assert!(seconds.is_ok_and(|seconds| seconds > 0), "Retry-After is missing");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let code = answer.json()["code"].clone();
    assert!(codes.iter().any(|known| code == *known), "{}", answer.text());
}

/// The database file, opened by another program.
pub struct Stored(Connection);

impl Stored {
    pub fn open(file: &Path) -> Self {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        Self(connection)
    }

    /// Asserts that every order is stored once, with its user and its line.
    #[track_caller]
    pub fn assert_holds<'a>(&self, placed: impl IntoIterator<Item = &'a Placed>) {
        let sql = "SELECT user_id FROM orders WHERE id = ?1 AND json_array_length(items) > 0";
        let mut statement = self.0.prepare(sql).unwrap();
        let mut seen = HashSet::new();
        for order in placed {
            assert!(seen.insert(order.id), "two answers promised the same order: {order:?}");
            let user: Option<i64> = statement.query_row([order.id], |row| row.get(0)).optional().unwrap();
            assert_eq!(user, Some(order.user), "an acknowledged order is not in the file: {order:?}");
        }
    }

    pub fn execute(&self, sql: &str) {
        self.0.execute(sql, ()).unwrap();
    }

    pub fn count(&self, sql: &str) -> usize {
        usize::try_from(self.0.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()).unwrap()
    }

    /// Asserts that these queries count nothing, all in one snapshot of the database.
    #[track_caller]
    pub fn assert_none(&self, queries: &[(&str, &str)]) {
        let found = self.violations(queries);
        assert!(found.is_empty(), "in {}: {found:?}", self.0.path().unwrap_or_default());
    }

    /// The queries that count something in one snapshot of the database, and how much.
    pub fn violations<'a>(&self, queries: &[(&'a str, &str)]) -> Vec<(usize, &'a str)> {
        let moment = self.0.unchecked_transaction().unwrap();
        let found = queries.iter().map(|(what, sql)| (self.count(sql), *what)).filter(|(n, _)| *n > 0).collect();
        moment.commit().unwrap();
        found
    }

    #[track_caller]
    pub fn assert_sound(&self) {
        let found: String = self.0.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(found, "ok");
    }
}
