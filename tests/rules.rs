//! The rules of the house that the compiler can't keep; `src/lib.rs` has them in words.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

const SERVICES: [&str; 3] = ["user", "product", "order"];

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

#[test]
fn a_service_reaches_another_only_through_its_client_and_api() {
    for service in SERVICES {
        let (_, rooms) = sources()
            .into_iter()
            .find(|(name, _)| *name == format!("{service}/mod.rs"))
            .expect("a service has a mod.rs");
        for private in ["pub mod store", "pub mod handlers", "pub use "] {
            assert!(!rooms.contains(private), "{service}/mod.rs has {private}");
        }
        let to_others: Vec<String> = SERVICES
            .iter()
            .filter(|other| **other != service)
            .flat_map(|other| {
                let code = sources().into_iter().filter(|(name, _)| name.starts_with(&format!("{service}/")));
                let path = format!("crate::{other}::");
                code.flat_map(|(name, code)| {
                    let uses = code.match_indices(&path).map(|(at, _)| code[at + path.len()..].to_owned());
                    uses.filter(|rest| !rest.starts_with("client") && !rest.starts_with("api"))
                        .map(|_| format!("{name} reaches into {other}"))
                        .collect::<Vec<_>>()
                })
                .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(to_others, NOBODY);
    }
}

#[test]
fn sql_stands_only_in_stores_and_speaks_of_their_own_tables() {
    let statements = ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", ".query_opt(", ".execute("];
    let allowed = |name: &str| name.ends_with("/store.rs") || name.starts_with("storage/");
    assert_eq!(files_with(&statements, allowed), NOBODY);
    let mut tables = 0;
    for (service, migration) in [
        ("user", include_str!("../src/storage/migrations/sqlite/001_user.sql")),
        ("product", include_str!("../src/storage/migrations/sqlite/002_product.sql")),
        ("order", include_str!("../src/storage/migrations/sqlite/003_order.sql")),
    ] {
        for rest in migration.split("CREATE TABLE ").skip(1) {
            let table = rest.split_whitespace().next().unwrap();
            tables += 1;
            for verb in ["FROM", "INTO", "UPDATE", "JOIN"] {
                let foreign = files_with(&[&format!("{verb} {table} ")], |name| name == format!("{service}/store.rs"));
                assert_eq!(foreign, NOBODY);
            }
        }
    }
    assert!(tables >= 5, "the tables are where they are looked for");
}

#[test]
fn storage_knows_nothing_of_http_or_of_a_service() {
    let mut words = vec!["actix", "reqwest", "crate::web", "crate::peer"];
    let services = SERVICES.map(|service| format!("crate::{service}"));
    words.extend(services.iter().map(String::as_str));
    assert_eq!(files_with(&words, |name| !name.starts_with("storage/")), NOBODY);
    assert_eq!(files_with(&["actix", "reqwest", "rusqlite"], |name| name != "error.rs"), NOBODY);
}

#[test]
fn only_config_reads_the_environment() {
    assert_eq!(files_with(&["env::var", "env::args", "dotenvy"], |name| name == "config.rs"), NOBODY);
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
    let words = ["Db::open(", "UserClient::new(", "ProductClient::new("];
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
