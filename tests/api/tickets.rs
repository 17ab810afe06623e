//! Tickets, and token checks during long requests: streams, long lists, slow bodies.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::events::wait_until_idle;
use crate::lifecycle::{place_order, take_step};
use crate::support::{Api, PATIENCE, TestApp, Visitor};
use crate::tokens::{SECRET, assert_refused, claims, forgeries, now, shop, signed, with_changes};

pub async fn ticket(app: &TestApp, of: &Visitor) -> String {
    let answer = app.user.with_token(&of.token).post("/auth/ticket", &json!({})).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let ticket = answer.expect(200);
    assert_eq!(ticket["expires_in"], 30);
    ticket["ticket"].as_str().unwrap().to_owned()
}

fn stream_of(user: i64, query: &str) -> String {
    format!("/users/{user}/notifications/stream?{query}")
}

#[tokio::test]
async fn only_a_valid_ticket_opens_the_stream_of_its_user() {
    let mut opened = Vec::new();
    for auth in ["required", "open"] {
        let app = shop(auth).await;
        let siti = app.registers("siti@example.com").await;
        let other = app.registers("budi@example.com").await;
        let ticket = ticket(&app, &siti).await;
        // With a fixed clock, tickets don't expire during the test.
        let good = with_changes(&claims(&ticket), &json!({"exp": now() + 900}));
        let mut bad = forgeries(&good, &["pasar", "user", "product", "order", "payment"]);
        bad.push(("an access token".to_owned(), siti.token.clone(), "token_invalid"));
        bad.push(("nothing".to_owned(), String::new(), "token_invalid"));
        bad.push(("too long".to_owned(), "x".repeat(10 * 1024), "token_malformed"));
        bad.push(("the same twice".to_owned(), format!("{ticket}&ticket={ticket}"), "token_malformed"));
        bad.push(("one and none".to_owned(), format!("{ticket}&ticket="), "token_malformed"));
        for (what, ticket, code) in bad {
            println!("{auth} {what}");
            let path = stream_of(siti.id, &format!("ticket={ticket}"));
            // An accepted stream would never end its answer.
            if app.user.head_of_stream(&path).await.status == 200 {
                opened.push(format!("{what} with AUTH={auth}"));
                continue;
            }
            assert_refused(&app.user.get(&path).await, code);
        }
        let path = stream_of(siti.id, &format!("ticket={}", signed(&good)));
        for token in [&siti.token, "rubbish"] {
            assert_refused(&app.user.with_token(token).get(&path).await, "token_malformed");
        }
        let late = signed(&with_changes(&good, &json!({"exp": now() - 2})));
        for good in [late, self::ticket(&app, &siti).await, signed(&good), signed(&good).replace('.', "%2E")] {
            let path = stream_of(siti.id, &format!("ticket={good}"));
            assert_eq!(app.user.head_of_stream(&path).await.status, 200);
        }
        if auth == "required" {
            let path = stream_of(other.id, &format!("%74icket={}", signed(&good)));
            app.user.get(&path).await.problem(404, "user_not_found");
            assert_refused(&app.user.get(&stream_of(siti.id, "")).await, "token_missing");
        }
        // A ticket is not valid as a token, and is revoked like one.
        assert_refused(&app.user.with_token(&signed(&good)).get("/auth/me").await, "token_invalid");
        assert_eq!(app.user.with_token(&siti.token).post("/auth/logout", &json!({})).await.status, 204);
        assert_refused(&app.user.get(&path).await, "token_revoked");
    }
    assert!(opened.is_empty(), "the stream was opened by {opened:?}");
}

/// An open stream, after its response head.
async fn listen(api: &Api, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(api.addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = read_until(&mut stream, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    stream
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    let reading = async {
        while !read.ends_with(end.as_bytes()) {
            read.push(stream.read_u8().await.unwrap());
        }
    };
    let ended = timeout(PATIENCE, reading).await;
    let read = String::from_utf8(read).unwrap();
    assert!(ended.is_ok(), "{end:?} does not come after {read:?}");
    read
}

/// The next event, without comments.
async fn event(stream: &mut TcpStream) -> Value {
    read_until(stream, "\ndata: ").await;
    serde_json::from_str(read_until(stream, "\n\n").await.trim_end()).unwrap()
}

#[tokio::test]
async fn the_token_is_checked_again_after_a_slow_body() {
    let app = shop("required").await;
    let siti = app.registers("siti@example.com").await;
    let body = json!({"name": "Eve"}).to_string();
    let (begin, end) = body.split_at(4);
    let mut stream = TcpStream::connect(app.user.addr).await.unwrap();
    let head = format!(
        "PATCH /auth/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {}\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        siti.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The request has passed its first check.
    read_until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    stream.write_all(begin.as_bytes()).await.unwrap();
    assert_eq!(app.user.with_token(&siti.token).post("/auth/logout", &json!({})).await.status, 204);
    stream.write_all(end.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("token_revoked"), "{answer}");
    let siti = app.logs_in("siti@example.com").await;
    assert_eq!(app.user.with_token(&siti.token).get("/auth/me").await.expect(200)["name"], "Siti");
}

#[tokio::test]
async fn the_token_is_checked_again_during_a_long_list() {
    let folder = tempfile::tempdir().unwrap();
    drop(TestApp::in_folder(&folder, &[]).await);
    // Far more than all buffers in between can hold.
    let database = rusqlite::Connection::open(folder.path().join("pasar.db")).unwrap();
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
                INSERT INTO users (name) SELECT printf('%0255d', i) FROM n";
    database.execute(many, []).unwrap();
    drop(database);
    let app = TestApp::in_folder(&folder, &["--auth", "required", "--jwt-secret", SECRET]).await;
    let admin = app.admin().await;
    let by = format!("Authorization: Bearer {}\r\n", admin.token);
    let whole = |read: &[u8]| read.ends_with(b"]\r\n0\r\n\r\n");
    for ends in [false, true] {
        let mut stream = listen(&app.user, "/users", &by).await;
        if ends {
            assert_eq!(app.user.with_token(&admin.token).post("/auth/logout", &json!({})).await.status, 204);
        }
        let mut read = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut read)).await.unwrap().ok();
        assert_eq!(whole(&read), !ends, "{} bytes", read.len());
    }
}

#[tokio::test]
async fn a_stream_ends_only_when_the_tokens_of_its_listener_are_revoked() {
    let app = shop("required").await;
    let budi = app.registers("budi@example.com").await;
    let bearer = |visitor: &Visitor| format!("Authorization: Bearer {}\r\n", visitor.token);
    let mut of_budi = listen(&app.user, &stream_of(budi.id, ""), &bearer(&budi)).await;
    for (email, way, end) in [
        ("a@example.com", "token", "logout"),
        ("b@example.com", "ticket", "logout"),
        ("c@example.com", "token", "removal"),
        ("d@example.com", "token of an admin", "demotion"),
        ("e@example.com", "ticket of an admin", "demotion"),
    ] {
        println!("{way}, {end}");
        let mut siti = app.registers(email).await;
        if end == "demotion" {
            app.makes_admin(email, &[]).await;
            siti = app.logs_in(email).await;
        }
        // An admin can read streams of others; then the admin's tokens count.
        let heard = if end == "demotion" { budi.id } else { siti.id };
        let mut stream = if way.starts_with("token") {
            listen(&app.user, &stream_of(heard, ""), &bearer(&siti)).await
        } else {
            let query = format!("ticket={}", ticket(&app, &siti).await);
            listen(&app.user, &stream_of(heard, &query), "").await
        };
        match end {
            "logout" => assert_eq!(app.user.with_token(&siti.token).post("/auth/logout", &json!({})).await.status, 204),
            "demotion" => app.makes_admin(email, &["--remove"]).await,
            _ => {
                let path = format!("/users/{}", siti.id);
                assert_eq!(app.user.with_token(&siti.token).remove(&path).await.status, 204);
            }
        }
        let mut rest = Vec::new();
        let ended = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "the stream goes on after {:?}", String::from_utf8_lossy(&rest));
        assert!(rest.ends_with(b"0\r\n\r\n"), "broken off: {:?}", String::from_utf8_lossy(&rest));
        assert!(!rest.windows(5).any(|window| window == b"data:"), "{:?}", String::from_utf8_lossy(&rest));
    }
    let order = json!({"user_id": budi.id, "product_id": 1});
    let order = app.order.with_token(&budi.token).post("/orders", &order).await.expect(201);
    assert_eq!(event(&mut of_budi).await["order_id"], order["id"]);
}

#[tokio::test]
async fn a_stream_resumes_after_the_event_id_in_its_url() {
    let app = shop("open").await;
    for order in 1..=2 {
        assert_eq!(place_order(&app, 1).await, order);
        take_step(&app, order, "paid").await.expect(200);
    }
    wait_until_idle(&app).await;
    for (query, headers, first) in [
        ("", "", 1),
        ("last_event_id=0", "", 1),
        ("last_event_id=2", "", 3),
        ("", "Last-Event-ID: 3\r\n", 4),
        // On reconnecting, an EventSource sends the same URL with a newer `Last-Event-ID`.
        ("last_event_id=1", "Last-Event-ID: 3\r\n", 4),
    ] {
        println!("{query} {headers}");
        let mut stream = listen(&app.user, &stream_of(1, query), headers).await;
        assert_eq!(event(&mut stream).await["id"], first);
    }
    for bad in ["-1", "abc", "", "1.0", "%2B1", "9223372036854775808", "1&last_event_id=1"] {
        println!("{bad}");
        let assert_refused = app.user.get(&stream_of(1, &format!("last_event_id={bad}"))).await;
        assert_eq!(assert_refused.problem(400, "bad_query")["errors"].as_object().unwrap().len(), 1);
    }
    app.user.get(&stream_of(1, "ticket_id=1")).await.problem(400, "bad_query");
}
