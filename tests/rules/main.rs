//! The rules of the architecture that the compiler can't keep; `src/lib.rs` has them in words.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on has failed")]

mod graph;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

use graph::Graph;
use source::{ROOT, Source, ends_word, files_below, occurrences, sources, without_literals};

/// The folders of services: those with a `service.rs`.
static SERVICES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let service = |source: Source| source.name.strip_suffix("/service.rs").map(str::to_owned);
    sources().into_iter().filter_map(service).collect()
});

fn is_service(room: &str) -> bool {
    SERVICES.iter().any(|service| service == room)
}

/// Which room has which tables.
const TABLES: [(&str, &[&str]); 7] = [
    ("user", &["users", "notifications", "accounts"]),
    ("product", &["products", "products_search", "products_search_terms", "reservations", "reservation_items"]),
    // `order_items` and `order_keys` are tables of earlier versions.
    (
        "order",
        &[
            "orders",
            "order_items",
            "order_history",
            "order_keys",
            "open_orders",
            "order_activity",
            "order_counts",
            "order_minutes",
            "order_tally",
        ],
    ),
    ("payment", &["payments"]),
    ("events", &["outbox", "intents", "subscribers"]),
    ("storage", &["idempotency_keys", "keys_of_subjects", "resets"]),
    ("auth", &["revocations"]),
];

/// Modules of a service that must be usable without HTTP.
const WITHOUT_WEB: [&str; 8] = ["store", "client", "placement", "lifecycle", "expiry", "opening", "settlement", "jobs"];

const NONE: [String; 0] = [];

/// `FILE has WORD` for each file that has one of the words, but for the excepted.
fn files_with(words: &[&str], excepted: impl Fn(&str) -> bool) -> Vec<String> {
    let found = |Source { name, code, .. }: Source| {
        let word = words.iter().find(|word| code.contains(**word))?;
        (!excepted(&name)).then(|| format!("{name} has {word}"))
    };
    sources().into_iter().filter_map(found).collect()
}

#[test]
fn no_module_imports_in_a_circle() {
    let graph = Graph::of(&sources());
    assert!(graph.imports("order::handlers", "order::placement"), "imports are found");
    assert!(graph.imports("order::state", "user::client"), "imports are found");
    assert_eq!(graph.circles(), [[""; 0]; 0] as [[&str; 0]; 0], "circles of files");
    // A service may call another and be called by it, through its `api` and `client`; of the rest, whole rooms count.
    let room = |module: &str| match module.split_once("::") {
        Some((room, _)) if !is_service(room) => room.to_owned(),
        _ => module.to_owned(),
    };
    assert_eq!(graph.grouped(room).circles(), [[""; 0]; 0] as [[&str; 0]; 0], "circles of rooms");
}

#[test]
fn a_service_reaches_another_only_through_its_client_and_api() {
    let graph = Graph::of(&sources());
    for (module, imported) in graph.edges() {
        let service = |module: &str| module.split("::").next().filter(|room| is_service(room)).map(str::to_owned);
        let (Some(from), Some(to)) = (service(module), service(imported)) else { continue };
        let public = [format!("{to}::api"), format!("{to}::client")];
        assert!(from == to || public.iter().any(|door| door == imported), "{module} imports {imported}");
    }
    for Source { name, code, .. } in sources() {
        let Some((service, "mod.rs")) = name.split_once('/').filter(|(service, _)| is_service(service)) else {
            continue;
        };
        let public: Vec<_> = code.lines().filter_map(|line| line.strip_prefix("pub mod ")).collect();
        assert_eq!(public, ["api;", "client;"], "the public modules of {service}");
    }
}

#[test]
fn lower_rooms_know_nothing_of_those_above_them() {
    let graph = Graph::of(&sources());
    let room = |module: &str| module.split("::").next().unwrap_or_default().to_owned();
    let below_services = ["domain", "storage", "events", "auth", "calls", "faults"];
    for (module, imported) in graph.edges() {
        let (from, to) = (room(module), room(imported));
        let above: &[&str] = match from.as_str() {
            "domain" => &["storage", "events", "auth", "web", "peer", "service", "app", "config", "error", "clock"],
            "storage" => &["events", "auth", "web", "peer", "service", "app", "config"],
            "events" => &["auth", "web", "peer", "service", "app", "config"],
            "auth" => &["web", "peer", "service", "app", "config"],
            "calls" | "context" | "clock" | "error" | "faults" | "metrics" | "shares" | "limits" => {
                &["storage", "events", "auth", "web", "peer", "service", "app", "config"]
            }
            "peer" => &["web", "service", "app", "config"],
            "web" => &["peer", "service", "app", "config"],
            _ => &[],
        };
        assert!(!above.contains(&to.as_str()), "{module} imports {imported}");
        let may_know_services = is_service(&from) || ["app", "config", "load", "main"].contains(&from.as_str());
        assert!(!is_service(&to) || may_know_services, "{module} imports {imported}");
    }
    let low = |name: &str| below_services.iter().any(|room| name.starts_with(&format!("{room}/")));
    assert_eq!(files_with(&["actix", "reqwest"], |name| !low(name)), NONE);
    assert_eq!(files_with(&["rusqlite"], |name| name.starts_with("storage/")), NONE);
    assert_eq!(
        files_with(&["actix"], |name| !["error.rs", "context.rs", "metrics.rs", "peer.rs"].contains(&name)),
        NONE
    );
}

#[test]
fn stores_clients_and_sagas_know_nothing_of_the_server() {
    let graph = Graph::of(&sources());
    let mut found = BTreeSet::new();
    for (module, imported) in graph.edges() {
        let mut path = module.split("::");
        let (Some(service), Some(name)) = (path.next(), path.next()) else { continue };
        if is_service(service) && WITHOUT_WEB.contains(&name) {
            found.insert(name.to_owned());
            assert!(imported.split("::").next() != Some("web"), "{module} imports {imported}");
        }
    }
    assert_eq!(found.len(), WITHOUT_WEB.len(), "each of these modules exists: {found:?}");
}

#[test]
fn sql_stands_only_in_stores_and_speaks_of_their_own_tables() {
    let statements = ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", ".query_opt(", ".execute("];
    let is_store_of = |name: &str, service: &str| {
        name == format!("{service}/store.rs") || name.starts_with(&format!("{service}/store/"))
    };
    let shared = |name: &str| ["events/", "storage/", "auth/"].iter().any(|room| name.starts_with(room));
    let allowed = |name: &str| shared(name) || SERVICES.iter().any(|service| is_store_of(name, service));
    assert_eq!(files_with(&statements, allowed), NONE);

    for (owner, tables) in TABLES {
        let at_home = |name: &str| {
            if is_service(owner) { is_store_of(name, owner) } else { name.starts_with(&format!("{owner}/")) }
        };
        for Source { name, code, .. } in sources().into_iter().filter(|source| !at_home(&source.name)) {
            let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
            for table in tables {
                for verb in ["FROM", "INTO", "UPDATE", "JOIN"] {
                    let phrase = format!("{verb} {table}");
                    assert!(occurrences(&code, &phrase).next().is_none(), "{name} has {phrase}, a table of {owner}");
                }
            }
        }
    }
}

#[test]
fn every_table_has_its_owner() {
    let mut made = BTreeSet::new();
    for file in files_below("src/storage", "sql") {
        let text = fs::read_to_string(file).unwrap();
        for phrase in ["CREATE TABLE ", "CREATE VIRTUAL TABLE ", "RENAME TO "] {
            for rest in text.split(phrase).skip(1) {
                let end = rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap();
                made.insert(rest[..end].to_owned());
            }
        }
    }
    let owned: Vec<_> = TABLES.iter().flat_map(|(_, tables)| tables.iter().map(|table| (*table).to_owned())).collect();
    assert_eq!(owned.iter().cloned().collect::<BTreeSet<_>>(), made);
    assert_eq!(owned.len(), made.len(), "a table has one owner");
}

#[test]
fn only_app_opens_a_database() {
    assert_eq!(files_with(&["Db::open("], |name| name == "app.rs" || name.starts_with("app/")), NONE);
}

#[test]
fn only_services_make_clients_of_others() {
    let words = ["UserClient::new(", "ProductClient::new(", "OrderClient::new(", "PaymentClient::new("];
    assert_eq!(files_with(&words, |name| name.ends_with("/service.rs")), NONE);
}

#[test]
fn status_codes_stand_only_in_web_and_peer() {
    let allowed = |name: &str| name.starts_with("web/") || name == "peer.rs" || name.starts_with("peer/");
    assert_eq!(files_with(&["StatusCode"], allowed), NONE);
    // HttpResponse::Ok and its kind.
    let named = |Source { name, code, .. }: Source| {
        let mut after = code.match_indices("HttpResponse::").map(|(at, path)| &code[at + path.len()..]);
        (!allowed(&name) && after.any(|rest| rest.starts_with(char::is_uppercase))).then_some(name)
    };
    assert_eq!(sources().into_iter().filter_map(named).collect::<Vec<_>>(), NONE);
}

#[test]
fn a_file_has_one_subject() {
    let files = files_below("src", "rs").into_iter().chain(files_below("tests", "rs"));
    let long: Vec<_> = files
        .filter(|file| fs::read_to_string(file).unwrap().lines().count() > 500)
        .map(|file| file.strip_prefix(ROOT).unwrap().display().to_string())
        .collect();
    assert_eq!(long, NONE);
}

/// Words that only somebody who knows this code would understand, each with what the field says.
const PRIVATE_WORDS: [(&str, &str); 18] = [
    ("house", "architecture"),
    ("owed", "job"),
    ("owes", "job"),
    ("debt", "job"),
    ("hasten", "run now"),
    ("stands", "is valid"),
    ("told", "notified"),
    ("dress", "format"),
    ("stamp", "add headers"),
    ("note", "record"),
    ("notes", "records"),
    ("books", "records"),
    ("manner", "behaviour"),
    ("holder", "owner"),
    ("turn", "lease"),
    ("place", "cursor"),
    ("part", "module"),
    ("cure", "remedy"),
];

#[test]
fn the_code_speaks_the_words_of_its_field() {
    let mut found = Vec::new();
    let texts =
        [("src", "rs"), ("tests", "rs"), (".github", "md")].map(|(folder, end)| files_below(folder, end)).concat();
    for file in texts.into_iter().chain([format!("{ROOT}/README.md").into()]) {
        let name = file.strip_prefix(ROOT).unwrap().display().to_string();
        if name == "tests/rules/main.rs" {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let text = if name.ends_with(".rs") { without_literals(&text) } else { text };
        // A function of tokio.
        let text = text.replace("block_in_place", "");
        for (number, line) in text.lines().enumerate() {
            for (word, better) in PRIVATE_WORDS {
                let lower = line.to_lowercase();
                let mut uses = lower.match_indices(word).filter(|(at, _)| {
                    let before = lower[..*at].chars().next_back();
                    !before.is_some_and(char::is_alphanumeric) && ends_word(&lower[at + word.len()..])
                });
                if uses.next().is_some() {
                    found.push(format!("{name}:{}: {word} (rather: {better})", number + 1));
                }
            }
        }
    }
    assert_eq!(found, NONE, "{}", found.join("\n"));
}
