//! Many concurrent searches of many products, while orders are placed one by one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::load::{Writer, assert_unavailable};
use crate::support::binary::Folder;
use crate::support::blocking::{Http, get};

const PRODUCTS: i64 = 100_000;
const SEARCHERS: usize = 100;
const ORDERS: usize = 100;
/// The longest that an answer may take.
const MAX_ANSWER_TIME: Duration = Duration::from_secs(3);

/// None finds anything: some use an index, the others read all rows.
const SEARCHES: &[&str] = &[
    "/products?search=tidak+ada+yang+begini",
    "/products?search=qx&sort=price",
    "/products?category=Tas&in_stock=false&min_price=5&sort=name&limit=1000",
    "/products?in_stock=false&sort=-price",
    "/orders?status=pending&user_id=2",
];

#[test]
fn searches_without_results_do_not_block_orders() {
    let folder = Folder::new();
    folder.start().stop("TERM");
    let mut database = Connection::open(folder.database()).unwrap();
    let filling = database.transaction().unwrap();
    filling
        .execute(
            "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
             INSERT INTO products (name, price, stock, received, category, search_text)
             SELECT 'Tas Kulit ' || n, n, 5, 5, 'Tas', 'tas kulit ' || n || char(10) FROM number",
            [PRODUCTS],
        )
        .unwrap();
    filling.commit().unwrap();
    drop(database);

    let pasar = folder.start();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for at in 0..SEARCHERS {
            let over = &over;
            let path = SEARCHES[at % SEARCHES.len()];
            let service = if path.starts_with("/orders") { pasar.order() } else { pasar.product() };
            scope.spawn(move || {
                let mut searcher = Http::new(service, true);
                while !over.load(Ordering::Relaxed) {
                    let start = Instant::now();
                    let answer = searcher.send("GET", path, None, None).unwrap();
                    assert!(start.elapsed() <= MAX_ANSWER_TIME, "{path}: {:?}", start.elapsed());
                    match answer.status {
                        200 => assert_eq!(answer.text(), "[]", "{path}"),
                        _ => assert_unavailable(&answer, &["busy", "too_slow"]),
                    }
                }
            });
        }
        let mut writer = Writer::new(pasar.order(), 1);
        for _ in 0..ORDERS {
            let start = Instant::now();
            let placed = writer.place_order();
            let took = start.elapsed();
            // The searchers must end even if this fails.
            if !placed.as_ref().is_ok_and(|answer| answer.status == 201) || took > MAX_ANSWER_TIME {
                over.store(true, Ordering::Relaxed);
                panic!("an order after {took:?}: {:?}", placed.map(|answer| answer.text()));
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    // A single search is answered.
    get(pasar.product(), "/products?search=kulit+99999").expect(200);
    pasar.stop("TERM");
}
