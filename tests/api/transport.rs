//! HTTP itself: paths, methods, hosts, origins, and malformed requests.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, Api, PATIENCE, TestApp, eventually};

const LOCAL_HOST: &str = "Host: localhost";

/// Asserts that the service still answers.
async fn assert_serves(api: &Api) {
    api.get("/health/ready").await.expect(200);
}

/// Every path of a service except its pages, with an example for each parameter, and its methods.
fn paths(service: &str) -> Vec<(&'static str, &'static str)> {
    let own: &[_] = match service {
        "user" => &[
            ("/users", "GET, HEAD, POST, OPTIONS"),
            ("/users/1", "GET, HEAD, PATCH, DELETE, OPTIONS"),
            ("/users/1/notifications", "GET, HEAD, OPTIONS"),
            (STREAM, "GET, HEAD, OPTIONS"),
            ("/auth/register", "POST, OPTIONS"),
            ("/auth/login", "POST, OPTIONS"),
            ("/auth/me", "GET, HEAD, PATCH, OPTIONS"),
            ("/auth/me/password", "PUT, OPTIONS"),
            ("/auth/logout", "POST, OPTIONS"),
            ("/auth/ticket", "POST, OPTIONS"),
        ],
        "product" => &[
            ("/products", "GET, HEAD, POST, OPTIONS"),
            ("/products/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
            ("/products/1/stock", "GET, HEAD, PUT, OPTIONS"),
            ("/products/1/check-stock", "GET, HEAD, OPTIONS"),
            ("/reservations/7f1c3a52-5d1e-4a34-9c5b-0c8f3d2e6a91", "PUT, DELETE, OPTIONS"),
            ("/reservations/7f1c3a52-5d1e-4a34-9c5b-0c8f3d2e6a91/commit", "POST, OPTIONS"),
        ],
        _ => &[
            ("/orders", "GET, HEAD, POST, OPTIONS"),
            ("/orders/1", "GET, HEAD, OPTIONS"),
            ("/orders/1/detail", "GET, HEAD, OPTIONS"),
            ("/orders/1/tracking", "GET, HEAD, OPTIONS"),
            ("/orders/1/payment", "PUT, OPTIONS"),
            ("/orders/1/confirm", "PUT, OPTIONS"),
            ("/orders/1/status", "PUT, OPTIONS"),
            ("/orders/user/1", "GET, HEAD, OPTIONS"),
            ("/payments", "GET, HEAD, POST, OPTIONS"),
            ("/payments/1", "GET, HEAD, OPTIONS"),
            ("/payments/1/refund", "POST, OPTIONS"),
            ("/payments/confirm", "POST, OPTIONS"),
            ("/payments/methods", "GET, HEAD, OPTIONS"),
            ("/payments/order/1", "GET, HEAD, OPTIONS"),
        ],
    };
    let shared = ["/", "/health", "/health/live", "/health/ready", "/metrics", "/errors"];
    own.iter().copied().chain(shared.map(|path| (path, "GET, HEAD, OPTIONS"))).collect()
}

/// The only path with an endless answer.
const STREAM: &str = "/users/1/notifications/stream";

#[tokio::test]
async fn a_wrong_method_gets_the_allowed_methods_at_every_path() {
    let app = TestApp::spawn().await;
    for (service, api) in app.services() {
        for (path, allow) in paths(service) {
            let allowed = |method: &Method| allow.split(", ").any(|one| one == method.as_str());
            let lower = Method::from_bytes(b"get").unwrap();
            let made_up = Method::from_bytes(b"BREW").unwrap();
            let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE];
            for method in known.into_iter().chain([lower, made_up]) {
                if allowed(&method) {
                    continue;
                }
                for language in ["id", "en"] {
                    let answer = api.send(method.clone(), path, &[("accept-language", language)], vec![]).await;
                    answer.problem_in(language, 405, "method_not_allowed");
                    assert_eq!(answer.header("allow"), allow, "{method} {path}");
                }
            }
            let options = api.send(Method::OPTIONS, path, &[], vec![]).await;
            assert_eq!((options.status, options.header("allow"), options.body.len()), (204, allow, 0), "{path}");
            if !allowed(&Method::GET) {
                let head = api.raw_head(&format!("HEAD {path} HTTP/1.1"), &[LOCAL_HOST]).await;
                assert_eq!((head.status, head.header("allow"), head.text().as_str()), (405, allow, ""), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn head_is_get_without_the_body_at_every_path() {
    let app = TestApp::spawn().await;
    app.order.post("/orders", &json!({"user_id": 1, "product_id": 1})).await.expect(201);
    app.order.post("/payments", &json!({"order_id": 1})).await.expect(201);
    let notified = async || (app.user.all("/users/1/notifications").await.len() == 1).then_some(());
    eventually("the notification has come", notified).await;
    for (service, api) in app.services() {
        for (path, _) in paths(service).into_iter().filter(|(_, allow)| allow.contains("GET")) {
            let get = if path == STREAM { api.head_of_stream(path).await } else { api.get(path).await };
            let head = api.raw_head(&format!("HEAD {path} HTTP/1.1"), &[LOCAL_HOST]).await;
            // The caller has no token.
            let status = if path == "/auth/me" { 401 } else { 200 };
            assert_eq!((get.status, head.status, head.text().as_str()), (status, status, ""), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
            // The metrics have changed in between.
            if ![STREAM, "/metrics"].contains(&path) {
                assert_eq!(head.header("content-length"), get.body.len().to_string(), "{path}");
            }
        }
        let missing = api.raw_head("HEAD /nothing HTTP/1.1", &[LOCAL_HOST]).await;
        assert_eq!((missing.status, missing.text().as_str()), (404, ""));
    }
}

#[tokio::test]
async fn an_unknown_path_is_a_404_in_every_spelling() {
    let app = TestApp::spawn().await;
    let long = format!("/{}", "x".repeat(8000));
    for (path, code) in [
        ("/nothing", "route_not_found"),
        ("/products", "route_not_found"),
        ("/Users", "route_not_found"),
        ("//users", "route_not_found"),
        ("/users/", "route_not_found"),
        ("/users//1", "route_not_found"),
        ("/users/1/", "route_not_found"),
        ("/users/1/x", "route_not_found"),
        ("/users/../users", "route_not_found"),
        ("/users/./1", "route_not_found"),
        ("/users;/1", "route_not_found"),
        ("/%75sers%2f1", "route_not_found"),
        ("/%00", "route_not_found"),
        ("/%ff", "route_not_found"),
        ("/users/1%2f..%2f1", "user_not_found"),
        ("/users/%2e%2e", "user_not_found"),
        ("/users/%00", "user_not_found"),
        ("/users/1%00", "user_not_found"),
        ("/users/%ff", "user_not_found"),
        ("/users/%", "user_not_found"),
        ("/users/%zz", "user_not_found"),
        ("/users/1;x=1", "user_not_found"),
        ("/users/{id}", "user_not_found"),
        (&long, "route_not_found"),
        (&format!("/users{long}"), "user_not_found"),
    ] {
        for language in ["id", "en"] {
            println!("{path}");
            let accept = format!("Accept-Language: {language}");
            let answer = app.user.raw_head(&format!("GET {path} HTTP/1.1"), &[LOCAL_HOST, &accept]).await;
            answer.problem_in(language, 404, code);
        }
        assert_serves(&app.user).await;
    }
}

#[tokio::test]
async fn only_hosts_and_origins_of_this_machine_are_answered() {
    let app = TestApp::with_flags(&["--allowed-hosts", "shop.example"]).await;
    let users = "GET /users/1 HTTP/1.1";
    for good in
        ["localhost", "LocalHost:1", "127.0.0.1", "127.8.9.1:80", "[::1]:5000", "shop.example", "SHOP.example:8"]
    {
        let host = format!("Host: {good}");
        assert_eq!(app.user.raw_head(users, &[&host]).await.status, 200, "{good}");
        let origin = format!("Origin: http://{good}");
        assert_eq!(app.user.raw_head(users, &[&host, &origin]).await.status, 200, "{good}");
    }
    assert_eq!(app.user.raw_head("GET http://localhost/users/1 HTTP/1.1", &[LOCAL_HOST]).await.status, 200);
    assert_eq!(app.user.raw_head("GET /users/1 HTTP/1.0", &[]).await.status, 200);

    let evil = [
        "evil.example",
        "",
        ":5000",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "192.168.0.1",
        "a@localhost",
        "::1",
    ];
    for bad in evil {
        println!("{bad:?}");
        let host = format!("Host: {bad}");
        for path in ["/users/1", "/", "/nothing", "/health"] {
            let answer = app.user.raw_head(&format!("GET {path} HTTP/1.1"), &[&host]).await;
            let detail = answer.problem(421, "host_not_allowed")["detail"].to_string();
            assert!(detail.contains("ALLOWED_HOSTS") && detail.contains(bad), "{detail}");
        }
        let origin = format!("Origin: http://{bad}");
        let refused = app.user.raw_head(users, &[LOCAL_HOST, &origin]).await.problem(403, "origin_not_allowed");
        let detail = refused["detail"].to_string();
        assert!(detail.contains("CORS_ORIGINS") && detail.contains(&format!("http://{bad}")), "{detail}");
    }
    app.user.raw_head("GET http://evil.example/users/1 HTTP/1.1", &[LOCAL_HOST]).await.problem(421, "host_not_allowed");
    app.user
        .raw_head("GET http://localhost/users/1 HTTP/1.1", &["Host: evil.example"])
        .await
        .problem(421, "host_not_allowed");
    for origin in ["null", "file://", "http://localhost, http://evil.example", "localhost", "https://evil.example:443"]
    {
        let origin = format!("Origin: {origin}");
        app.user.raw_head(users, &[LOCAL_HOST, &origin]).await.problem(403, "origin_not_allowed");
    }
    assert_serves(&app.user).await;
}

#[tokio::test]
async fn quoted_client_input_is_short_and_without_control_characters() {
    let app = TestApp::spawn().await;
    let host = format!("Host: {}.example", "x".repeat(2000));
    let refused = app.user.raw_head("GET /users/1 HTTP/1.1", &[&host]).await.problem(421, "host_not_allowed");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.len() < 250 && detail.contains("xxx"), "{detail}");
    let origin = ("origin", "\u{9b}31m\t\u{e9}");
    let refused = app.user.get_as("/users/1", &[origin]).await.problem(403, "origin_not_allowed");
    assert!(!refused["detail"].as_str().unwrap().contains(char::is_control), "{refused}");
}

#[tokio::test]
async fn only_answers_to_curl_end_with_a_newline() {
    let app = TestApp::spawn().await;
    let curl = ("user-agent", "curl/8.5.0");
    for path in ["/users/1", "/users", "/users/99", "/", "/errors", "/openapi.json"] {
        let (plain, line) = (app.user.get(path).await, app.user.get_as(path, &[curl]).await);
        assert_eq!(line.body, [&plain.body[..], b"\n"].concat(), "{path}");
        assert_eq!(line.header("content-length"), line.body.len().to_string(), "{path}");
        let head = app.user.send(Method::HEAD, path, &[curl], vec![]).await;
        assert_eq!(head.header("content-length"), line.header("content-length"), "{path}");
    }
    // Bodies that are not JSON, and empty ones, get no newline.
    for path in ["/metrics", "/docs", "/static/ui.js"] {
        assert!(!app.user.get_as(path, &[curl]).await.body.ends_with(b"\n\n"), "{path}");
    }
    let gone = app.user.send(Method::DELETE, "/users/1", &[curl], vec![]).await;
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    app.user.post("/users", &json!({"name": "Siti"})).await.expect(201);
    // A replay is the first answer for every client.
    let key = ("idempotency-key", "once");
    let body = json!({"user_id": 2, "product_id": 1});
    let first = app.order.post_as("/orders", &[key], &body).await;
    let replayed = app.order.post_as("/orders", &[key, curl], &body).await;
    assert_eq!((replayed.status, replayed.header("idempotent-replayed")), (201, "true"));
    assert_eq!(replayed.body, [&first.body[..], b"\n"].concat());
    // A streamed list gets one too.
    for _ in 0..250 {
        app.order.post("/orders", &body).await.expect(201);
    }
    let (plain, line) = (app.order.get("/orders").await, app.order.get_as("/orders", &[curl]).await);
    assert_eq!((plain.header("content-length"), line.header("content-length")), ("", ""));
    assert_eq!(line.body, [&plain.body[..], b"\n"].concat());
}

#[tokio::test]
async fn a_foreign_page_can_not_place_an_order() {
    let app = TestApp::spawn().await;
    let body = json!({"user_id": 1, "product_id": 1});
    for origin in ["http://evil.example", "null", ""] {
        let answer = app.order.post_as("/orders", &[("origin", origin)], &body).await;
        answer.problem(403, "origin_not_allowed");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    assert!(app.order.all("/orders").await.is_empty());
    app.order.post_as("/orders", &[("origin", "http://localhost:3000")], &body).await.expect(201);
}

async fn preflight(api: &Api, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,idempotency-key"),
    ];
    api.send(Method::OPTIONS, "/orders", &headers, vec![]).await
}

#[tokio::test]
async fn only_pages_of_this_machine_can_call_and_read() {
    let app = TestApp::with_flags(&["--cors-origins", "https://shop.example"]).await;
    let body = json!({"user_id": 1, "product_id": 1});
    for origin in ["http://localhost:3000", "http://127.0.0.1:8080", "https://shop.example"] {
        let allowed = preflight(&app.order, origin).await;
        assert!(matches!(allowed.status, 200 | 204), "{}", allowed.status);
        assert_eq!(allowed.header("access-control-allow-origin"), origin);
        assert!(allowed.header("access-control-allow-methods").contains("POST"));
        let headers = allowed.header("access-control-allow-headers").to_lowercase();
        assert!(headers.contains("content-type") && headers.contains("idempotency-key"), "{headers}");

        let placed = app.order.post_as("/orders", &[("origin", origin)], &body).await;
        placed.expect(201);
        assert_eq!(placed.header("access-control-allow-origin"), origin);
        let exposed = placed.header("access-control-expose-headers").to_lowercase();
        for header in ["location", "link", "retry-after", "idempotent-replayed", "x-request-id"] {
            assert!(exposed.split(',').any(|one| one.trim() == header), "{header} in {exposed}");
        }
        // The page must be able to read the reason of a refusal.
        let refused = app.order.get_as("/orders/99", &[("origin", origin)]).await;
        refused.problem(404, "order_not_found");
        assert_eq!(refused.header("access-control-allow-origin"), origin);
    }
}

#[tokio::test]
async fn a_preflight_from_a_foreign_page_is_refused_with_a_problem_document() {
    let app = TestApp::with_flags(&["--cors-origins", "https://shop.example"]).await;
    for origin in ["http://evil.example", "http://shop.example", "null"] {
        let refused = preflight(&app.order, origin).await;
        assert_eq!(refused.header("access-control-allow-origin"), "");
        refused.problem(403, "origin_not_allowed");
    }
}

/// Who answers a request: our own middleware with a problem document, or the framework below it. The framework's
/// parser refuses a head that it can't read with a bare status.
enum AnsweredBy {
    Us(&'static str),
    Framework,
}

#[tokio::test]
async fn a_request_that_is_not_http_is_a_400() {
    use AnsweredBy::{Framework, Us};
    let app = TestApp::spawn().await;
    let post = "POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let get = "GET /users/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let bob = "{\"name\":\"Bob\"}";
    for (request, by) in [
        ("GET / HTTP/1.0\r\nHost: localhost\r\nHost: localhost\r\n\r\n".to_owned(), Framework),
        ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), Framework),
        (format!("{get}Host: localhost\r\n\r\n"), Framework),
        (format!("{get}Host: evil.example\r\n\r\n"), Framework),
        ("GARBAGE\r\n\r\n".to_owned(), Framework),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), Framework),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\r\n\r\n".to_owned(), Framework),
        (format!("{get}Bad Name: x\r\n\r\n"), Framework),
        (format!("{get}: x\r\n\r\n"), Framework),
        (format!("{get}X: a\0b\r\n\r\n"), Framework),
        (format!("{get}X: a\r\n b\r\n\r\n"), Framework),
        (format!("{post}Content-Length: -1\r\n\r\n{bob}"), Framework),
        (format!("{post}Content-Length: +14\r\n\r\n{bob}"), Framework),
        (format!("{post}Content-Length: x\r\n\r\n{bob}"), Framework),
        (format!("{post}Content-Length: 14\r\nContent-Length: 15\r\n\r\n{bob}"), Framework),
        (format!("{post}Content-Length: 14\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), Framework),
        (format!("{post}Transfer-Encoding: gzip\r\n\r\n{bob}"), Framework),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{bob}\r\n0\r\n\r\n"), Us("bad_json")),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\n-1\r\n{bob}\r\n0\r\n\r\n"), Us("bad_json")),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{bob}"), Us("bad_json")),
    ] {
        println!("{request:?}");
        let answer = app.user.raw(request).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        if let Us(code) = by {
            answer.problem(400, code);
        } else {
            assert_eq!(answer.text(), "", "the framework's own answer has no body");
        }
        assert_serves(&app.user).await;
    }
    let huge = format!("{get}X: {}\r\n\r\n", "x".repeat(1_000_000));
    let answer = app.user.raw(huge).await;
    assert!(matches!(answer.status, 400 | 431), "{}", answer.status);
    assert_serves(&app.user).await;
    assert_eq!(app.user.all("/users").await.len(), 1);
}

const POST: &str = "POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";

#[tokio::test]
async fn a_late_body_is_a_408() {
    let app = TestApp::with_flags(&["--request-timeout", "500ms"]).await;
    for begun in ["", "{", "{\"name\":\"Bob\""] {
        let request = format!("{POST}Content-Length: 14\r\n\r\n{begun}");
        app.user.raw(request).await.problem(408, "request_timeout");
        assert_serves(&app.user).await;
    }
    assert_eq!(app.user.all("/users").await.len(), 1);
}

#[tokio::test]
async fn a_slow_client_does_not_use_up_the_deadline_for_peer_calls() {
    let app = TestApp::spawn().await;
    let mut stream = TcpStream::connect(app.order.addr).await.unwrap();
    let order = r#"{"user_id": 1, "product_id": 1}"#;
    let head = format!("{}Content-Length: {}\r\n\r\n", POST.replace("/users", "/orders"), order.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    // Longer than the deadline for all peer calls of a request.
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    stream.write_all(order.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[tokio::test]
async fn a_late_head_is_a_408() {
    let app = TestApp::spawn().await;
    // Sent byte by byte or not at all: the timeout starts with the first byte of the head.
    let (begun, nothing) = tokio::join!(app.user.raw("GET /users/1 HTTP/1.1\r\nHost: local"), app.user.raw("G"));
    assert_eq!((begun.status, nothing.status), (408, 408));
    assert_serves(&app.user).await;
}

#[tokio::test]
async fn an_endless_chunked_body_is_answered_and_the_connection_closed() {
    let app = TestApp::with_flags(&["--request-timeout", "500ms"]).await;
    let slow = format!("{POST}Transfer-Encoding: chunked\r\n\r\n8\r\n{{\"name\":\r\n");
    let refused = format!("{POST}Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n");
    let (slow, refused) = tokio::join!(app.user.raw(slow), app.user.raw(refused));
    slow.problem(408, "request_timeout");
    refused.problem(415, "unsupported_media_type");
    assert_serves(&app.user).await;
}

#[tokio::test]
async fn a_request_with_a_broken_off_body_stores_nothing() {
    let app = TestApp::spawn().await;
    let head =
        "POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n";
    for _ in 0..20 {
        let mut stream = TcpStream::connect(app.user.addr).await.unwrap();
        stream.write_all(format!("{head}{{\"name\":\"Bob\"}}").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap().ok();
        assert!(!rest.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&rest));
    }
    assert_eq!(app.user.all("/users").await.len(), 1);
}

#[tokio::test]
async fn a_connection_stays_usable_after_an_error() {
    let app = TestApp::spawn().await;
    let get = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
    let bad = "POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{";
    let requests =
        [&get("/nothing", ""), bad, &get("/users/99", ""), &get("/users/1", "Connection: close\r\n")].concat();
    let answers = app.user.raw(requests).await;
    // The body of the first answer contains all following answers.
    let all = answers.text();
    let statuses: Vec<_> = all.match_indices("HTTP/1.1 ").map(|(at, _)| &all[at + 9..at + 12]).collect();
    assert_eq!((answers.status, statuses), (404, vec!["400", "404", "200"]), "{all}");
    assert!(all.ends_with("{\"id\":1,\"name\":\"Bambang\"}"), "{all}");
}

/// At most a thousand streams can be open; a HEAD request counts as none.
#[tokio::test]
async fn head_requests_do_not_count_as_open_streams() {
    let app = TestApp::spawn().await;
    for _ in 0..1001 {
        assert_eq!(app.user.raw_head(&format!("HEAD {STREAM} HTTP/1.1"), &[LOCAL_HOST]).await.status, 200);
    }
    assert_eq!(app.user.head_of_stream(STREAM).await.status, 200);
}
