//! The pages and documents that each service has about itself.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Answer, CATALOGUE, TestApp};

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

#[tokio::test]
async fn the_root_names_the_service_and_its_endpoints() {
    let app = TestApp::spawn().await;
    let names = ["UserService", "ProductService", "OrderService"];
    let samples = [
        ("GET /users/<id>", "Mengambil data user berdasarkan id"),
        ("GET /products", "Mengambil daftar semua produk"),
        ("POST /orders", "Membuat pesanan berdasarkan user_id dan product_id"),
    ];
    for (((_, api), name), (call, what)) in app.services().into_iter().zip(names).zip(samples) {
        let root = api.get("/").await.expect(200);
        assert_eq!(root["message"], format!("Selamat datang di {name}!"));
        assert_eq!((&root["service"], &root["version"]), (&json!(name), &json!(env!("CARGO_PKG_VERSION"))));
        assert_eq!(root["endpoints"][call], what);
        let english = api.get_as("/", &[("accept-language", "en")]).await.expect(200);
        assert_eq!(english["message"], format!("Welcome to {name}!"));
        assert!(english["endpoints"][call].is_string() && english["endpoints"][call] != what, "{english}");
    }
}

#[tokio::test]
async fn the_root_names_what_the_document_has() {
    let app = TestApp::spawn().await;
    for (_, api) in app.services() {
        let root = api.get("/").await.expect(200);
        assert_eq!(root["docs"], "/docs");
        let named: BTreeSet<&str> = root["endpoints"].as_object().unwrap().keys().map(String::as_str).collect();
        let document = api.get("/openapi.json").await.expect(200);
        let paths = document["paths"].as_object().unwrap();
        let documented: BTreeSet<String> = paths
            .iter()
            .flat_map(|(path, operations)| {
                let path = path.replace('{', "<").replace('}', ">");
                operations.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
            })
            .collect();
        assert_eq!(named, documented.iter().map(String::as_str).collect());
    }
}

/// Asserts that this is an HTML page that loads nothing from elsewhere and can't be framed.
fn assert_page(answer: &Answer) -> String {
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let policy: Vec<&str> = answer.header("content-security-policy").split(';').map(str::trim).collect();
    for rule in ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(&rule), "{policy:?}");
    }
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let vary = answer.header("vary").to_lowercase();
    assert!(vary.split(',').any(|name| name.trim() == "accept"), "a cache must not mix them up: {vary}");
    let html = answer.text();
    assert!(html.starts_with("<!doctype html>"), "{html}");
    // Nothing that the page's own policy forbids.
    let html = html.replace("<script src=\"/static/info.js\" defer></script>", "");
    for forbidden in ["<script", "<style", " style=", " onclick=", "http://", "https://"] {
        assert!(!html.contains(forbidden), "{forbidden} in {html}");
    }
    html
}

#[tokio::test]
async fn a_browser_gets_pages() {
    let app = TestApp::spawn().await;
    for (service, api) in app.services() {
        let root = assert_page(&api.get_as("/", &[BROWSER]).await);
        assert!(root.contains("<html lang=\"id\">") && root.contains("Selamat datang di"), "{root}");
        assert!(root.contains(&format!("GET /{service}s/{{id}}")), "{root}");
        let english = assert_page(&api.get_as("/", &[BROWSER, ("accept-language", "en")]).await);
        assert!(english.contains("<html lang=\"en\">") && english.contains("Welcome to"), "{english}");
        assert_page(&api.get_as("/errors", &[BROWSER]).await);
    }
}

#[tokio::test]
async fn swagger_ui_is_served_with_its_content_security_policy() {
    let app = TestApp::spawn().await;
    let docs = app.user.get_as("/docs", &[BROWSER]).await;
    assert!(docs.header("content-security-policy").contains("frame-ancestors 'none'"), "{:?}", docs.headers);
    for page in ["/docs/index.html", "/docs/oauth2-redirect.html", "/docs/no-such-file"] {
        app.user.get(page).await.problem(404, "route_not_found");
    }
}

#[tokio::test]
async fn common_default_paths_are_served() {
    let app = TestApp::spawn().await;
    for (_, api) in app.services() {
        let docs = api.get("/docs/").await;
        assert_eq!((docs.status, docs.header("location")), (307, "/docs"));
        let icon = api.get("/favicon.ico").await;
        assert_eq!((icon.status, icon.header("content-type")), (200, "image/svg+xml"));
        assert!(icon.text().starts_with("<svg "), "{}", icon.text());
        assert_eq!(api.get("/static/favicon.svg").await.body, icon.body);
        let page = api.get_as("/", &[BROWSER]).await;
        assert!(page.text().contains("href=\"/static/favicon.svg\""), "{}", page.text());
        assert!(page.header("content-security-policy").contains("img-src 'self'"));
    }
}

#[tokio::test]
async fn all_three_health_endpoints_report_success() {
    let app = TestApp::spawn().await;
    for (_, api) in app.services() {
        for path in ["/health", "/health/ready", "/health/live"] {
            let health = api.get(path).await.expect(200);
            assert_eq!(health["status"], "ok", "{path}");
            assert_eq!(health["checks"]["database"], if path.ends_with("live") { Value::Null } else { json!("ok") });
        }
    }
}

/// The value of the first metric of this name that has all these labels.
fn metric(text: &str, name: &str, labels: &[&str]) -> f64 {
    let found = text.lines().find(|line| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{'))
            && labels.iter().all(|label| line.contains(label))
    });
    found.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn the_metrics_count_requests_by_route_and_calls_by_peer() {
    let app = TestApp::spawn().await;
    let before = app.order.get("/metrics").await;
    assert_eq!(before.status, 200);
    assert!(before.header("content-type").starts_with("text/plain; version=0.0.4"));
    for id in ["1", "99", "x", "%00"] {
        app.user.get(&format!("/users/{id}")).await;
    }
    for path in ["/a", "/b/c", "/users/1/2"] {
        app.user.get(path).await.problem(404, "route_not_found");
    }
    app.order.post("/orders", &json!({"user_id": 1, "product_id": 1})).await.expect(201);
    let users = app.user.get("/metrics").await.text();
    let text = app.order.get("/metrics").await.text();
    for (text, method, route, status, count) in [
        // One more than the requests here, since the order called it too.
        (&users, "GET", "/users/{id}", 200, 2.0),
        (&users, "GET", "/users/{id}", 404, 3.0),
        (&users, "GET", "", 404, 3.0),
        (&text, "POST", "/orders", 201, 1.0),
    ] {
        let labels = [("method", method), ("route", route), ("status", &status.to_string())];
        let labels = labels.map(|(name, value)| format!("{name}=\"{value}\""));
        let labels = labels.each_ref().map(String::as_str);
        assert_eq!(metric(text, "http_requests_total", &labels), count, "{labels:?} in {text}");
    }
    for peer in [r#"peer="user""#, r#"peer="product""#] {
        assert_eq!(metric(&text, "peer_calls_total", &[peer, r#"outcome="ok""#]), 1.0, "{text}");
    }
    assert!(metric(&text, "http_request_duration_seconds_count", &[r#"route="/orders""#]) >= 1.0, "{text}");
    assert!(metric(&text, "database_operations", &[r#"operation="write""#]) >= 1.0, "{text}");
    assert!(!users.contains("%00") && !users.contains("/b/c"), "paths as sent are no labels: {users}");
}

#[tokio::test]
async fn the_errors_page_has_an_entry_for_every_code_and_problems_link_to_it() {
    let app = TestApp::spawn().await;
    for (_, api) in app.services() {
        let problem = api.get("/nothing").await.problem(404, "route_not_found");
        let (path, anchor) = problem["type"].as_str().unwrap().split_once('#').unwrap();
        assert_eq!((path, anchor), ("/errors", "route_not_found"));

        let listed = api.get(path).await.expect(200);
        let listed = listed.as_array().unwrap();
        assert_eq!(listed.len(), CATALOGUE.len());
        for (entry, code) in listed.iter().zip(CATALOGUE) {
            assert_eq!(entry["code"], code.name);
            assert_eq!(entry["message"], json!({"id": code.message.id, "en": code.message.en}));
            assert!(entry["status"].as_u64().is_some_and(|status| (400..600).contains(&status)), "{entry}");
            assert_eq!((&entry["cause"], &entry["cure"]), (&json!(code.cause), &json!(code.remedy)));
        }
        let html = assert_page(&api.get_as(path, &[BROWSER]).await);
        for code in CATALOGUE {
            assert_eq!(html.matches(&format!("id=\"{}\"", code.name)).count(), 1, "{}", code.name);
        }
    }
}
