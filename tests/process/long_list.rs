//! A list of very many orders is streamed in constant memory while orders are placed.

use std::io::{Read, Write};
use std::net::TcpStream;

use rusqlite::Connection;

use super::load::Writer;
use crate::support::binary::{Folder, Pasar};
use crate::support::blocking::get;

/// How many orders are stored.
fn orders() -> usize {
    std::env::var("PASAR_ORDERS").map_or(50_000, |count| count.parse().unwrap())
}

/// A value from the process's status, in KiB: `VmRSS` is its current memory, `VmHWM` its peak.
#[cfg(target_os = "linux")]
fn memory(pasar: &Pasar, figure: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pasar.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_list_of_all_orders_is_streamed_in_constant_memory() {
    let folder = Folder::new();
    folder.start().stop("TERM");
    let mut database = Connection::open(folder.database()).unwrap();
    let filling = database.transaction().unwrap();
    filling
        .execute(
            "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
             INSERT INTO orders (id, user_id, user_name, items, total_price, status, created_at)
             SELECT n, 1, 'Bambang', '[{\"id\":1,\"name\":\"Laptop Asus\",\"price\":8000000,\"quantity\":1}]',
                    8000000, 'pending', 1790000000000 FROM number",
            [orders() as i64],
        )
        .unwrap();
    filling.commit().unwrap();
    drop(database);

    let pasar = folder.start();
    get(pasar.order(), "/orders?limit=10").expect(200);
    let idle = memory(&pasar, "VmRSS");

    let mut list = TcpStream::connect(pasar.order()).unwrap();
    list.write_all(b"GET /orders HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    // Only counted while it arrives, so that the test needs no memory for it.
    let (mut count, mut tail, mut read) = (0, Vec::new(), [0; 64 * 1024]);
    let mark = b"\"order_id\":";
    let mut writer = Writer::new(pasar.order(), 1);
    let mut placed = 0;
    loop {
        let length = list.read(&mut read).unwrap();
        if length == 0 {
            break;
        }
        tail.extend_from_slice(&read[..length]);
        count += tail.windows(mark.len()).filter(|window| window == mark).count();
        tail.drain(..tail.len().saturating_sub(mark.len() - 1));
        if placed < 100 {
            writer.place_order().unwrap().expect(201);
            placed += 1;
        }
    }
    assert!(tail.ends_with(b"]\r\n0\r\n\r\n"), "the list is complete");
    assert!((orders()..=orders() + placed).contains(&count), "{count} of {} orders", orders());
    assert!(placed > 0);
    let most = memory(&pasar, "VmHWM");
    assert!(most <= idle + 20 * 1024, "from {idle} to {most} KiB");
    pasar.stop("TERM");
}
