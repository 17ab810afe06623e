//! A damaged database file.

use std::io::{Seek, SeekFrom, Write};

use rusqlite::Connection;

use super::load::{assert_unavailable, order_of};
use crate::support::binary::{DEADLINE, Folder, until};
use crate::support::blocking::{get, post};

#[test]
fn a_service_with_a_damaged_database_is_not_ready() {
    let folder = Folder::new();
    let pasar = folder.start();
    post(pasar.order(), "/orders", &order_of(1)).expect(201);
    get(pasar.order(), "/health/ready").expect(200);
    pasar.stop("TERM");
    let database = Connection::open(folder.database()).unwrap();
    let number = |sql| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() as u64;
    let page = number("SELECT rootpage FROM sqlite_schema WHERE name = 'payments'");
    let size = number("PRAGMA page_size");
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(database);
    let mut file = std::fs::OpenOptions::new().write(true).open(folder.database()).unwrap();
    file.seek(SeekFrom::Start((page - 1) * size)).unwrap();
    file.write_all(&vec![0xa5; size as usize]).unwrap();
    drop(file);

    let pasar = folder.start();
    assert_unavailable(&get(pasar.payment(), "/payments"), &["storage_unavailable"]);
    for path in ["/health/ready", "/health"] {
        for service in [pasar.payment(), pasar.order(), pasar.user(), pasar.product()] {
            assert_unavailable(&get(service, path), &["storage_unavailable"]);
        }
    }
    // Writes to other pages succeed; that does not repair the file.
    post(pasar.user(), "/users", &serde_json::json!({"name": "Bob"})).expect(201);
    assert_unavailable(&get(pasar.user(), "/health/ready"), &["storage_unavailable"]);
    get(pasar.user(), "/health/live").expect(200);
    until("the log says so", DEADLINE, || pasar.log().contains("is damaged"));
    pasar.stop("TERM");
}
