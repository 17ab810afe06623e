//! Settings: which source has priority, and the refusal of invalid ones.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use rusqlite::Connection;

use crate::support::binary::{ALL, Folder, Pasar, free_address, run, url};
use crate::support::blocking::get;

/// The one line with which `command` refuses to start.
#[track_caller]
fn refusal(command: &mut Command) -> String {
    let output = run(command);
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.code().is_some_and(|code| code != 0), "{}: {stderr}", output.status);
    assert_eq!(stdout, "");
    assert!(stderr.ends_with('\n') && stderr.lines().count() == 1, "not one line: {stderr:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

#[track_caller]
fn assert_refused(command: &mut Command, named: &[&str]) {
    let line = refusal(command);
    for name in named {
        assert!(line.contains(name), "{name} is not named: {line}");
    }
}

#[test]
fn a_port_in_use_is_reported_on_one_line_with_its_flag() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (variable, flag) in [
        ("USER_ADDR", "--user-addr"),
        ("PRODUCT_ADDR", "--product-addr"),
        ("ORDER_ADDR", "--order-addr"),
        ("PAYMENT_ADDR", "--payment-addr"),
    ] {
        assert_refused(folder.pasar(&[]).env(variable, &address), &[variable, flag, &address]);
    }
    // Also by another Pasar.
    let pasar = folder.start();
    let address = pasar.user().to_string();
    assert_refused(&mut folder.pasar(&["user", "--user-addr", &address]), &["USER_ADDR", "--user-addr", &address]);
    get(pasar.user(), "/users/1").expect(200);
}

#[test]
fn an_unusable_database_is_reported_on_one_line_with_its_setting() {
    let folder = Folder::new();
    let [file, nonsense, foreign] = ["file", "nonsense.db", "foreign.db"].map(|name| folder.path().join(name));
    std::fs::write(&file, "regular").unwrap();
    std::fs::write(&nonsense, "This is not a database. ".repeat(1000)).unwrap();
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
        .unwrap();
    let newer = folder.database();
    folder.start().stop("TERM");
    Connection::open(&newer).unwrap().execute("INSERT INTO migrations VALUES ('999_future')", []).unwrap();

    let below = url(&file.join("x.db"));
    let [nonsense, foreign, newer, directory] =
        [&nonsense, &foreign, &newer, &folder.path().to_owned()].map(|path| url(path));
    for database in ["sqlite:/dev/null/x.db", &below, &nonsense, &foreign, &newer, &directory] {
        assert_refused(folder.pasar(&[]).env("DATABASE_URL", database), &["DATABASE_URL", database]);
    }
}

#[test]
fn a_database_of_another_program_is_not_changed() {
    let folder = Folder::new();
    let file = folder.database();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)").unwrap();
    let before = std::fs::read(&file).unwrap();
    assert_refused(&mut folder.pasar(&[]), &["DATABASE_URL", "another program"]);
    assert!(std::fs::read(&file).unwrap() == before, "the file has been changed");
}

#[test]
fn invalid_settings_are_reported_on_one_line_with_their_names() {
    let folder = Folder::new();
    let twin = free_address().to_string();
    for (args, environment, named) in [
        (vec!["--colour", "red"], vec![], vec!["--colour"]),
        (vec!["payments"], vec![], vec!["payments"]),
        (vec!["user", "payments"], vec![], vec!["payments"]),
        (vec!["--user-addr", &twin, "--product-addr", &twin], vec![], vec!["USER_ADDR", "PRODUCT_ADDR", &twin]),
        (vec![], vec![("PRODUCT_ADDR", &*twin), ("ORDER_ADDR", &twin)], vec!["PRODUCT_ADDR", "ORDER_ADDR", &twin]),
        (vec![], vec![("USER_ADDR", "0.0.0.0:0")], vec!["USER_ADDR", "OPEN_TO_NETWORK"]),
        (vec!["--order-addr", "[::]:0"], vec![], vec!["ORDER_ADDR", "OPEN_TO_NETWORK"]),
        (vec![], vec![("USER_URL", "https://127.0.0.1:1")], vec!["--user-url", "https://127.0.0.1:1"]),
        (vec!["order", "--product-url", "https://127.0.0.1:1"], vec![], vec!["--product-url"]),
        (vec![], vec![("USER_ADDR", "nowhere")], vec!["--user-addr", "nowhere"]),
        (vec![], vec![("DEMO", "perhaps")], vec!["--demo", "perhaps"]),
        (vec![], vec![("REQUEST_TIMEOUT", "soon")], vec!["--request-timeout", "soon"]),
        (vec![], vec![("DATABASE_URL", "mysql://127.0.0.1/x")], vec!["DATABASE_URL"]),
    ] {
        assert_refused(folder.pasar(&args).envs(environment), &named);
    }
    assert!(!folder.database().exists(), "the database was opened before the refusal");
    let mut meant = folder.pasar(&["user"]);
    Pasar::start(meant.env("USER_ADDR", "0.0.0.0:0").env("OPEN_TO_NETWORK", "yes"), &["UserService"]).stop("TERM");
}

#[test]
fn an_unreadable_env_file_is_reported_on_one_line_with_its_name() {
    for nonsense in [&b"this is no setting\n"[..], b"DEMO=\xff\xfe\n", b"USER_ADDR=\"127.0.0.1\nPRODUCT_ADDR=x\n"] {
        let folder = Folder::new();
        std::fs::write(folder.path().join(".env"), nonsense).unwrap();
        assert_refused(&mut folder.pasar(&[]), &[".env"]);
    }
}

#[test]
fn flags_come_before_the_environment_before_the_env_file_before_the_defaults() {
    let folder = Folder::new();
    let [flag, variable, line] = [free_address(), free_address(), free_address()];
    // The start would fail if a setting of lower priority were used.
    let text = format!("USER_ADDR=nonsense\nPRODUCT_ADDR=nonsense\nORDER_ADDR={line}\n");
    std::fs::write(folder.path().join(".env"), text).unwrap();
    let mut command = folder.pasar(&["--user-addr", &flag.to_string()]);
    command.env("USER_ADDR", free_address().to_string()).env("PRODUCT_ADDR", variable.to_string());
    let pasar = Pasar::start(command.env_remove("ORDER_ADDR").env_remove("DATABASE_URL"), ALL);
    assert_eq!([pasar.user(), pasar.product(), pasar.order()], [flag, variable, line]);
    assert!(folder.path().join("data/pasar.db").exists(), "the default of DATABASE_URL");
    pasar.stop("TERM");

    // The default port is in use: by this process, or by the one that kept it from binding.
    let default = SocketAddr::from(([127, 0, 0, 1], 5000));
    let _taken = TcpListener::bind(default);
    let folder = Folder::new();
    assert_refused(folder.pasar(&["user"]).env_remove("USER_ADDR"), &["USER_ADDR", &default.to_string()]);
}

#[test]
fn help_goes_to_standard_output_and_names_every_setting() {
    let output = run(&mut Folder::new().pasar(&["--help"]));
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
    for variable in [
        "USER_ADDR",
        "PRODUCT_ADDR",
        "ORDER_ADDR",
        "PAYMENT_ADDR",
        "ORDER_URL",
        "PAYMENT_URL",
        "PAYMENT_DATABASE_URL",
        "ORDER_TTL",
        "MAX_PENDING_ORDERS",
        "MAX_HELD_UNITS",
        "PAYMENT_WINDOW",
        "PAYMENT_GATEWAY",
        "SWEEP",
        "USER_URL",
        "PRODUCT_URL",
        "DATABASE_URL",
        "DEMO",
        "ALLOWED_HOSTS",
        "CORS_ORIGINS",
        "OPEN_TO_NETWORK",
        "REQUEST_TIMEOUT",
        "RUST_LOG",
    ] {
        let named = ["=", "]"].map(|end| format!("[env: {variable}{end}"));
        assert!(named.iter().any(|text| stdout.contains(text)), "{variable} is missing:\n{stdout}");
    }
    for heading in ["Addresses:", "Databases:", "Orders and payments:", "Accounts and access:", "Logging:", "Examples:"]
    {
        assert!(stdout.lines().any(|line| line == heading), "{heading} is missing:\n{stdout}");
    }
}
