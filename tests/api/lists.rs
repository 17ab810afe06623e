//! What all lists share: pages, cursors and invalid queries.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::lifecycle::START;
use crate::support::{Api, Clock, TestApp};

/// An app with `count` users, products and orders, with ids from 1 on.
async fn filled(count: u64) -> TestApp {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    for at in 1..=count {
        app.user.post("/users", &json!({"name": format!("User {at}")})).await.expect(201);
        let product = json!({"name": format!("Produk {at}"), "price": at});
        app.product.post("/products", &product).await.expect(201);
        app.order.post("/orders", &json!({"user_id": at, "product_id": at})).await.expect(201);
    }
    app
}

fn lists(app: &TestApp) -> [(&Api, &'static str); 4] {
    [(&app.user, "/users?"), (&app.product, "/products?"), (&app.order, "/orders?"), (&app.order, "/orders?sort=-id&")]
}

/// The target of a `Link` header, if there is a next page.
fn next(link: &str) -> Option<&str> {
    if link.is_empty() {
        return None;
    }
    let found = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
    Some(found.unwrap_or_else(|| panic!("not a link to the next page: {link}")))
}

/// Follows the links from `path` to the last page, and returns all pages.
async fn walk(api: &Api, path: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut path = path.to_owned();
    loop {
        let answer = api.get(&path).await;
        let page = answer.expect(200);
        pages.push(page.as_array().unwrap().clone());
        assert!(pages.len() < 1000, "the links never end");
        match next(answer.header("link")) {
            Some(further) => path = further.to_owned(),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn following_the_links_gives_every_row_once_in_order() {
    const COUNT: u64 = 23;
    let app = filled(COUNT).await;
    for (api, list) in lists(&app) {
        let whole = api.all(list).await;
        let ids: Vec<u64> = whole.iter().map(|row| row["id"].as_u64().unwrap()).collect();
        let mut expected: Vec<u64> = (1..=COUNT).collect();
        if list.contains("-id") {
            expected.reverse();
        }
        assert_eq!(ids, expected, "{list}");
        for limit in [1, 7, 22, 23, 24, 1000] {
            let pages = walk(api, &format!("{list}limit={limit}")).await;
            let sizes: Vec<usize> = pages.iter().map(Vec::len).collect();
            let full = sizes.len() - 1;
            assert!(sizes[..full].iter().all(|size| *size == limit) && sizes[full] > 0, "{limit}: {sizes:?}");
            assert_eq!(pages.concat(), whole, "{list}limit={limit}");
        }
    }
}

#[tokio::test]
async fn a_page_may_be_larger_than_one_read() {
    const COUNT: usize = 250;
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let user = json!({"name": "Banyak"});
    let added = futures_util::future::join_all((0..COUNT).map(|_| app.user.post("/users", &user))).await;
    assert!(added.iter().all(|answer| answer.status == 201));
    let whole = app.user.all("/users").await;
    assert_eq!(whole.len(), COUNT);
    for (limit, sizes) in [(100, vec![100, 100, 50]), (101, vec![101, 101, 48]), (249, vec![249, 1]), (250, vec![250])]
    {
        let pages = walk(&app.user, &format!("/users?limit={limit}")).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), sizes, "{limit}");
        assert_eq!(pages.concat(), whole, "{limit}");
    }
}

/// Orders without a deadline are those of versions that had none.
#[tokio::test]
async fn pending_orders_are_listed_by_their_ids_however_long_they_wait() {
    const COUNT: i64 = 230;
    let folder = tempfile::tempdir().unwrap();
    drop(TestApp::in_folder(&folder, &[]).await);
    let database = Connection::open(folder.path().join("pasar.db")).unwrap();
    for id in 1..=COUNT {
        let status = if id % 5 == 0 { "paid" } else { "pending" };
        let wait = [None, Some(60_000), Some(900_000), Some(900_000), Some(3_600_000), Some(-1)][id as usize % 6];
        let sql = "INSERT INTO orders (id, user_id, user_name, total_price, status, created_at, expires_at)
                   VALUES (?, 1, 'Bambang', 0, ?, ?, ?)";
        database.execute(sql, (id, status, START, wait.map(|wait| START + wait))).unwrap();
    }
    drop(database);
    let app = TestApp::in_folder_with_clock(&folder, &[], &Clock::standing_at(START)).await;
    for (list, has_paid) in [("/orders?status=pending", false), ("/orders?status=paid,pending", true)] {
        for sort in ["id", "-id"] {
            let mut ids: Vec<_> = (1..=COUNT).filter(|id| has_paid || id % 5 != 0).collect();
            if sort == "-id" {
                ids.reverse();
            }
            let list = format!("{list}&sort={sort}");
            let whole = app.order.all(&list).await;
            assert_eq!(whole.iter().map(|order| order["id"].as_i64().unwrap()).collect::<Vec<_>>(), ids, "{list}");
            for limit in [1, 7, 100, 150, 1000] {
                let pages = walk(&app.order, &format!("{list}&limit={limit}")).await;
                assert!(pages.iter().rev().skip(1).all(|page| page.len() == limit), "{list}&limit={limit}");
                assert_eq!(pages.concat(), whole, "{list}&limit={limit}");
            }
        }
    }
}

#[tokio::test]
async fn rows_added_while_paging_appear_at_the_end() {
    let app = filled(3).await;
    let first = app.user.get("/users?limit=2").await;
    assert_eq!(first.expect(200).as_array().unwrap().len(), 2);
    app.user.post("/users", &json!({"name": "Baru"})).await.expect(201);
    let rest = walk(&app.user, next(first.header("link")).unwrap()).await.concat();
    assert_eq!(rest, [json!({"id": 3, "name": "User 3"}), json!({"id": 4, "name": "Baru"})]);
}

#[tokio::test]
async fn an_empty_list_is_an_empty_array_without_a_link() {
    let app = filled(0).await;
    for (api, list) in lists(&app) {
        for path in [list.to_owned(), format!("{list}limit=10")] {
            let answer = api.get(&path).await;
            answer.expect(200);
            assert_eq!((answer.text().as_str(), answer.header("link")), ("[]", ""), "{path}");
            assert_eq!(answer.header("content-type"), "application/json");
        }
    }
}

#[tokio::test]
async fn an_invalid_query_is_refused_and_names_its_parameter() {
    let app = filled(3).await;
    for (api, list) in lists(&app) {
        for (query, named) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=-1", "limit"),
            ("limit=x", "limit"),
            ("limit=", "limit"),
            ("limit", "limit"),
            ("limit=1.0", "limit"),
            ("limit=1e2", "limit"),
            ("limit=18446744073709551617", "limit"),
            ("limit=5&limit=5", "limit"),
            ("after=x", "after"),
            ("after=", "after"),
            ("after=2", "after"),
            ("after=%00", "after"),
            ("limit=2&after=!!!!", "after"),
            ("colour=red", "colour"),
            ("Limit=1", "Limit"),
            ("=1", ""),
            ("limit=0&after=x&colour=red", "after colour limit"),
        ] {
            for language in ["id", "en"] {
                let answer = api.get_as(&format!("{list}{query}"), &[("accept-language", language)]).await;
                let problem = answer.problem_in(language, 400, "bad_query");
                let errors = problem["errors"].as_object().unwrap_or_else(|| panic!("{query}: {problem}"));
                assert_eq!(errors.keys().map(String::as_str).collect::<Vec<_>>().join(" "), named, "{list}{query}");
                assert!(errors.values().all(|why| why.as_str().is_some_and(|why| !why.is_empty())), "{problem}");
            }
        }
        assert_eq!(api.all(list).await.len(), 3);
    }
    for sort in ["x", "", "name", "+id", "id,-id", "ID"] {
        let problem = app.order.get(&format!("/orders?sort={sort}")).await.problem(400, "bad_query");
        assert!(problem["errors"]["sort"].is_string(), "{sort}: {problem}");
    }
    app.user.get("/users?sort=-id").await.problem(400, "bad_query");
}

#[tokio::test]
async fn a_cursor_is_only_valid_for_its_own_sort_order() {
    let app = filled(3).await;
    for (api, list, sorts) in [(&app.order, "/orders", &["id", "-id"][..]), (&app.product, "/products", &SORTS)] {
        for sort in sorts {
            let page = api.get(&format!("{list}?sort={sort}&limit=1")).await;
            let link = next(page.header("link")).unwrap().to_owned();
            assert!(link.contains(&format!("sort={sort}")), "{link}");
            assert_eq!(api.all(&link).await[0]["id"], 2);
            for other in sorts.iter().filter(|other| *other != sort) {
                let elsewhere = link.replace(&format!("sort={sort}"), &format!("sort={other}"));
                let problem = api.get(&elsewhere).await.problem(400, "bad_query");
                assert!(problem["errors"]["after"].is_string(), "{sort} as {other}: {problem}");
            }
        }
    }
}

#[tokio::test]
async fn products_can_be_filtered() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let product = |name: &str, price: i64, stock: Option<i64>, category: Option<&str>, description: Option<&str>| json!({"name": name, "price": price, "stock": stock, "category": category, "description": description});
    for new in [
        product("Kopi Gayo 100%", 500, Some(0), Some("Minuman"), Some("Biji pilihan\nsangrai")),
        product("KOPI_susu", 300, Some(5), Some("Minuman"), None),
        product("Crème Brûlée", 700, None, Some("Makanan"), Some("100 gram")),
        product("Berkas C:\\Kopi", 300, None, None, Some("\"50%\" _garis_")),
        product("ΚΟΣΜΟΣ", 0, Some(1), Some("minuman"), None),
        product("kopi_susu", 1_000_000_000_000_000, Some(0), None, Some("ЧАЙ и кофе")),
    ] {
        app.product.post("/products", &new).await.expect(201);
    }
    for (query, ids) in [
        ("", &[1, 2, 3, 4, 5, 6][..]),
        ("search=kopi", &[1, 2, 4, 6]),
        ("search=KoPi+GaYo", &[1]),
        ("search=biji", &[1]),
        ("search=PILIHAN", &[1]),
        ("search=sangrai", &[1]),
        ("search=100", &[1, 3]),
        ("search=100%25", &[1]),
        ("search=%25", &[1, 4]),
        ("search=%25%25", &[]),
        ("search=_", &[2, 4, 6]),
        ("search=i_s", &[2, 6]),
        ("search=k_pi", &[]),
        ("search=%5C", &[4]),
        ("search=%5Ckopi", &[4]),
        ("search=%5C%25", &[]),
        ("search=%5C_", &[]),
        ("search=%22", &[4]),
        ("search='", &[]),
        ("search=CR%C3%88ME", &[3]),
        ("search=br%C3%BBl%C3%A9e", &[3]),
        ("search=creme", &[]),
        ("search=%D1%87%D0%B0%D0%B9", &[6]),
        ("search=%D0%9A%D0%9E%D0%A4%D0%95", &[6]),
        ("search=%CE%9A%CE%9F%CE%A3%CE%9C", &[5]),
        ("name=KOPI_susu", &[2]),
        ("name=kopi_susu", &[6]),
        ("name=kopi", &[]),
        ("name=kopi%25", &[]),
        ("name=Kopi+Gayo+100%25", &[1]),
        ("name=Berkas+C:%5CKopi", &[4]),
        ("category=Minuman", &[1, 2]),
        ("category=minuman", &[5]),
        ("category=Minum", &[]),
        ("min_price=500", &[1, 3, 6]),
        ("min_price=501", &[3, 6]),
        ("max_price=300", &[2, 4, 5]),
        ("max_price=299", &[5]),
        ("max_price=0", &[5]),
        ("min_price=300&max_price=500", &[1, 2, 4]),
        ("min_price=500&max_price=300", &[]),
        ("min_price=1000000000000000", &[6]),
        ("in_stock=true", &[2, 3, 4, 5]),
        ("in_stock=false", &[1, 6]),
        ("search=kopi&category=Minuman&in_stock=true&max_price=400", &[2]),
        ("search=kopi&sort=-price", &[6, 1, 4, 2]),
        ("search=kopi&sort=price", &[2, 4, 1, 6]),
        ("sort=name", &[4, 3, 2, 1, 6, 5]),
    ] {
        let found: Vec<_> = app.product.all(&format!("/products?{query}")).await;
        assert_eq!(found.iter().map(|row| row["id"].as_u64().unwrap()).collect::<Vec<_>>(), ids, "{query}");
        for limit in [1, 2] {
            let pages = walk(&app.product, &format!("/products?{query}&limit={limit}")).await;
            assert_eq!(pages.concat(), found, "{query} by {limit}");
        }
    }
    // A search uses the current data of an edited product.
    let edit = json!({"name": "Teh", "description": "Daun"});
    app.product.patch("/products/1", &edit).await.expect(200);
    for (search, found) in [("gayo", 0), ("pilihan", 0), ("teh", 1), ("daun", 1)] {
        assert_eq!(app.product.all(&format!("/products?search={search}")).await.len(), found, "{search}");
    }
}

/// A sigma at the end of a word has its own lower-case form, and the text searched for can end within a word.
#[tokio::test]
async fn a_product_is_found_by_any_lower_case_form_of_a_capital() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    app.sells("ΚΟΣΜΟΣ", 1, None).await;
    for search in ["ΚΟΣΜΟΣ", "κοσμος", "ΟΣΜ", "ΚΟΣ", "κοσ", "ΜΟΣ"] {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("search", search).finish();
        assert_eq!(app.product.all(&format!("/products?{query}")).await.len(), 1, "{search}");
    }
}

/// An app with many products of equal price, many of equal name, and many of equal stock.
async fn with_duplicates() -> TestApp {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    for at in 0..24 {
        let (name, price) = (["Zebra", "apel", "Ömür", "a:b&c=d", "apel 2"][at % 5], [300, 100, 300, 0][at % 4]);
        app.sells(name, price, [None, Some(3), Some(0), Some(7), None][at % 5]).await;
    }
    app
}

/// The rows in this sort order. Of equal rows the older comes first; with a minus, the newer.
fn sorted(mut rows: Vec<Value>, sort: &str) -> Vec<Value> {
    rows.sort_by_key(|row| row["id"].as_i64());
    match sort {
        "price" => rows.sort_by_key(|row| row["price"].as_i64()),
        "-price" => {
            rows.sort_by_key(|row| (row["price"].as_i64().map(|price| -price), row["id"].as_i64().map(|id| -id)))
        }
        "-id" => rows.reverse(),
        "stock" => rows.sort_by_key(|row| row["stock"].as_i64().unwrap_or(i64::MAX)),
        "name" => rows.sort_by_key(|row| row["name"].as_str().unwrap().as_bytes().to_vec()),
        _ => {}
    }
    rows
}

const SORTS: [&str; 6] = ["id", "-id", "price", "-price", "name", "stock"];

#[tokio::test]
async fn equal_products_appear_once_in_every_sort_order_and_page_size() {
    let app = with_duplicates().await;
    let rows = app.product.all("/products").await;
    for sort in SORTS {
        let whole = app.product.all(&format!("/products?sort={sort}")).await;
        assert_eq!(whole, sorted(rows.clone(), sort), "{sort}");
        for limit in [1, 2, 5, 23, 24] {
            let pages = walk(&app.product, &format!("/products?sort={sort}&limit={limit}")).await;
            assert_eq!(pages.concat(), whole, "{sort} by {limit}");
        }
    }
}

#[tokio::test]
async fn a_cursor_stays_valid_after_its_row_is_removed() {
    for sort in SORTS {
        let app = with_duplicates().await;
        let whole = app.product.all(&format!("/products?sort={sort}")).await;
        let first = app.product.get(&format!("/products?sort={sort}&limit=5")).await;
        assert_eq!(first.expect(200), json!(whole[..5]));
        // The row of the cursor, the one before it, and the one after it.
        for at in [4, 2, 5] {
            let id = &whole[at]["id"];
            assert_eq!(app.product.delete(&format!("/products/{id}")).await.status, 204);
        }
        let rest = walk(&app.product, next(first.header("link")).unwrap()).await.concat();
        assert_eq!(rest, whole[6..], "{sort}");
    }
}

/// Asserts that each query is refused, and names these parameters.
async fn assert_refused(api: &Api, queries: &[(&str, &str)]) {
    for (path, named) in queries {
        let problem = api.get(path).await.problem(400, "bad_query");
        let errors: Vec<_> = problem["errors"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(errors.join(" "), *named, "{path}");
    }
}

#[tokio::test]
async fn an_invalid_filter_is_refused_and_names_its_parameter() {
    let app = filled(1).await;
    let long = format!("/products?search={}", "x".repeat(256));
    assert_refused(
        &app.product,
        &[
            ("/products?min_price=-1", "min_price"),
            ("/products?min_price=x&max_price=", "max_price min_price"),
            ("/products?min_price=1.5", "min_price"),
            ("/products?max_price=1e-3", "max_price"),
            ("/products?max_price=1000000000000001", "max_price"),
            ("/products?max_price=9223372036854775808", "max_price"),
            ("/products?in_stock=yes", "in_stock"),
            ("/products?in_stock=1", "in_stock"),
            ("/products?in_stock=True", "in_stock"),
            ("/products?in_stock=", "in_stock"),
            ("/products?sort=-name", "sort"),
            ("/products?sort=-stock", "sort"),
            ("/products?sort=price,id", "sort"),
            ("/products?sort=price&after=NA", "after"),
            ("/products?search=", "search"),
            ("/products?search=%20", "search"),
            ("/products?search=a%00b", "search"),
            ("/products?search=a&search=b", "search"),
            (&long, "search"),
            ("/products?name=&category=a%0Ab", "category name"),
            ("/products?stock=1", "stock"),
            ("/products/1/check-stock?quantity=0", "quantity"),
            ("/products/1/check-stock?quantity=-1", "quantity"),
            ("/products/1/check-stock?quantity=x", "quantity"),
            ("/products/1/check-stock?quantity=", "quantity"),
            ("/products/1/check-stock?quantity=1.5", "quantity"),
            ("/products/1/check-stock?quantity=1000001", "quantity"),
            ("/products/1/check-stock?quantity=1&quantity=1", "quantity"),
            ("/products/1/check-stock?product_id=4", "product_id"),
        ],
    )
    .await;
    assert_refused(
        &app.order,
        &[
            ("/orders?status=PAID", "status"),
            ("/orders?status=unknown&user_id=0", "status user_id"),
            ("/orders?status=", "status"),
            ("/orders?user_id=x", "user_id"),
            ("/orders?user_id=-1", "user_id"),
            ("/orders/user/1?user_id=1", "user_id"),
            ("/orders/user/1?status=x&sort=price", "sort status"),
            ("/payments?sort=-id", "sort"),
            ("/payments?status=paid&limit=0", "limit status"),
        ],
    )
    .await;
    let notifications =
        [("/users/1/notifications?sort=id", "sort"), ("/users/1/notifications?limit=1001&after=x", "after limit")];
    assert_refused(&app.user, &notifications).await;
}

#[tokio::test]
async fn a_number_in_a_query_is_written_as_in_json() {
    let app = filled(1).await;
    let products = [
        ("/products?min_price=%2B5", "min_price"),
        ("/products?max_price=007", "max_price"),
        ("/products/1/check-stock?quantity=01", "quantity"),
    ];
    assert_refused(&app.product, &products).await;
    assert_refused(&app.order, &[("/orders?user_id=%2B1", "user_id"), ("/orders?user_id=01", "user_id")]).await;
}
