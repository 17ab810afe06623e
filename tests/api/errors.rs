//! Invalid bodies: the status, the code and the problem document in two languages.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Api, CATALOGUE, TestApp};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn send(api: &Api, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    api.send(Method::POST, path, headers, body.to_vec()).await
}

/// A body that must be refused, the fields named in `errors` (none if empty), the status and the code.
type Case = (Vec<u8>, &'static str, u16, &'static str);

/// Sends each body in both languages. Afterwards the service still works, and its data is unchanged.
async fn all_refused(api: &Api, path: &str, cases: &[Case]) {
    let before = api.all(path).await;
    for (body, field, status, code) in cases {
        let start = String::from_utf8_lossy(&body[..body.len().min(80)]);
        println!("POST {path} {start:?}");
        for language in ["id", "en"] {
            let headers = [JSON, ("accept-language", language)];
            let problem = send(api, path, &headers, body).await.problem_in(language, *status, code);
            let named: Vec<&str> =
                problem["errors"].as_object().into_iter().flatten().map(|(name, _)| &**name).collect();
            assert_eq!(named.join(" "), *field, "{problem}");
            assert!(problem["errors"].as_object().into_iter().flatten().all(|(_, why)| why.is_string()), "{problem}");
        }
        assert_eq!(api.all(path).await, before);
    }
}

/// The routes that create something, by service.
fn created(app: &TestApp) -> [(&Api, &'static str); 4] {
    [(&app.user, "/users"), (&app.product, "/products"), (&app.order, "/orders"), (&app.payment, "/payments")]
}

fn cases<const N: usize>(bodies: [(&str, &'static str); N], status: u16, code: &'static str) -> Vec<Case> {
    bodies.into_iter().map(|(body, field)| (body.into(), field, status, code)).collect()
}

fn nested(open: &str, close: &str) -> String {
    format!("{{\"name\":{}1{}}}", open.repeat(200), close.repeat(200))
}

#[tokio::test]
async fn every_service_refuses_invalid_json() {
    let app = TestApp::spawn().await;
    let mut bad = cases(
        [
            ("", ""),
            (" ", ""),
            ("{", ""),
            ("name=Bob", ""),
            ("{'name':'Bob'}", ""),
            ("{\"name\":\"Bob\",}", ""),
            ("{\"name\":\"Bob\"} {}", ""),
            ("{\"name\":\"Bob\"}x", ""),
            ("{name:\"Bob\"}", ""),
            ("{\"name\":NaN}", ""),
            ("{\"name\":01}", ""),
            ("{\"name\":1e999}", ""),
            ("{\"name\":\"Bob", ""),
            ("{\"name\":\"\\ud800\"}", ""),
            ("{\"name\":\"\\udc00\\ud800\"}", ""),
            ("{\"name\":\"\\x\"}", ""),
            ("{\"name\":\"a\0b\"}", ""),
            ("{\"name\":\"a\nb\"}", ""),
            ("\u{feff}{\"name\":\"Bob\"}", ""),
            ("{\"name\":\"Bob\",\"name\":\"Bob\"}", ""),
            ("{\"name\":\"Bob\",\"n\\u0061me\":\"Bob\"}", ""),
            ("{\"name\":\"Bob\",\"x\":1,\"x\":1}", ""),
            (&nested("[", "]"), ""),
            (&nested("{\"a\":", "}"), ""),
            (&"{\"a\":".repeat(10_000), ""),
        ],
        400,
        "bad_json",
    );
    for bytes in [
        &b"{\"name\":\"B\xff\"}"[..],
        b"{\"name\":\"\xed\xa0\x80\"}",
        b"\xff\xfe{\0}\0",
        b"\0",
        b"{\"name\":\"\xc0\x80\"}",
    ] {
        bad.push((bytes.to_vec(), "", 400, "bad_json"));
    }
    for (api, path) in created(&app) {
        all_refused(api, path, &bad).await;
    }
}

#[tokio::test]
async fn every_service_refuses_json_that_is_not_an_object() {
    let app = TestApp::spawn().await;
    let bodies = ["[]", "[{\"name\":\"Bob\"}]", "\"Bob\"", "\"\"", "1", "0", "-1.5", "1e308", "null", "true"];
    let mut wrong = cases(bodies.map(|body| (body, "")), 400, "wrong_type");
    wrong.push(("[".repeat(60_000).into_bytes(), "", 400, "wrong_type"));
    for (api, path) in created(&app) {
        all_refused(api, path, &wrong).await;
    }
}

#[tokio::test]
async fn the_fields_of_a_user_are_checked_and_all_errors_are_listed() {
    let app = TestApp::spawn().await;
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(256));
    let wide = format!("{{\"name\":\"{}\"}}", "😀".repeat(256));
    let email = format!("{{\"name\":\"A\",\"email\":\"a@{}.id\"}}", "x".repeat(252));
    let wrong_types = cases(
        [
            ("{\"name\":1}", "name"),
            ("{\"name\":null}", "name"),
            ("{\"name\":[\"Bob\"]}", "name"),
            ("{\"name\":{}}", "name"),
            ("{\"name\":true}", "name"),
            ("{\"name\":\"A\",\"email\":1,\"phone\":812}", "email phone"),
        ],
        400,
        "wrong_type",
    );
    let rules = cases(
        [
            ("{}", "name"),
            ("{\"name\":\"\"}", "name"),
            ("{\"name\":\"  \\t\\n\\u00a0\"}", "name"),
            ("{\"name\":\"a\\u0000b\"}", "name"),
            ("{\"name\":\"a\\nb\"}", "name"),
            ("{\"name\":\"a\\u001b[31mb\"}", "name"),
            ("{\"name\":\"a\\u202eb\"}", "name"),
            ("{\"name\":\"a\u{202e}b\"}", "name"),
            ("{\"name\":\"a\\u2066b\"}", "name"),
            ("{\"name\":\"a\\ufeffb\"}", "name"),
            (&long, "name"),
            (&wide, "name"),
            (&email, "email"),
            ("{\"Name\":\"Bob\"}", "Name name"),
            ("{\"name\":\"Bob\",\"admin\":true}", "admin"),
            ("{\"name\":\"Bob\",\"id\":7}", "id"),
            ("{\"name\":\"Bob\",\"__proto__\":{}}", "__proto__"),
            ("{\"name\":\"\",\"email\":\"x\",\"phone\":\"x\",\"colour\":1}", "colour email name phone"),
        ],
        422,
        "invalid_fields",
    );
    all_refused(&app.user, "/users", &[wrong_types, rules].concat()).await;
    let fits = json!({"name": "😀".repeat(255), "email": format!("a@{}.id", "x".repeat(249)), "phone": null});
    app.user.post("/users", &fits).await.expect(201);
}

#[tokio::test]
async fn the_fields_of_a_product_are_checked() {
    let app = TestApp::spawn().await;
    let price = |price: &str| format!("{{\"name\":\"A\",\"price\":{price}}}");
    let wrong = ["\"1\"", "1.5", "0.1", "-1e-308", "null", "[1]", "true"];
    let wrong: Vec<Case> = wrong.map(|bad| (price(bad).into_bytes(), "price", 400, "wrong_type")).into();
    let rules = [
        "-1",
        "-9223372036854775808",
        "1000000000000001",
        "9223372036854775807",
        "9223372036854775808",
        "1e16",
        "1e308",
        "-1e308",
    ];
    let rules: Vec<Case> = rules.map(|bad| (price(bad).into_bytes(), "price", 422, "invalid_fields")).into();
    let missing = cases([("{\"name\":\"A\"}", "price"), ("{}", "name price")], 422, "invalid_fields");
    all_refused(&app.product, "/products", &[wrong, rules, missing].concat()).await;
    // In JSON, 1 and 1.0 are the same number.
    for (good, stored) in [("0", 0_i64), ("1000000000000000", 1_000_000_000_000_000), ("5.0", 5), ("1e3", 1000)] {
        let added = send(&app.product, "/products", &[JSON], price(good).as_bytes()).await.expect(201);
        assert_eq!(added["product"]["price"], stored);
    }
}

#[tokio::test]
async fn the_fields_of_an_order_are_checked() {
    let app = TestApp::spawn().await;
    let body = |name: &str, value: &str| {
        let mut fields = json!({"user_id": 1, "product_id": 1, "quantity": 1});
        fields[name] = json!("@");
        fields.to_string().replace("\"@\"", value).into_bytes()
    };
    let mut bad: Vec<Case> = Vec::new();
    for field in ["user_id", "product_id", "quantity"] {
        for value in ["1.5", "\"1\"", "[1]", "{}", "true", "1e-1"] {
            bad.push((body(field, value), field, 400, "wrong_type"));
        }
        for value in ["-1", "0", "-0.0", "9223372036854775808", "18446744073709551615", "1e308"] {
            bad.push((body(field, value), field, 422, "invalid_fields"));
        }
    }
    for field in ["user_id", "product_id"] {
        bad.push((body(field, "null"), field, 400, "wrong_type"));
    }
    bad.extend(cases(
        [
            ("{}", "product_id user_id"),
            ("{\"user_id\":1}", "product_id"),
            ("{\"product_id\":1}", "user_id"),
            ("{\"user_id\":0,\"product_id\":-1}", "product_id user_id"),
            ("{\"user_id\":1,\"product_id\":1,\"total_price\":1}", "total_price"),
        ],
        422,
        "invalid_fields",
    ));
    all_refused(&app.order, "/orders", &bad).await;
    let unknown = body("user_id", "9223372036854775807");
    send(&app.order, "/orders", &[JSON], &unknown).await.problem(404, "user_not_found");
}

#[tokio::test]
async fn a_body_up_to_64_kib_is_read_and_a_larger_one_refused() {
    let app = TestApp::spawn().await;
    let padded = |size: usize| {
        let mut body = b"{\"name\":\"Bob\"}".to_vec();
        body.resize(size, b' ');
        body
    };
    let chunked = |size: usize| {
        let body = padded(size);
        let mut request = b"POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
            Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_vec();
        for chunk in body.chunks(1000) {
            request.extend(format!("{:x}\r\n", chunk.len()).bytes());
            request.extend(chunk);
            request.extend(b"\r\n");
        }
        request.extend(b"0\r\n\r\n");
        request
    };
    send(&app.user, "/users", &[JSON], &padded(64 * 1024)).await.expect(201);
    assert_eq!(app.user.raw(chunked(64 * 1024)).await.status, 201);
    for size in [64 * 1024 + 1, 70_000, 1_000_000] {
        send(&app.user, "/users", &[JSON], &padded(size)).await.problem(413, "body_too_large");
        app.user.raw(chunked(size)).await.problem(413, "body_too_large");
        app.user.get("/users/1").await.expect(200);
    }
    // A too large `Content-Length` is refused before any of the body arrives.
    let claim = ["Host: localhost", "Content-Type: application/json", "Content-Length: 99999999999"];
    app.user.raw_head("POST /users HTTP/1.1", &claim).await.problem(413, "body_too_large");
    assert_eq!(app.user.all("/users").await.len(), 3);
}

#[tokio::test]
async fn a_body_must_be_declared_as_json_and_not_be_compressed() {
    let app = TestApp::spawn().await;
    let body = json!({"name": "Bob"}).to_string().into_bytes();
    for language in ["id", "en"] {
        for headers in [
            vec![],
            vec![("content-type", "")],
            vec![("content-type", "text/plain")],
            vec![("content-type", "application/x-www-form-urlencoded")],
            vec![("content-type", "multipart/form-data; boundary=x")],
            vec![("content-type", "application/jsonp")],
            vec![("content-type", "application/merge-patch+json")],
            vec![("content-type", "text/plain; application/json")],
            vec![("content-type", "text/plain, application/json")],
            vec![JSON, ("content-encoding", "gzip")],
            vec![JSON, ("content-encoding", "br")],
            vec![JSON, ("content-encoding", "identity, gzip")],
        ] {
            println!("{headers:?}");
            let headers = [&headers[..], &[("accept-language", language)]].concat();
            let answer = send(&app.user, "/users", &headers, &body).await;
            let refused = answer.problem_in(language, 415, "unsupported_media_type");
            let detail = &refused["detail"];
            assert!(detail.as_str().unwrap().contains("`Content-Type: application/json`"), "{detail}");
            app.user.get("/users/1").await.expect(200);
        }
        let twice = [JSON, ("content-type", "text/plain"), ("accept-language", language)];
        send(&app.user, "/users", &twice, &body).await.problem_in(language, 400, "bad_header");
    }
    for good in
        ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8"]
    {
        send(&app.user, "/users", &[("content-type", good)], &body).await.expect(201);
    }
    send(&app.user, "/users", &[JSON, ("content-encoding", "identity")], &body).await.expect(201);
    assert_eq!(app.user.all("/users").await.len(), 6);
}

#[tokio::test]
async fn the_reader_chooses_the_language_and_gets_indonesian_by_default() {
    let app = TestApp::spawn().await;
    for (accepted, language) in
        [("", "id"), ("en", "en"), ("en-US,en;q=0.9", "en"), ("id,en;q=0.5", "id"), ("fr", "id"), ("\u{e9}", "id")]
    {
        let answer = app.user.get_as("/users/99", &[("accept-language", accepted)]).await;
        let problem = answer.problem_in(language, 404, "user_not_found");
        let message = if language == "en" { "User not found." } else { "Pengguna tidak ditemukan." };
        assert_eq!((&problem["message"], &problem["title"]), (&json!(message), &json!("User not found.")));
        let mut vary = answer.headers.get_all("vary").iter();
        assert!(vary.any(|names| names.to_str().unwrap().contains("accept-language")));
    }
    let refused = app.user.post_as("/users", &[("accept-language", "en")], &json!({})).await;
    assert_eq!(refused.json()["errors"]["name"], "is required");
    let refused = app.user.post("/users", &json!({})).await;
    assert_eq!(refused.json()["errors"]["name"], "wajib diisi");
}

#[tokio::test]
async fn errors_reveal_no_internals() {
    let app = TestApp::spawn().await;
    // With required auth, the addresses of the services are not revealed.
    let strict = TestApp::with_flags(&["--user-url", "http://127.0.0.1:9", "--auth", "required"]).await;
    let siti = strict.registers("siti@example.com").await;
    let order = json!({"user_id": siti.id, "product_id": 1});
    let refused = strict.order.with_token(&siti.token).post("/orders", &order).await;
    assert_eq!(refused.problem(503, "peer_unavailable")["detail"], "the user service refused the connection");
    for answer in [
        refused,
        app.user.post("/users", &json!({"name": "x'; DROP TABLE users; --", "email": "x"})).await,
        app.user.get("/users/x").await,
        app.user.get("/users?limit=x").await,
    ] {
        assert!(answer.status >= 400);
        let text = answer.text().to_lowercase();
        for inside in ["sqlite", "select", "insert", "src/", ".rs", "panick", "reqwest", "os error", "127.0.0.1"] {
            assert!(!text.contains(inside), "{inside} in {text}");
        }
    }
}

#[test]
fn the_error_catalogue_has_each_code_once_and_in_two_languages() {
    let mut names: Vec<&str> = CATALOGUE.iter().map(|code| code.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    for code in CATALOGUE {
        assert!(code.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", code.name);
        assert!(code.message.id.ends_with('.') && code.message.en.ends_with('.'), "{}", code.name);
        assert_ne!(code.message.id, code.message.en, "{}", code.name);
    }
}
