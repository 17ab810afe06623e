//! Limits on the connections and streams of one client, and requests that ask for an upgrade.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{PATIENCE, TestApp, Visitor, eventually};

/// The status of the answer to `GET path` with these extra headers, or `None` if the connection was closed.
async fn status(stream: &mut TcpStream, path: &str, headers: &str) -> Option<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    let mut status = [0; 12];
    let read = async { sent.and(stream.read_exact(&mut status).await.map(drop)) };
    tokio::time::timeout(PATIENCE, read).await.unwrap().ok()?;
    Some(String::from_utf8_lossy(&status[9..]).into_owned())
}

#[tokio::test]
async fn one_account_can_open_only_its_share_of_the_streams() {
    let app = TestApp::with_flags(&["--auth", "required"]).await;
    let (siti, budi) = (app.registers("siti@example.com").await, app.registers("budi@example.com").await);
    let open = async |visitor: &Visitor| {
        let mut stream = TcpStream::connect(app.user.addr).await.unwrap();
        let authorization = format!("Authorization: Bearer {}\r\n", visitor.token);
        let status = status(&mut stream, &format!("/users/{}/notifications/stream", visitor.id), &authorization).await;
        (status.unwrap(), stream)
    };
    let mut streams = Vec::new();
    for _ in 0..20 {
        let (status, stream) = open(&siti).await;
        assert_eq!(status, "200");
        streams.push(stream);
    }
    let path = format!("/users/{}/notifications/stream", siti.id);
    let refused = app.user.with_token(&siti.token).get(&path).await;
    let problem = refused.problem(503, "busy");
    assert!(problem["detail"].as_str().unwrap().contains("account"), "{problem}");
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(open(&budi).await.0, "200");
    streams.pop();
    let free = async || (open(&siti).await.0 == "200").then_some(());
    eventually("a stream that was closed makes room", free).await;
}

const UPGRADE: &str = "Host: localhost\r\nConnection: Upgrade\r\n";

#[tokio::test]
async fn a_request_with_a_body_does_not_become_a_websocket() {
    let app = TestApp::spawn().await;
    let bob = r#"{"name":"Bob"}"#;
    let next = "GET /users/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let json = "Content-Type: application/json\r\n";
    for method in ["POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "BREW"] {
        for upgrade in ["websocket", "WebSocket", " websocket\t"] {
            let length = bob.len();
            let head = format!("{method} /users HTTP/1.1\r\n{UPGRADE}{json}Upgrade: {upgrade}\r\n");
            let request = format!("{head}Content-Length: {length}\r\n\r\n{bob}{next}");
            println!("{request:?}");
            let started = std::time::Instant::now();
            let answer = app.user.raw(&request).await;
            // The server waits up to 20 s for a body; this test does not.
            assert!(started.elapsed().as_secs() < 10, "refused at once");
            assert_eq!((answer.status, answer.header("connection")), (400, "close"), "{method}");
            assert_eq!(answer.text().matches("HTTP/1.1 ").count(), 0, "nothing after it is read as a request");
            if method != "HEAD" {
                answer.problem(400, "bad_header");
            }
        }
    }
    let without_length = app.user.raw(format!("POST /users HTTP/1.1\r\n{UPGRADE}{json}Upgrade: websocket\r\n\r\n"));
    without_length.await.problem(400, "bad_header");
    assert_eq!(app.user.all("/users").await.len(), 1);
}

#[tokio::test]
async fn an_upgrade_header_on_get_is_ignored() {
    let app = TestApp::spawn().await;
    for upgrade in ["", "Upgrade: websocket\r\n", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"] {
        println!("{upgrade:?}");
        let answer = app.user.raw(format!("GET /users/1 HTTP/1.1\r\n{UPGRADE}{upgrade}\r\n")).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"id": 1, "name": "Bambang"})));
    }
}

/// Some clients offer HTTP/2 with requests of every method.
#[tokio::test]
async fn a_body_with_an_http_2_upgrade_offer_is_read() {
    let app = TestApp::spawn().await;
    for (n, offer) in ["", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"].into_iter().enumerate() {
        let body = format!(r#"{{"name":"Budi {n}"}}"#);
        let head = format!("POST /users HTTP/1.1\r\n{UPGRADE}{offer}Content-Type: application/json\r\n");
        let answer = app.user.raw(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
        assert_eq!(app.user.raw(chunked).await.status, 201);
    }
    assert_eq!(app.user.all("/users").await.len(), 5);
}

#[tokio::test]
async fn a_late_second_request_head_closes_the_connection() {
    let app = TestApp::spawn().await;
    let mut stream = TcpStream::connect(app.user.addr).await.unwrap();
    assert_eq!(status(&mut stream, "/users/1", "").await.as_deref(), Some("200"));
    // Sent byte by byte: the timeout must not restart with every byte.
    let (mut read, mut write) = stream.into_split();
    let dripping = async {
        let mut pause = tokio::time::interval(std::time::Duration::from_millis(500));
        for byte in b"GET /users/1 HTTP/1.1\r\nHost: localhost\r\nX: ".iter().chain([b'x'; 1000].iter()) {
            pause.tick().await;
            if write.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    };
    let closed = async {
        let mut rest = Vec::new();
        // A reset also ends the connection.
        let _ = read.read_to_end(&mut rest).await;
    };
    let either = async {
        tokio::select! { () = dripping => {}, () = closed => {} }
    };
    assert!(tokio::time::timeout(PATIENCE, either).await.is_ok(), "the connection stays open");
}
