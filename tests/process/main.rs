//! Tests of the real binary as a process: start, refusal to start, stop, kill, full disk, damaged file, many
//! searches, and several processes on one database.
//!
//! `PASAR_KILLS` is how often each test with SIGKILL kills (20 by default), `PASAR_ORDERS` how many orders the
//! longest list has (50,000), `PASAR_FAULT_CALLS` and `PASAR_FAULT_KILLS` how many calls the test of failing calls
//! makes (5,000) and how often it kills (5), `PASAR_FLOOD_SECONDS` how long a flood of orders lasts (4). `PASAR_FAULTS`
//! is how often each armed fault fires (100). The test
//! with a full disk needs Linux and root, to mount a small disk.

#![cfg(unix)]
#![allow(clippy::disallowed_methods, reason = "what is forbidden to the services is the business of their tests")]
#![allow(clippy::unwrap_used, reason = "tests and what helps them fail by panicking")]

mod accounts;
mod armed;
mod backup;
mod clients;
mod configuration;
mod connections;
mod corrupt;
mod durability;
mod faults;
mod files;
mod flood;
mod full_disk;
mod idempotency;
mod invariants;
mod keeping_up;
mod lifecycle;
mod load;
mod load_command;
mod long_list;
mod newcomer;
mod proxy;
mod secret_messages;
mod secret_search;
mod secrets;
mod seed;
mod signing;
#[path = "../support/mod.rs"]
mod support;
mod verify;

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Barrier;

use rusqlite::Connection;
use serde_json::json;

use self::load::{Stored, Writer, assert_unavailable, id, order_of};
use crate::support::binary::{ALL, DEADLINE, Folder, Pasar, free_address, run, until};
use crate::support::blocking::{get, post};

#[test]
fn a_restart_keeps_all_data_and_adds_the_demo_data_once() {
    let folder = Folder::new();
    let pasar = folder.start();
    let bambang = json!({"id": 1, "name": "Bambang"});
    let laptop = json!({"id": 1, "name": "Laptop Asus", "price": 8_000_000});
    assert_eq!(get(pasar.user(), "/users/1").expect(200), bambang);
    let bob = post(pasar.user(), "/users", &json!({"name": "Bob"})).expect(201);
    assert_eq!(bob, json!({"id": 2, "name": "Bob"}));
    let products = json!([
        laptop,
        {"id": 2, "name": "HP Xiaomi", "price": 3_000_000},
        {"id": 3, "name": "Mouse Rexus", "price": 200_000},
    ]);
    assert_eq!(get(pasar.product(), "/products").expect(200), products);
    assert_eq!(get(pasar.product(), "/products/1").expect(200), laptop);
    let monitor = post(pasar.product(), "/products", &json!({"name": "Monitor LG", "price": 2_500_000})).expect(201);
    assert_eq!(monitor["product"], json!({"id": 4, "name": "Monitor LG", "price": 2_500_000}));
    let order = post(pasar.order(), "/orders", &order_of(1)).expect(201);
    assert_eq!((&order["order_id"], &order["user"], &order["product"]), (&json!(1), &bambang, &laptop));
    assert_eq!(get(pasar.order(), "/orders").expect(200), json!([order]));
    assert_eq!(pasar.payment(), pasar.order(), "the payment service is beside the order service");
    post(pasar.payment(), "/payments", &json!({"order_id": 1})).expect(201);
    let paid = post(pasar.payment(), "/payments/confirm", &json!({"order_id": 1})).expect(200);
    assert_eq!(get(pasar.payment(), "/payments").expect(200), json!([paid]));

    let lists = |pasar: &Pasar| {
        [
            (pasar.user(), "/users"),
            (pasar.user(), "/users/1/notifications"),
            (pasar.product(), "/products"),
            (pasar.order(), "/orders"),
            (pasar.payment(), "/payments"),
        ]
        .map(|(service, path)| get(service, path).with_status(200).body)
    };
    let notification_count = || get(pasar.user(), "/users/1/notifications").expect(200).as_array().map(Vec::len);
    until("two notifications", DEADLINE, || notification_count() == Some(2));
    let before = lists(&pasar);
    pasar.stop("TERM");
    let pasar = folder.start();
    assert_eq!(lists(&pasar), before);
    pasar.stop("TERM");
}

#[test]
fn three_processes_started_at_once_share_a_new_database() {
    for _ in 0..10 {
        let folder = Folder::new();
        let [user, product] = [free_address(), free_address()];
        let children = [
            folder.pasar(&["user", "--user-addr", &user.to_string()]),
            folder.pasar(&["product", "--product-addr", &product.to_string()]),
            folder.pasar(&[
                "order",
                "--user-url",
                &format!("http://{user}"),
                "--product-url",
                &format!("http://{product}"),
            ]),
        ]
        .map(|mut command| Pasar::spawn(&mut command));
        let mut services = ALL.iter();
        let [user, product, order] = children.map(|child| child.ready(&[services.next().unwrap()]));
        let placed = post(order.order(), "/orders", &order_of(1)).expect(201);
        assert_eq!(placed["user"]["name"], "Bambang");
        assert_eq!(placed["product"]["name"], "Laptop Asus");
        order.stop("TERM");
        product.stop("TERM");
        user.stop("TERM");
        let stored = Stored::open(&folder.database());
        let [users, products] = ["SELECT count(*) FROM users", "SELECT count(*) FROM products"];
        assert_eq!((stored.count(users), stored.count(products)), (1, 3));
    }
}

#[test]
fn only_the_services_that_are_named_start() {
    let folder = Folder::new();
    let order = free_address();
    let mut command = folder.pasar(&["user", "product", "--order-addr", &order.to_string()]);
    let pasar = Pasar::start(&mut command, &["UserService", "ProductService"]);
    get(pasar.user(), "/users/1").expect(200);
    get(pasar.product(), "/products/1").expect(200);
    assert!(TcpStream::connect(order).is_err(), "something listens at ORDER_ADDR");
    pasar.stop("INT");
}

#[test]
fn two_processes_write_to_one_file_at_the_same_time() {
    const WRITERS: i64 = 8;
    const ORDERS: usize = 25;
    let folder = Folder::new();
    let processes = [folder.start(), folder.start()];
    for user in 2..=2 * WRITERS {
        let made = post(processes[0].user(), "/users", &json!({"name": format!("User {user}")})).expect(201);
        assert_eq!(made["id"], user);
    }
    let start = Barrier::new(processes.len() * WRITERS as usize);
    let placed: Vec<_> = std::thread::scope(|scope| {
        let services = processes.iter().map(Pasar::order).flat_map(|service| [service; WRITERS as usize]);
        let writers: Vec<_> = (1..)
            .zip(services)
            .map(|(user, service)| {
                let start = &start;
                scope.spawn(move || {
                    let mut writer = Writer::new(service, user);
                    start.wait();
                    for _ in 0..20 * ORDERS {
                        if writer.placed.len() == ORDERS {
                            break;
                        }
                        let answer = writer.place_order().unwrap();
                        if answer.status != 201 {
                            assert_unavailable(&answer, &["storage_unavailable", "busy"]);
                        }
                    }
                    writer.placed
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    assert_eq!(placed.len(), processes.len() * WRITERS as usize * ORDERS, "too many were refused");
    // Each process sees the writes of the other.
    let last = placed.iter().max_by_key(|order| order.id).unwrap();
    for process in &processes {
        assert_eq!(id(&get(process.order(), &format!("/orders/{}", last.id)).with_status(200)), last.id);
    }
    for process in processes {
        process.stop("TERM");
    }
    let stored = Stored::open(&folder.database());
    stored.assert_holds(&placed);
    // Orders refused with 503 were not stored.
    assert_eq!(stored.count("SELECT count(*) FROM orders"), placed.len());
    stored.assert_sound();
}

#[test]
fn the_health_command_succeeds_while_every_service_answers() {
    let folder = Folder::new();
    let users = Pasar::start(&mut folder.pasar(&["user"]), &["UserService"]);
    let address = users.user().to_string();
    let nobody = free_address().to_string();
    let health = |services: &[&str]| {
        let args = [&["health"], services].concat();
        run(folder.pasar(&args).env("USER_ADDR", &address).env("PRODUCT_ADDR", &nobody))
    };
    let words = |text: &[u8]| -> Vec<Vec<String>> {
        let text = String::from_utf8(text.to_vec()).unwrap();
        text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
    };
    let well = health(&["user"]);
    assert!(well.status.success() && well.stderr.is_empty(), "{well:?}");
    let [line] = &words(&well.stdout)[..] else { panic!("{well:?}") };
    assert_eq!(line[..3], ["UserService", &*format!("http://{address}"), "ready"]);
    assert!(line.len() == 4 && line[3].ends_with("ms"), "{line:?}");
    let unwell = health(&["user", "product"]);
    assert_eq!(unwell.status.code(), Some(1));
    let [user, product] = &words(&unwell.stdout)[..] else { panic!("{unwell:?}") };
    assert_eq!(user[2], "ready");
    assert_eq!(product[..4], ["ProductService", &*format!("http://{nobody}"), "not", "ready"]);
    assert!(product.join(" ").contains("refused"), "{product:?}");
    assert_eq!(String::from_utf8_lossy(&unwell.stderr), "pasar: not ready: ProductService\n");
    users.stop("TERM");
    assert!(!health(&["user"]).status.success());
}

#[test]
fn a_log_that_nobody_reads_blocks_neither_service_nor_shutdown() {
    let folder = Folder::new();
    let mut command = folder.pasar(&["user"]);
    command.env("RUST_LOG", "info").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split(['/', ' ']).find_map(|word| word.parse::<SocketAddr>().ok()).unwrap();
    // More than fits into a pipe.
    for _ in 0..2000 {
        get(address, "/users/1").expect(200);
    }
    let terminated = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(terminated.success());
    let mut status = None;
    until("the process ends", DEADLINE, || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert!(status.unwrap().success());
}

#[test]
fn the_log_names_the_task_that_has_to_wait() {
    let folder = Folder::new();
    let pasar = folder.start();
    Connection::open(folder.database()).unwrap().execute_batch("ALTER TABLE order_tally RENAME TO away").unwrap();
    until("the log says so", DEADLINE, || pasar.log().contains("counting orders has to wait"));
    assert!(!pasar.log().contains("expiring"), "{}", pasar.log());
    pasar.stop("TERM");
}
