//! Product search: every way of looking up finds the same products.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Api, TestApp};

/// Folds case as the service does: each letter to upper case, then to lower case.
fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// The products of `all` that have `text` in their name or description, in the same order.
fn having(all: &[Value], text: &str) -> Vec<Value> {
    let has = |product: &&Value| {
        let texts = ["name", "description"].map(|field| product[field].as_str().unwrap_or_default());
        lower(&texts.join("\n")).contains(&lower(text))
    };
    all.iter().filter(has).cloned().collect()
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Asserts that each text finds exactly the products that have it, in each sort order and page by page.
async fn assert_finds(api: &Api, texts: &[&str]) {
    for sort in ["id", "price", "-price", "name"] {
        let all = api.all(&format!("/products?sort={sort}")).await;
        for text in texts {
            let query = format!("/products?sort={sort}&search={}", encoded(text));
            let expected = having(&all, text);
            assert_eq!(api.all(&query).await, expected, "{query}");
            if !expected.is_empty() {
                let mut path = format!("{query}&limit={}", expected.len().div_ceil(2).min(1000));
                let mut found = Vec::new();
                loop {
                    let page = api.get(&path).await;
                    found.extend_from_slice(page.expect(200).as_array().unwrap());
                    let link = page.header("link").to_owned();
                    match link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")) {
                        Some(next) => path = next.to_owned(),
                        None => break,
                    }
                }
                assert_eq!(found, expected, "the pages of {query}");
            }
        }
    }
}

const TEXTS: &[&str] = &[
    "kopi",
    "KOPI",
    "Kopi Gayo",
    "opi",
    "pi",
    "i",
    "x",
    "zz",
    "zzz",
    "z",
    "%",
    "_",
    "\\",
    "100%",
    "50_",
    "\\_",
    "\"",
    "\"\"",
    "\"a\" OR b*",
    "a\" OR \"b",
    "NEAR(kopi gayo)",
    "name:kopi",
    "^kopi",
    "kopi*",
    "-kopi",
    "'",
    "';",
    "(",
    "☕",
    "☕ ",
    "🐈🐈",
    "🐈",
    "ÉCOLE",
    "école",
    "ecole",
    "σας",
    "ΣΑΣ",
    "straße",
    "STRASSE",
    "İ",
    "ı",
    "ﬁ",
    "fi",
    "日本語",
    "日本",
    "本",
    "gayo 1 kg",
    "kopi gayo kopi gayo kopi gayo kopi gayo",
    "ab",
    "ba",
    "abab",
    "ababab",
    "kg",
    "g\u{e9}",
];

const NAMES: &[(&str, &str)] = &[
    ("Kopi Gayo 1 kg", "Kopi ☕ dari Gayo, 100% arabika"),
    ("kopi gayo kopi gayo kopi gayo kopi gayo", ""),
    ("100% \"a\" OR b*", "diskon 50_ \\_ \\ '; DROP TABLE"),
    ("Café École", "straße ﬁ 日本語 g\u{e9}"),
    ("ΣΑΣ", "İstanbul ısı"),
    ("🐈🐈 makanan kucing", "NEAR(kopi gayo) name:kopi ^kopi kopi* -kopi"),
    ("x", "abababab"),
    ("Sekolah zz", ""),
    ("Teh", "baris satu\nbaris dua z"),
];

#[tokio::test]
async fn a_search_finds_exactly_the_products_with_the_text() {
    let app = TestApp::spawn().await;
    for (at, (name, description)) in (1..).zip(NAMES) {
        let new = json!({"name": name, "price": 1000 - at, "description": Some(description).filter(|d| !d.is_empty())});
        app.product.post("/products", &new).await.expect(201);
    }
    assert_finds(&app.product, TEXTS).await;
}

#[tokio::test]
async fn a_search_reflects_edits_and_removals() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let id = app.sells("Kopi Gayo", 5, Some(3)).await;
    let other = app.sells("Teh Botol", 5, None).await;
    let path = format!("/products/{id}");
    let found = async |text: &str| {
        let found = app.product.all(&format!("/products?search={}", encoded(text))).await;
        found.iter().map(|product| product["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((found("gayo").await, found("go").await), (vec![id], vec![]));
    app.product.patch(&path, &json!({"name": "Kopi Luwak"})).await.expect(200);
    assert_eq!((found("gayo").await, found("luwak").await), (vec![], vec![id]));
    app.product.patch(&path, &json!({"description": "lebih enak dari teh"})).await.expect(200);
    assert_eq!((found("teh").await, found("te").await), (vec![id, other], vec![id, other]));
    app.product.patch(&path, &json!({"description": null, "price": 6})).await.expect(200);
    assert_eq!((found("teh").await, found("te").await), (vec![other], vec![other]));
    app.product.put(&format!("{path}/stock"), &json!({"stock": 9})).await.expect(200);
    assert_eq!(found("luwak").await, [id]);
    assert_eq!(app.product.delete(&path).await.status, 204);
    assert_eq!((found("luwak").await, found("k").await), (vec![], vec![]));
}

#[tokio::test]
async fn the_products_of_an_earlier_version_are_found() {
    let folder = tempfile::tempdir().unwrap();
    drop(TestApp::in_folder(&folder, &[]).await);
    // Tables as the earlier version made them, with more products than are looked up one by one.
    let database = Connection::open(folder.path().join("pasar.db")).unwrap();
    database
        .execute_batch(
            "DROP TRIGGER products_search_insert; DROP TRIGGER products_search_update; DROP TRIGGER products_search_delete;
             DROP TABLE products_search_terms; DROP TABLE products_search;
             DROP INDEX products_category_price; DROP INDEX products_category_name;
             DELETE FROM migrations WHERE name LIKE '010%';
             DELETE FROM done WHERE name = 'products indexed for search';
             WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 2500)
             INSERT INTO products (name, price, description, search_text)
             SELECT 'Tas ' || n, n % 7, CASE n % 1000 WHEN 0 THEN 'Qx' END,
                    'tas ' || n || char(10) || CASE n % 1000 WHEN 0 THEN 'qx' ELSE '' END FROM number;",
        )
        .unwrap();
    drop(database);
    let app = TestApp::in_folder(&folder, &[]).await;
    assert_finds(&app.product, &["tas", "ta", "t", "tas 24", "as 2499", "9", "99", "qx", "q", "asus", "tidak ada"])
        .await;
}
