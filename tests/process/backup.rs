//! The command that copies the database.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use serde_json::json;

use super::load::{Placed, Stored, Writer, id};
use super::verify::{addresses, until_all_hold};
use crate::support::binary::{ALL, DEADLINE, Folder, Pasar, run, until, url};
use crate::support::blocking::post;

/// Copies the database of `folder` to this file.
#[track_caller]
fn back_up(folder: &Folder, file: &str) {
    let output = run(&mut folder.pasar(&["backup", file]));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains(&url(&folder.database())) && said.contains(&format!("DATABASE_URL=sqlite:{file} ")),
        "{said}"
    );
    let copy = folder.path().join(file);
    assert_eq!(fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o600, "others can read the copy");
}

/// The one line with which `command` fails.
#[track_caller]
fn failure(command: &mut Command, code: i32) -> String {
    let output = run(command);
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!((output.status.code(), stdout.as_str()), (Some(code), ""), "{stderr}");
    assert!(stderr.starts_with("pasar: ") && stderr.lines().count() == 1, "not one line: {stderr:?}");
    stderr
}

/// The names of the files in a folder.
fn names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn copies_in_the_middle_of_traffic_have_all_that_was_acknowledged_before_and_can_be_started_from() {
    const COPIES: usize = 4;
    let folder = Folder::new();
    let pasar = folder.start();
    let coffee = json!({"name": "Kopi", "price": 20_000, "stock": 1_000_000});
    let coffee = &post(pasar.product(), "/products", &coffee).expect(201)["product"]["id"];
    let placed: Mutex<Vec<i64>> = Mutex::default();
    let count = || placed.lock().unwrap().len();
    let stopping = AtomicBool::new(false);
    let acknowledged: Vec<Vec<i64>> = std::thread::scope(|scope| {
        let (placed, stopping) = (&placed, &stopping);
        for _ in 0..3 {
            let mut writer = Writer::new(pasar.order(), 1);
            scope.spawn(move || {
                while !stopping.load(Ordering::SeqCst) {
                    let answer = writer.place_order().unwrap().with_status(201);
                    placed.lock().unwrap().push(id(&answer));
                }
            });
        }
        // Orders that reserve stock and are paid: changes of several steps.
        let (order, payment) = (pasar.order(), pasar.payment());
        scope.spawn(move || {
            while !stopping.load(Ordering::SeqCst) {
                let new = json!({"user_id": 1, "items": [{"product_id": coffee, "quantity": 2}]});
                let id = post(order, "/orders", &new).expect(201)["id"].as_i64().unwrap();
                placed.lock().unwrap().push(id);
                post(payment, "/payments", &json!({"order_id": id})).expect(201);
                post(payment, "/payments/confirm", &json!({"order_id": id})).expect(200);
            }
        });
        let acknowledged = (0..COPIES).map(|copy| {
            until("more orders", DEADLINE, || count() >= 50 * (copy + 1));
            let before = placed.lock().unwrap().clone();
            back_up(&folder, &format!("copy-{copy}.db"));
            before
        });
        let acknowledged = acknowledged.collect();
        stopping.store(true, Ordering::SeqCst);
        acknowledged
    });
    pasar.stop("TERM");
    for (copy, before) in acknowledged.into_iter().enumerate() {
        let file = folder.path().join(format!("copy-{copy}.db"));
        let before: Vec<_> = before.into_iter().map(|id| Placed { id, user: 1, key: None }).collect();
        let stored = Stored::open(&file);
        stored.assert_sound();
        stored.assert_holds(&before);
        drop(stored);
        let pasar = Pasar::start(folder.pasar(&[]).env("DATABASE_URL", url(&file)), ALL);
        until_all_hold(&folder, addresses(&pasar));
        post(pasar.order(), "/orders", &json!({"user_id": 1, "product_id": 1})).expect(201);
        pasar.stop("TERM");
    }
}

#[test]
fn services_that_were_stopped_or_killed_can_be_copied_too() {
    let folder = Folder::new();
    let mut pasar = folder.start();
    post(pasar.user(), "/users", &json!({"name": "Siti"})).expect(201);
    pasar.kill();
    back_up(&folder, "killed.db");
    folder.start().stop("TERM");
    back_up(&folder, "stopped.db");
    for file in ["killed.db", "stopped.db"] {
        let stored = Stored::open(&folder.path().join(file));
        assert_eq!(stored.count("SELECT count(*) FROM users"), 2, "{file}");
        stored.assert_sound();
    }
}

#[test]
fn what_can_not_be_copied_is_refused_in_one_line_and_leaves_nothing_behind() {
    let folder = Folder::new();
    let copies = |folder: &Folder| failure(&mut folder.pasar(&["backup", "copy.db"]), 1);
    let said = copies(&folder);
    assert!(said.contains("DATABASE_URL") && said.contains("there is no database"), "{said}");
    fs::write(folder.database(), "not a database, but a letter to somebody, and a long one").unwrap();
    assert!(copies(&folder).contains("not a database"));
    fs::remove_file(folder.database()).unwrap();
    for sql in ["CREATE TABLE letters (id)", "CREATE TABLE migrations (name)", ""] {
        Connection::open(folder.database()).unwrap().execute_batch(sql).unwrap();
        let said = copies(&folder);
        assert!(said.contains("another program"), "{sql}: {said}");
        fs::remove_file(folder.database()).unwrap();
    }
    folder.start().stop("TERM");
    fs::write(folder.path().join("copy.db"), "precious").unwrap();
    let said = copies(&folder);
    assert!(said.contains("copy.db exists already"), "{said}");
    assert_eq!(fs::read_to_string(folder.path().join("copy.db")).unwrap(), "precious");
    let said = failure(&mut folder.pasar(&["backup", "nowhere/copy.db"]), 1);
    assert!(said.contains("can't write to nowhere"), "{said}");
    assert_eq!(names(folder.path()), ["copy.db", "jwt-secret", "pasar.db"]);
}

#[test]
fn of_services_with_databases_of_their_own_one_is_named() {
    let folder = Folder::new();
    let users = folder.path().join("users.db");
    let pasar = |args: &[&str]| {
        let mut command = folder.pasar(args);
        command.env("USER_DATABASE_URL", url(&users));
        command
    };
    Pasar::start(&mut pasar(&["user"]), &["UserService"]).stop("TERM");
    let said = failure(&mut pasar(&["backup", "copy.db"]), 2);
    assert!(said.contains("USER_DATABASE_URL and DATABASE_URL are different databases"), "{said}");
    let output = run(&mut pasar(&["backup", "copy.db", "user"]));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(Stored::open(&folder.path().join("copy.db")).count("SELECT count(*) FROM users"), 1);
}
