//! The first hour with Pasar: the log, the commands, and the tour of the README.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};

use rusqlite::Connection;
use serde_json::json;

use super::load::order_of;
use crate::support::Visitor;
use crate::support::binary::{ALL, DEADLINE, Folder, Pasar, free_address, run, until, url};
use crate::support::blocking::{exchange, get, post};

/// Places an order with this request id, and returns the raw answer.
fn place_order(order: SocketAddr, id: &str) -> String {
    let body = order_of(1).to_string();
    let head = format!("POST /orders HTTP/1.1\r\nHost: {order}\r\nConnection: close\r\nX-Request-Id: {id}\r\n");
    let rest = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    exchange(order, &format!("{head}{rest}"), |_| false)
}

/// Waits for a line of the log that has all these words.
#[track_caller]
fn logged(pasar: &Pasar, words: &[&str]) -> String {
    let mut found = None;
    until(&format!("{words:?} is logged"), DEADLINE, || {
        let has = |line: &&str| words.iter().all(|word| format!(" {line} ").contains(&format!(" {word} ")));
        found = pasar.log().lines().find(has).map(str::to_owned);
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn the_log_shows_caller_callee_user_and_address_of_each_call() {
    let folder = Folder::new();
    let mut command = folder.pasar(&["--auth", "required"]);
    let pasar = Pasar::start(command.env("RUST_LOG", "warn,pasar=debug"), ALL);
    let siti = Visitor::registers(pasar.user(), "siti@example.com");
    siti.post(pasar.order(), "/orders", &json!({"user_id": 2, "product_id": 1})).expect(201);
    let line =
        logged(&pasar, &["service=order", "method=POST", "path=/orders", "status=201", "by=user:2", "from=127.0.0.1"]);
    // A call has the id of the request that caused it.
    let id = line.split(' ').find(|word| word.starts_with("id=")).unwrap();
    assert_eq!(id.len(), "id=".len() + 32, "{line}");
    logged(&pasar, &["service=order", "peer=user", "method=GET", "path=/users/2", "status=200", id]);
    logged(&pasar, &["service=user", "method=GET", "path=/users/2", "by=service", id]);
    logged(&pasar, &["service=order", "event=user_created", "user=2", "name=\"Siti\""]);
    // The payment service shares a process with the order service, but logs under its own name.
    siti.post(pasar.payment(), "/payments", &json!({"order_id": 1})).expect(201);
    siti.post(pasar.payment(), "/payments/confirm", &json!({"order_id": 1})).expect(200);
    logged(&pasar, &["service=payment", "method=POST", "path=/payments", "status=201", "by=user:2"]);
    logged(&pasar, &["service=payment", "peer=order", "method=GET", "path=/orders/1", "status=200"]);
    logged(&pasar, &["service=payment", "peer=gateway", "event=charge", "payment=1", "order=1", "outcome=approved"]);
    // Refusals are logged with the client's address.
    siti.get(pasar.user(), "/users").problem(403, "not_allowed");
    logged(&pasar, &["service=user", "path=/users", "status=403", "by=user:2", "from=127.0.0.1"]);
    get(pasar.user(), "/users").problem(401, "token_missing");
    logged(&pasar, &["service=user", "path=/users", "status=401", "by=nobody", "from=127.0.0.1"]);
    assert!(exchange(pasar.user(), "nonsense\r\n\r\n", |_| false).starts_with("HTTP/1.1 400 "));
    logged(&pasar, &["event=no_request", "from=127.0.0.1"]);
    assert!(!pasar.log().contains('\x1b'), "{}", pasar.log());
    pasar.stop("TERM");
}

#[test]
fn failed_and_skipped_calls_are_logged() {
    let folder = Folder::new();
    let nobody = free_address();
    let pasar = Pasar::start(folder.pasar(&[]).env("USER_URL", format!("http://{nobody}")), ALL);
    for number in 0..4 {
        assert!(place_order(pasar.order(), &format!("try-{number}")).starts_with("HTTP/1.1 503 "));
    }
    let call = ["service=order", "peer=user", "path=/users/1", "status=-"];
    let line = logged(&pasar, &[&call[..], &["attempt=1", "id=try-0"]].concat());
    assert!(line.contains(" error=\"") && line.contains("refused"), "{line}");
    logged(&pasar, &[&call[..], &["attempt=2", "id=try-0"]].concat());
    let line = logged(&pasar, &[&call[..], &["id=try-3"]].concat());
    assert!(line.contains("was not asked: it failed 5 times in a row"), "{line}");
    pasar.stop("TERM");
}

#[test]
fn a_terminal_gets_colours_unless_no_color_is_set() {
    let folder = Folder::new();
    let start = |variables: &[(&str, &str)]| {
        let mut command = folder.pasar(&[]);
        command.env("RUST_LOG", "info").envs(variables.iter().copied());
        let pasar = Pasar::start(&mut command, ALL);
        assert!(place_order(pasar.order(), "my-first-trace").starts_with("HTTP/1.1 201 "));
        pasar.stop_and_read_output("TERM")
    };
    let coloured = start(&[("CLICOLOR_FORCE", "1")]);
    assert!(
        coloured.contains("\x1b[36mOrder → User\x1b[0m \x1b[1mGET\x1b[0m /users/1 \x1b[32m200\x1b[0m"),
        "{coloured}"
    );
    let plain = start(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
    assert!(plain.contains("\nmy-first-trace Order → Product GET /products/1 200 "), "{plain}");
    assert!(!plain.contains('\x1b'), "{plain}");
    let file = start(&[("CLICOLOR_FORCE", "0")]);
    assert!(file.contains(" service=order peer=user method=GET "), "{file}");
}

fn said(output: Output) -> (Option<i32>, String, String) {
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), out, err)
}

#[test]
fn reset_removes_all_data() {
    let folder = Folder::new();
    let reset = |args: &[&str]| said(run(&mut folder.pasar(&[&["reset"], args].concat())));
    let (code, out, _) = reset(&["--yes"]);
    assert_eq!((code, out.as_str()), (Some(0), "There is no database to remove.\n"));

    let pasar = folder.start();
    post(pasar.order(), "/orders", &order_of(1)).expect(201);
    let (code, _, err) = reset(&["--yes"]);
    assert!(code == Some(1) && err.contains("DATABASE_URL") && err.contains("in use"), "{err}");
    post(pasar.order(), "/orders", &order_of(1)).expect(201);
    pasar.stop("TERM");

    let (code, _, err) = reset(&[]);
    assert!(code == Some(2) && err.contains("--yes") && err.lines().count() == 1, "{err}");
    assert!(folder.database().exists());
    let secret = folder.path().join("jwt-secret");
    assert!(secret.exists());
    let (code, out, err) = reset(&["--yes"]);
    assert!(code == Some(0) && out.contains("pasar.db") && out.contains("jwt-secret"), "{out}{err}");
    assert!(
        !folder.database().exists() && !secret.exists(),
        "{:?}",
        fs::read_dir(folder.path()).unwrap().collect::<Vec<_>>()
    );

    let pasar = folder.start();
    assert_eq!(post(pasar.order(), "/orders", &order_of(1)).expect(201)["id"], 1);
    pasar.stop("TERM");
}

#[test]
fn reset_removes_files_left_by_a_kill_and_no_files_of_other_programs() {
    let folder = Folder::new();
    let mut pasar = folder.start();
    post(pasar.order(), "/orders", &order_of(1)).expect(201);
    pasar.kill();
    assert_eq!(said(run(&mut folder.pasar(&["reset", "--yes"]))).0, Some(0));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [""; 0]);
    for (name, sql) in [
        ("theirs.db", "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)"),
        ("other.db", "CREATE TABLE migrations (id INTEGER, migration TEXT); INSERT INTO migrations VALUES (1, 'a')"),
    ] {
        let file = folder.path().join(name);
        Connection::open(&file).unwrap().execute_batch(sql).unwrap();
        let before = fs::read(&file).unwrap();
        let (code, _, err) = said(run(folder.pasar(&["reset", "--yes"]).env("DATABASE_URL", url(&file))));
        assert!(code == Some(1) && err.contains("another program"), "{name}: {err}");
        assert!(fs::read(&file).unwrap() == before, "{name} has been changed");
    }
}

#[test]
fn misspelt_settings_are_reported_with_a_suggestion() {
    let folder = Folder::new();
    for (args, meant) in [
        (&["--user-adr", "127.0.0.1:1"][..], "did you mean --user-addr?"),
        (&["payments"], "did you mean payment?"),
        (&["--auth", "requird"], "did you mean required?"),
    ] {
        let (code, _, err) = said(run(&mut folder.pasar(args)));
        assert!(code == Some(2) && err.contains(meant) && err.lines().count() == 1, "{args:?}: {err}");
    }
    fs::write(folder.path().join(".env"), "POSTGRES_PASSWORD=rahasia\nUSR_ADDR=rahasia\n").unwrap();
    let refused = said(run(folder.pasar(&["user"]).env_remove("USER_ADDR")));
    assert_eq!(refused.0, Some(2));
    assert!(refused.2.contains("USR_ADDR is not a setting; did you mean USER_ADDR?"), "{}", refused.2);
    assert!(!refused.2.contains("rahasia") && !refused.2.contains("POSTGRES"), "{}", refused.2);
    // USR_ADDR in the file belongs to another program if USER_ADDR is set.
    Pasar::start(folder.pasar(&["user"]).env("USER_ADDR", "127.0.0.1:0"), &ALL[..1]).stop("TERM");
}

/// The commands of the README's tour, with the addresses of these services.
fn tour(pasar: &Pasar) -> String {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, section) = readme.split_once("\n## A tour with curl\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let blocks = section.split("```bash\n").skip(1).map(|block| block.split_once("\n```").unwrap().0);
    let commands = blocks.collect::<Vec<_>>().join("\n");
    assert!(commands.lines().count() > 40, "{commands}");
    [("5000", pasar.user()), ("5001", pasar.product()), ("5002", pasar.order())]
        .iter()
        .fold(commands, |text, (port, addr)| text.replace(&format!("localhost:{port}"), &addr.to_string()))
}

#[test]
fn the_tour_of_the_readme_works_twice_on_one_database() {
    const NAME: &str = "the_tour_of_the_readme_works_twice_on_one_database";
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok_and(|said| said.status.success());
    if !there("bash") || !there("curl") {
        let skipped = format!("{NAME} was skipped: there is no bash, or no curl");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{skipped}");
        writeln!(std::io::stderr(), "{skipped}").unwrap();
        return;
    }
    let folder = Folder::new();
    // Longer, so that a slow machine can confirm in time.
    let pasar = Pasar::start(&mut folder.pasar(&["--payment-window", "5m"]), ALL);
    let commands = tour(&pasar);
    // In a terminal, curl shows no progress.
    fs::write(folder.path().join(".curlrc"), "silent\nshow-error\n").unwrap();
    for round in 1..=2 {
        // Both outputs in one stream, as in a terminal.
        let script = format!("exec 2>&1\n{commands}");
        let output = Command::new("bash").args(["-c", &script]).env("CURL_HOME", folder.path()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let problems: Vec<_> =
            said.split(r#"{"type":"/errors#"#).skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(problems, ["token_revoked", "user_not_found"], "round {round}: {said}");
        for outcome in [
            r#"{"id":1,"name":"Bambang"}"#,
            r#""product":{"id":3,"name":"Mouse Rexus","price":200000},"#,
            r#""stock":8,"reserved":2,"sold":0,"received":10}"#,
            r#""method":"qris","status":"pending""#,
            r#""method":"qris","status":"paid""#,
            r#""status":"confirmed""#,
            r#""status":"shipped""#,
            r#"{"status":"shipped","label":"dikirim""#,
            r#""phone":"+62 812 3456 789""#,
            "\nidempotent-replayed: true",
            "rel=\"next\"",
            r#""message":"User not found.""#,
            "http_requests_total{",
        ] {
            assert!(said.contains(outcome), "round {round}: no {outcome} in {said}");
        }
        assert_eq!(said.matches("idempotent-replayed: true").count(), 1, "round {round}: {said}");
    }
    pasar.stop("TERM");
}
