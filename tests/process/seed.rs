//! The command that adds a catalogue, or a busy day.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

use super::load::Stored;
use super::verify::{addresses, until_all_hold};
use crate::support::binary::{DEADLINE, Folder, Pasar, run, until, url};
use crate::support::blocking::{Http, get, post};

/// The number of products in the catalogue.
const PRODUCTS: usize = 28;

/// What a successful `pasar seed shop` says.
#[track_caller]
fn seed(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What the command says about this database.
fn added(added: usize, folder: &Folder) -> String {
    format!("Added {added} products to {}; {} were there already.\n", url(&folder.database()), PRODUCTS - added)
}

/// The products of the catalogue, which follow the demo products.
#[track_caller]
fn after_the_demo_data(product: SocketAddr) -> Vec<Value> {
    let all = get(product, "/products").expect(200);
    let (demo, rest) = all.as_array().unwrap().split_at(3);
    let names: Vec<_> = demo.iter().map(|product| (&product["id"], &product["name"])).collect();
    let [one, two, three] = [1, 2, 3].map(Value::from);
    let [laptop, phone, mouse] = ["Laptop Asus", "HP Xiaomi", "Mouse Rexus"].map(Value::from);
    assert_eq!(names, [(&one, &laptop), (&two, &phone), (&three, &mouse)]);
    let different: BTreeSet<_> = rest.iter().map(|product| product["name"].as_str()).collect();
    assert_eq!((rest.len(), different.len()), (PRODUCTS, PRODUCTS));
    rest.to_vec()
}

#[test]
fn a_catalogue_added_before_the_first_start_leaves_the_demo_data_its_ids() {
    let folder = Folder::new();
    assert_eq!(seed(&mut folder.pasar(&["seed", "shop"])), added(PRODUCTS, &folder));
    assert_eq!(seed(&mut folder.pasar(&["seed", "shop"])), added(0, &folder));
    let pasar = folder.start();
    assert_eq!(get(pasar.user(), "/users").expect(200), json!([{"id": 1, "name": "Bambang"}]));
    assert_eq!(after_the_demo_data(pasar.product())[0]["id"], 4);
    pasar.stop("TERM");
    Stored::open(&folder.database()).assert_sound();
}

#[test]
fn a_catalogue_can_be_added_while_the_services_run() {
    let folder = Folder::new();
    let pasar = folder.start();
    assert_eq!(seed(&mut folder.pasar(&["seed", "shop"])), added(PRODUCTS, &folder));
    let products = after_the_demo_data(pasar.product());
    assert_eq!(seed(&mut folder.pasar(&["seed", "shop"])), added(0, &folder));
    assert_eq!(after_the_demo_data(pasar.product()), products);
    let image = products[0]["image"].as_str().unwrap();
    get(pasar.order(), image).with_status(200);
    pasar.stop("TERM");
}

#[test]
fn commands_at_the_same_time_add_each_product_once() {
    let folder = Folder::new();
    let commands: Vec<_> = (0..4).map(|_| folder.pasar(&["seed", "shop"])).collect();
    std::thread::scope(|scope| {
        for mut command in commands {
            scope.spawn(move || seed(&mut command));
        }
    });
    let pasar = folder.start();
    after_the_demo_data(pasar.product());
    pasar.stop("TERM");
}

#[test]
fn a_catalogue_comes_alone_without_demo_data() {
    let folder = Folder::new();
    let products = folder.path().join("products.db");
    let configured = |command: &mut Command| {
        command.env("DEMO", "off").env("PRODUCT_DATABASE_URL", url(&products));
    };
    let mut command = folder.pasar(&["seed", "shop"]);
    configured(&mut command);
    assert!(seed(&mut command).contains(&url(&products)));
    assert!(!folder.database().exists(), "only the product service's database is opened");
    let mut command = folder.pasar(&["product"]);
    configured(&mut command);
    let pasar = Pasar::start(&mut command, &["ProductService"]);
    let all = get(pasar.product(), "/products").expect(200);
    assert_eq!((all.as_array().unwrap().len(), &all[0]["id"]), (PRODUCTS, &json!(1)));
    pasar.stop("TERM");
}

#[test]
fn an_unknown_catalogue_is_refused_with_the_names_of_all() {
    let folder = Folder::new();
    let output = run(&mut folder.pasar(&["seed", "market"]));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("'market'") && said.contains("[possible values: shop, busy]"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!folder.database().exists());
}

/// Asserts that the shop has a day behind it, in which all agrees. Returns its orders in figures.
#[track_caller]
fn assert_busy(folder: &Folder, pasar: &Pasar) -> Value {
    until_all_hold(folder, addresses(pasar));
    let figures = || get(pasar.order(), "/orders/summary").expect(200);
    until("all orders are counted", DEADLINE, || figures()["placed"].as_u64().unwrap() >= 300);
    let figures = figures();
    let statuses = figures["statuses"].as_object().unwrap();
    assert_eq!(statuses.len(), 8, "{statuses:?}");
    for (status, count) in statuses {
        assert!(count.as_u64().unwrap() >= 5, "{status}: {count}");
    }
    assert!(figures["revenue"].as_u64().unwrap() > 0 && figures["refused"].as_u64().unwrap() > 0, "{figures}");
    let busy = figures["minutes"].as_array().unwrap().iter().filter(|minute| minute["placed"] != 0).count();
    assert!(busy >= 15, "{figures}");
    // What is on hand is what the catalogue has.
    let coffee = get(pasar.product(), "/products?name=Kopi%20Gayo%20250%20g").expect(200)[0].clone();
    assert_eq!(coffee["stock"], 8, "{coffee}");
    figures
}

#[test]
fn a_busy_day_before_the_first_start_has_orders_in_all_states_and_all_agrees() {
    let folder = Folder::new();
    let said = seed(&mut folder.pasar(&["seed", "busy"]));
    let added = "Added 28 products, 14 customers and 328 orders of the last day to";
    assert_eq!(said, format!("{added} {}.\n", url(&folder.database())));
    let said = seed(&mut folder.pasar(&["seed", "busy"]));
    assert_eq!(said, format!("{} has the orders of such a day already.\n", url(&folder.database())));
    let pasar = folder.start();
    assert_busy(&folder, &pasar);
    let users = get(pasar.user(), "/users").expect(200);
    assert_eq!((users.as_array().unwrap().len(), &users[0]["name"]), (15, &json!("Bambang")));
    assert_eq!(after_the_demo_data(pasar.product())[0]["id"], 4);
    assert_ne!(get(pasar.user(), "/users/2/notifications").expect(200), json!([]));
    // In the order of their time, and so are their changes.
    let times = |path: &str, time: &str| {
        let all = get(pasar.order(), path).expect(200);
        all.as_array().unwrap().iter().map(|row| row[time].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let placed = times("/orders", "created_at");
    assert!(placed.is_sorted() && placed.len() == 328, "{placed:?}");
    let changed: Vec<_> = times("/orders/activity", "at").into_iter().rev().collect();
    assert!(changed.is_sorted() && changed.len() > 50, "{changed:?}");
    pasar.stop("TERM");
    Stored::open(&folder.database()).assert_sound();
}

#[test]
fn a_busy_day_can_be_added_while_the_services_run() {
    let folder = Folder::new();
    let pasar = folder.start();
    let order = json!({"user_id": 1, "product_id": 1});
    let before = post(pasar.order(), "/orders", &order).expect(201);
    seed(&mut folder.pasar(&["seed", "shop"]));
    assert!(seed(&mut folder.pasar(&["seed", "busy"])).starts_with("Added 0 products, 14 customers"));
    assert_busy(&folder, &pasar);
    assert_eq!(get(pasar.order(), "/orders/1").expect(200), before);
    assert_eq!(post(pasar.order(), "/orders", &order).expect(201)["id"], 330);
    // What waits can be paid, and what is paid can be confirmed.
    let pay = json!({"order_id": 329});
    post(pasar.payment(), "/payments", &pay).expect(201);
    post(pasar.payment(), "/payments/confirm", &pay).expect(200);
    let paid = get(pasar.order(), "/orders?status=paid&limit=1").expect(200)[0]["id"].clone();
    let path = format!("/orders/{paid}/confirm");
    Http::new(pasar.order(), false).send("PUT", &path, None, None).unwrap().expect(200);
    until_all_hold(&folder, addresses(&pasar));
    pasar.stop("TERM");
}

#[test]
fn a_busy_day_of_services_with_different_databases_is_refused() {
    let folder = Folder::new();
    let mut command = folder.pasar(&["seed", "busy"]);
    let output = run(command.env("PAYMENT_DATABASE_URL", url(&folder.path().join("payments.db"))));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("DATABASE_URL and PAYMENT_DATABASE_URL") && said.lines().count() == 1, "{said}");
    assert!(!folder.database().exists());
}
