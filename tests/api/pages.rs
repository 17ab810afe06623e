//! The pages and documents that each service has about itself.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::GzDecoder;
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
    assert!(html.starts_with("<!DOCTYPE html>"), "{html}");
    // Nothing that the page's own policy forbids.
    for script in html.split("<script").skip(1) {
        let own = [" src=\"/static/", " type=\"module\" src=\"/static/", " id=\"texts\" type=\"application/json\">"];
        assert!(own.iter().any(|start| script.starts_with(start)), "{script}");
    }
    for forbidden in ["<style", " style=", " onclick=", "=\"http://", "=\"https://"] {
        assert!(!html.contains(forbidden), "{forbidden} in {html}");
    }
    html
}

#[tokio::test]
async fn a_browser_gets_pages() {
    let app = TestApp::spawn().await;
    for (service, api) in app.services() {
        let root = assert_page(&api.get_as("/", &[BROWSER]).await);
        assert!(root.contains("<html lang=\"id\">") && root.contains("Kode kesalahan"), "{root}");
        assert!(root.contains(&format!("id=\"get_{service}s_id\"")), "{root}");
        assert!(!root.contains("<span lang=\"en\">"), "each description has its Indonesian: {root}");
        let english = assert_page(&api.get_as("/", &[BROWSER, ("accept-language", "en")]).await);
        assert!(english.contains("<html lang=\"en\">") && english.contains("Error codes"), "{english}");
        let errors = assert_page(&api.get_as("/errors", &[BROWSER]).await);
        assert!(errors.contains("Tidak ada rute dengan path ini."), "{errors}");
    }
}

#[tokio::test]
async fn behind_a_front_door_pages_find_all_services_there() {
    let door = "https://shop.example";
    let app = TestApp::with_flags(&["--auth=required", "--allowed-hosts=shop.example", "--public-url", door]).await;
    for (_, api) in app.services() {
        let services = api.raw_head("GET /services HTTP/1.1", &["Host: shop.example"]).await.expect(200);
        let urls: Vec<&Value> = services.as_array().unwrap().iter().map(|service| &service["url"]).collect();
        assert_eq!(urls, [door; 4]);
        let shop = api.raw_head("GET /shop/ HTTP/1.1", &["Host: shop.example"]).await;
        let policy = shop.header("content-security-policy");
        assert!(policy.contains(&format!("connect-src 'self' {door};")) && !policy.contains("http:"), "{policy}");
    }
}

#[tokio::test]
async fn the_page_shows_the_services_of_its_listener() {
    let apart = TestApp::with_flags(&["--payment-addr", "127.0.0.1:0"]).await;
    let together = TestApp::spawn().await;
    for (api, title, calls) in [
        (&apart.payment, "PaymentService", ["is-payment\" id=\"get_payments_id\""].as_slice()),
        (&apart.order, "OrderService", &["is-order\" id=\"get_orders_id\""]),
        (&together.order, "OrderService", &["is-order\" id=\"get_orders_id\"", "is-payment\" id=\"get_payments_id\""]),
    ] {
        let page = assert_page(&api.get_as("/", &[BROWSER]).await);
        assert!(page.contains(&format!("<h1>{title}</h1>")), "{page}");
        for call in ["is-order\" id=\"get_orders_id\"", "is-payment\" id=\"get_payments_id\""] {
            assert_eq!(page.contains(call), calls.contains(&call), "{title}: {call}");
        }
        // The switcher has all services all the same, and one of them is this page's.
        assert_eq!(page.matches("data-service=").count(), 4, "{page}");
    }
}

#[tokio::test]
async fn the_page_has_a_field_for_each_parameter_and_each_member_of_a_body() {
    let app = TestApp::spawn().await;
    for (_, api) in app.services() {
        let page = api.get_as("/", &[BROWSER]).await.text();
        let document = api.get("/openapi.json").await.expect(200);
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let start = format!("data-method=\"{}\" data-path=\"{path}\"", method.to_uppercase());
                let gives = |media_type: &str| operation["responses"]["200"]["content"].get(media_type).is_some();
                let is_page = gives("*/*") || (gives("text/html") && !gives("application/json"));
                // The live page makes these for people.
                let is_elsewhere = path.starts_with("/faults") || path.starts_with("/lessons");
                assert_eq!(page.contains(&start), !is_page && !is_elsewhere, "a form with {start}");
                let Some(form) = page.split(&start).nth(1) else { continue };
                let form = form.split("</form>").next().unwrap();
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let parameters = parameters.map(|parameter| parameter["name"].as_str().unwrap());
                let example = operation["requestBody"]["content"]["application/json"]["example"].as_object();
                for name in parameters.chain(example.into_iter().flat_map(|body| body.keys().map(String::as_str))) {
                    assert!(form.contains(&format!("name=\"{name}\"")), "{method} {path} has no field {name}: {form}");
                }
            }
        }
    }
}

#[tokio::test]
async fn swagger_ui_is_served_with_its_content_security_policy() {
    let app = TestApp::spawn().await;
    let docs = app.user.get_as("/docs", &[BROWSER]).await;
    let policy = docs.header("content-security-policy");
    for rule in ["default-src 'none'", "style-src 'self'", "img-src 'self' data:", "frame-ancestors 'none'"] {
        assert!(policy.split("; ").any(|one| one == rule), "{rule}: {policy}");
    }
    assert!(docs.text().contains("<html lang=\"id\">") && docs.text().contains("class=\"top\""), "{}", docs.text());
    for page in ["/docs/index.html", "/docs/oauth2-redirect.html", "/docs/no-such-file"] {
        app.user.get(page).await.problem(404, "route_not_found");
    }
}

#[tokio::test]
async fn the_files_of_swagger_ui_are_compressed_for_those_who_accept_it() {
    let app = TestApp::spawn().await;
    for file in ["swagger-ui-bundle.js", "swagger-ui.css", "openapi-id.json", "openapi-en.json"] {
        let path = format!("/docs/{file}");
        let plain = app.user.get(&path).await;
        assert_eq!((plain.status, plain.headers.get("content-encoding")), (200, None), "{path}");
        for refused in ["br", "gzip;q=0", "identity"] {
            let answer = app.user.get_as(&path, &[("accept-encoding", refused)]).await;
            assert_eq!(
                (answer.headers.get("content-encoding"), &answer.body),
                (None, &plain.body),
                "{path}: {refused}"
            );
        }
        let accepted = [("accept-encoding", "gzip, deflate, br")];
        let compressed = app.user.get_as(&path, &accepted).await;
        assert_eq!((compressed.status, compressed.header("content-encoding")), (200, "gzip"), "{path}");
        assert!(compressed.body.len() * 3 < plain.body.len(), "{path}: {} bytes", compressed.body.len());
        let mut decompressed = Vec::new();
        GzDecoder::new(compressed.body.as_slice()).read_to_end(&mut decompressed).unwrap();
        assert!(decompressed == plain.body, "{path} is another file when it is compressed");
        assert_ne!(compressed.header("etag"), plain.header("etag"), "each form has a tag of its own");
        for (answer, headers) in [(&plain, [].as_slice()), (&compressed, &accepted)] {
            assert_eq!(answer.header("content-type"), plain.header("content-type"), "{path}");
            assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
            let known = [headers, &[("if-none-match", answer.header("etag"))]].concat();
            let again = app.user.get_as(&path, &known).await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
            for answer in [answer, &again] {
                let vary = answer.header("vary").to_lowercase();
                assert!(vary.split(',').any(|name| name.trim() == "accept-encoding"), "{path}: {vary}");
            }
        }
    }
}

/// The summaries and descriptions of a document by their places in it.
fn texts(document: &Value) -> Vec<(String, String)> {
    fn collect(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
        let members = value.as_object().into_iter().flatten().map(|(name, member)| (name.clone(), member));
        let items = value.as_array().into_iter().flatten().enumerate().map(|(at, item)| (at.to_string(), item));
        for (name, member) in members.chain(items) {
            let path = format!("{path}/{name}");
            match member.as_str() {
                Some(text) if name == "summary" || name == "description" => found.push((path, text.to_owned())),
                _ => collect(member, &path, found),
            }
        }
    }
    let mut found = Vec::new();
    collect(document, "", &mut found);
    found
}

#[tokio::test]
async fn swagger_ui_gets_the_document_in_each_language() {
    let app = TestApp::with_flags(&["--payment-addr", "127.0.0.1:0"]).await;
    for api in [&app.user, &app.product, &app.order, &app.payment] {
        let contract = texts(&api.get("/openapi.json").await.expect(200));
        let indonesian = texts(&api.get("/docs/openapi-id.json").await.expect(200));
        let english = texts(&api.get("/docs/openapi-en.json").await.expect(200));
        assert!(contract.len() > 200, "{}", contract.len());
        assert_eq!((contract.len(), contract.len()), (indonesian.len(), english.len()));
        for (((path, text), (_, indonesian)), (_, english)) in contract.iter().zip(&indonesian).zip(&english) {
            // The name of a program is the same in all languages.
            if !text.starts_with("Swagger UI") {
                assert_ne!(indonesian, english, "{path} is not translated");
            }
            if path.ends_with("/summary") {
                assert_eq!(text, indonesian, "{path}");
            } else {
                assert!(text.ends_with(english.as_str()) || english == "For anyone.", "{path}: {text}: {english}");
            }
        }
        // But for these texts, they are the contract.
        let bare = |mut document: Value| {
            fn strip(value: &mut Value) {
                if let Some(members) = value.as_object_mut() {
                    members
                        .retain(|name, member| !(member.is_string() && (name == "summary" || name == "description")));
                    members.values_mut().for_each(strip);
                }
                value.as_array_mut().into_iter().flatten().for_each(strip);
            }
            strip(&mut document);
            document
        };
        let contract = bare(api.get("/openapi.json").await.expect(200));
        for language in ["id", "en"] {
            assert_eq!(bare(api.get(&format!("/docs/openapi-{language}.json")).await.expect(200)), contract);
        }
    }
}

#[tokio::test]
async fn common_default_paths_are_served() {
    let app = TestApp::spawn().await;
    for (_, api) in app.services() {
        for (tried, page) in [("/docs/", "/docs"), ("/shop", "/shop/"), ("/admin", "/admin/"), ("/live", "/live/")] {
            let answer = api.get(tried).await;
            assert_eq!((answer.status, answer.header("location")), (307, page));
        }
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
            assert_eq!((&entry["cause"], &entry["cure"]), (&json!(code.cause.en), &json!(code.remedy.en)));
        }
        let html = assert_page(&api.get_as(path, &[BROWSER]).await);
        for code in CATALOGUE {
            assert_eq!(html.matches(&format!("id=\"{}\"", code.name)).count(), 1, "{}", code.name);
        }
    }
}
