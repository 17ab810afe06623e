//! The rules of the house that the compiler can't keep; `src/lib.rs` has them in words.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const SERVICES: [&str; 4] = ["user", "product", "order", "payment"];

/// Whose tables there are.
const TABLES: [(&str, &[&str]); 7] = [
    ("user", &["users", "notifications", "accounts"]),
    ("product", &["products", "products_search", "products_search_terms", "reservations", "reservation_items"]),
    // `order_items` and `order_keys` have gone.
    ("order", &["orders", "order_items", "order_history", "order_keys", "open_orders"]),
    ("payment", &["payments"]),
    ("events", &["outbox", "intents", "subscribers"]),
    ("storage", &["idempotency_keys", "keys_of_subjects"]),
    ("auth", &["revocations"]),
];

/// Every Rust file below `src`, as its path from there with its text up to its unit tests.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("src can be read") {
            let path = entry.expect("src can be read").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&src, &mut found);
    assert!(found.len() > 20, "the sources are where they are looked for");
    let file = |path: &PathBuf| {
        let name = path.strip_prefix(&src).expect("below src").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(path).expect("a source can be read");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        (name, code)
    };
    found.iter().map(file).collect()
}

/// The files, but for the excepted, whose code has one of the words.
fn files_with(words: &[&str], excepted: impl Fn(&str) -> bool) -> Vec<String> {
    let guilty = |(name, code): (String, String)| {
        let word = words.iter().find(|word| code.contains(**word))?;
        (!excepted(&name)).then(|| format!("{name} has {word}"))
    };
    sources().into_iter().filter_map(guilty).collect()
}

const NOBODY: [String; 0] = [];

/// Whether a word has ended where `rest` begins.
fn ends_word(rest: &str) -> bool {
    !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_')
}

/// What follows each place where `word` stands in `code`, and is not the beginning of another.
fn after<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(word).map(|(at, _)| &code[at + word.len()..]).filter(|rest| ends_word(rest))
}

#[test]
fn a_service_reaches_another_only_through_its_client_and_api() {
    for service in SERVICES {
        let own = || sources().into_iter().filter(|(name, _)| name.starts_with(&format!("{service}/")));
        let (_, rooms) = own().find(|(name, _)| name.ends_with("/mod.rs")).expect("a service has a mod.rs");
        for private in ["store", "handlers"] {
            assert!(rooms.lines().any(|line| line == format!("mod {private};")), "{service}::{private} is private");
            let shown = rooms.lines().find(|line| line.starts_with("pub") && after(line, private).next().is_some());
            assert_eq!(shown, None, "{service}/mod.rs shows {private}");
        }
        for (name, code) in own() {
            for other in SERVICES.iter().filter(|other| **other != service) {
                let path = format!("crate::{other}");
                let door = |rest: &&str| {
                    ["::client", "::api"].iter().any(|door| rest.strip_prefix(door).is_some_and(ends_word))
                };
                let stray = after(&code, &path).find(|rest| !door(rest));
                assert!(stray.is_none(), "{name} reaches into {other}: {path}{}", stray.unwrap_or_default());
            }
            // The other ways to write such a path.
            for detour in ["crate::{", "super::super", "use crate as"] {
                assert!(!code.contains(detour), "{name} has {detour}");
            }
        }
    }
}

#[test]
fn sql_stands_only_in_stores_and_speaks_of_their_own_tables() {
    let statements = ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", ".query_opt(", ".execute("];
    let of_store = |name: &str, service: &str| {
        name == format!("{service}/store.rs") || name.starts_with(&format!("{service}/store/"))
    };
    let shared = |name: &str| ["events/", "storage/", "auth/"].iter().any(|books| name.starts_with(books));
    let allowed = |name: &str| shared(name) || SERVICES.iter().any(|service| of_store(name, service));
    assert_eq!(files_with(&statements, allowed), NOBODY);

    for (owner, tables) in TABLES {
        let at_home = |name: &str| {
            if SERVICES.contains(&owner) { of_store(name, owner) } else { name.starts_with(&format!("{owner}/")) }
        };
        for (name, code) in sources().into_iter().filter(|(name, _)| !at_home(name)) {
            let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
            for phrase in
                tables.iter().flat_map(|table| ["FROM", "INTO", "UPDATE", "JOIN"].map(|verb| format!("{verb} {table}")))
            {
                assert!(after(&code, &phrase).next().is_none(), "{name} has {phrase}, which is of {owner}");
            }
        }
    }
}

#[test]
fn every_table_has_its_owner() {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage/migrations/sqlite");
    let mut made = BTreeSet::new();
    for file in fs::read_dir(migrations).expect("the migrations can be read") {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for rest in ["CREATE TABLE ", "CREATE VIRTUAL TABLE ", "RENAME TO "]
            .iter()
            .flat_map(|phrase| text.split(phrase).skip(1))
        {
            let end = rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap();
            made.insert(rest[..end].to_owned());
        }
    }
    let owned: Vec<_> = TABLES.iter().flat_map(|(_, tables)| tables.iter().map(|table| (*table).to_owned())).collect();
    assert_eq!(owned.iter().cloned().collect::<BTreeSet<_>>(), made);
    assert_eq!(owned.len(), made.len(), "a table belongs to one service");
}

#[test]
fn storage_and_events_know_nothing_of_http_or_of_a_service() {
    let mut words = vec!["actix", "reqwest", "crate::web", "crate::peer"];
    let services = SERVICES.map(|service| format!("crate::{service}"));
    words.extend(services.iter().map(String::as_str));
    let elsewhere = |name: &str| !name.starts_with("storage/") && !name.starts_with("events/");
    assert_eq!(files_with(&words, elsewhere), NOBODY);
    assert_eq!(files_with(&["actix", "reqwest", "rusqlite"], |name| name != "error.rs"), NOBODY);
}

#[test]
fn only_config_reads_the_environment() {
    assert_eq!(
        files_with(&["env::var", "env::args", "dotenvy"], |name| name == "config.rs" || name.starts_with("config/")),
        NOBODY
    );
}

#[test]
fn status_codes_stand_only_in_web_and_peer() {
    let allowed = |name: &str| name.starts_with("web/") || name == "peer.rs";
    assert_eq!(files_with(&["StatusCode", "HttpResponse::build", "HttpResponse::new"], allowed), NOBODY);
    // HttpResponse::Ok and its kind.
    let named = |(name, code): (String, String)| {
        let mut after = code.match_indices("HttpResponse::").map(|(at, path)| &code[at + path.len()..]);
        (!allowed(&name) && after.any(|rest| rest.starts_with(char::is_uppercase))).then_some(name)
    };
    assert_eq!(sources().into_iter().filter_map(named).collect::<Vec<_>>(), NOBODY);
}

#[test]
fn only_app_opens_a_database_or_makes_a_client_of_a_service() {
    let words = ["Db::open(", "UserClient::new(", "ProductClient::new(", "OrderClient::new(", "PaymentClient::new("];
    assert_eq!(files_with(&words, |name| name == "app.rs"), NOBODY);
}

#[test]
fn nothing_on_a_request_s_path_may_panic() {
    let words = [".unwrap()", ".expect(", "panic!(", "unreachable!(", "todo!(", "unimplemented!("];
    assert_eq!(files_with(&words, |_| false), NOBODY);
}

#[test]
fn a_file_is_one_room() {
    let long: Vec<_> =
        sources().into_iter().filter(|(_, code)| code.lines().count() > 500).map(|(name, _)| name).collect();
    assert_eq!(long, NOBODY);
}
