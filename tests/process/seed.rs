//! The command that adds a catalogue.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

use super::load::Stored;
use crate::support::binary::{Folder, Pasar, run, url};
use crate::support::blocking::get;

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
    assert!(said.contains("'market'") && said.contains("[possible values: shop]"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!folder.database().exists());
}
