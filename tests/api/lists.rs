//! What all lists have in common: pages, cursors, and queries that can't be.

use serde_json::{Value, json};

use crate::support::{Api, TestApp};

/// An app with `count` users, products and orders, each numbered from 1 in the order of its making.
async fn filled(count: u64) -> TestApp {
    let app = TestApp::with(&["--demo", "off"]).await;
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

/// Where a `Link` leads, if there is a next page.
fn next(link: &str) -> Option<&str> {
    if link.is_empty() {
        return None;
    }
    let found = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
    Some(found.unwrap_or_else(|| panic!("not a link to the next page: {link}")))
}

/// Follows the links from `path` to the end, and gives the pages.
async fn walk(api: &Api, path: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut path = path.to_owned();
    loop {
        let answer = api.get(&path).await;
        let page = answer.expect(200);
        pages.push(page.as_array().unwrap().clone());
        assert!(pages.len() < 1000, "the links have no end");
        match next(answer.header("link")) {
            Some(further) => path = further.to_owned(),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn the_links_lead_to_every_row_once_and_in_order() {
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
    let app = TestApp::with(&["--demo", "off"]).await;
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

#[tokio::test]
async fn rows_that_come_while_a_list_is_walked_come_at_its_end() {
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
async fn a_query_that_can_not_be_is_refused_with_its_parameter_named() {
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
async fn a_cursor_is_good_for_its_own_order_only() {
    let app = filled(3).await;
    for (sort, other) in [("id", "-id"), ("-id", "id")] {
        let page = app.order.get(&format!("/orders?sort={sort}&limit=1")).await;
        let link = next(page.header("link")).unwrap().to_owned();
        assert!(link.contains(&format!("sort={sort}")), "{link}");
        assert_eq!(app.order.all(&link).await[0]["id"], 2);
        let elsewhere = link.replace(&format!("sort={sort}"), &format!("sort={other}"));
        let problem = app.order.get(&elsewhere).await.problem(400, "bad_query");
        assert!(problem["errors"]["after"].is_string(), "{problem}");
    }
}
