//! Notifications: which ones a user gets, as a list and as a live stream.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::events::wait_until_idle;
use crate::lifecycle::{LIFECYCLES, START, place_order, take_step};
use crate::support::{Api, Clock, PATIENCE, TestApp, rfc3339};

/// Follows the links from `path` to the last page, and returns all pages.
pub async fn walk(api: &Api, path: &str) -> Vec<Vec<Value>> {
    let (mut pages, mut path) = (Vec::new(), path.to_owned());
    loop {
        let answer = api.get(&path).await;
        pages.push(answer.expect(200).as_array().unwrap().clone());
        assert!(pages.len() < 100, "the links never end");
        let Some(next) = answer.header("link").strip_prefix('<') else { return pages };
        path = next.strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
}

/// An open stream, read chunk by chunk.
pub struct LiveStream {
    connection: BufReader<TcpStream>,
    /// The start of an event that is not complete yet.
    begun: String,
}

impl LiveStream {
    async fn open(app: &TestApp, user: i64, headers: &str) -> Self {
        Self::of(&app.user, &format!("/users/{user}/notifications/stream"), headers).await
    }

    pub async fn of(api: &Api, path: &str, headers: &str) -> Self {
        let mut connection = BufReader::new(TcpStream::connect(api.addr).await.unwrap());
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut live = Self { connection, begun: String::new() };
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head += &live.line().await;
        }
        let head = head.to_lowercase();
        for line in ["http/1.1 200 ok\r\n", "content-type: text/event-stream", "transfer-encoding: chunked\r\n"] {
            assert!(head.contains(line), "{head}");
        }
        live
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(PATIENCE, self.connection.read_line(&mut line)).await.unwrap().unwrap();
        assert!(line.ends_with("\r\n"), "broken off: {line:?}");
        line
    }

    /// The next chunk, or `None` after the last one; then the connection must close or stay silent.
    async fn chunk(&mut self) -> Option<String> {
        let size = usize::from_str_radix(self.line().await.trim_end(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        timeout(PATIENCE, self.connection.read_exact(&mut chunk)).await.unwrap().unwrap();
        assert_eq!(chunk.split_off(size), b"\r\n");
        (size > 0).then(|| String::from_utf8(chunk).unwrap())
    }

    /// The id and data of the next event, or `None` if the stream has ended correctly.
    pub async fn next(&mut self) -> Option<(i64, Value)> {
        // Not for each line: a stream that says nothing sends empty comments for ever.
        timeout(PATIENCE, self.read()).await.unwrap()
    }

    async fn read(&mut self) -> Option<(i64, Value)> {
        loop {
            while let Some((event, rest)) = self.begun.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.begun = rest;
                if event != ":" {
                    let (id, data) = event.split_once('\n').unwrap();
                    let id = id.strip_prefix("id: ").unwrap().parse().unwrap();
                    return Some((id, serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap()));
                }
            }
            let Some(chunk) = self.chunk().await else {
                assert_eq!(self.begun, "", "the stream ends in the middle of an event");
                return None;
            };
            self.begun += &chunk;
        }
    }

    /// The next `count` events, whose ids follow `after`.
    async fn receive(&mut self, after: i64, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        for expected in (after + 1..).take(count) {
            let (id, data) = self.next().await.unwrap();
            assert_eq!((id, &data["id"]), (expected, &json!(expected)), "{data}");
            events.push(data);
        }
        events
    }
}

#[tokio::test]
async fn a_user_is_notified_of_each_status_of_an_order_in_both_languages() {
    let clock = Clock::standing_at(START);
    let app = TestApp::with_clock(&["--sweep=1h"], &clock).await;
    app.user.post("/users", &json!({"name": "Siti"})).await.expect(201);
    assert!(app.user.all("/users/1/notifications").await.is_empty());
    let mut expected = Vec::new();
    for (lifecycle, at) in LIFECYCLES.iter().zip(START..) {
        clock.set(at);
        let order = place_order(&app, 1).await;
        app.order.post("/orders", &json!({"user_id": 2, "product_id": 1})).await.expect(201);
        expected.push((order, &LIFECYCLES[0], at));
        wait_until_idle(&app).await;
        for step in lifecycle.way {
            take_step(&app, order, step).await.expect(200);
            expected.push((order, LIFECYCLES.iter().find(|lifecycle| lifecycle.status == *step).unwrap(), at));
            wait_until_idle(&app).await;
        }
    }
    for language in ["id", "en"] {
        let lines = expected.iter().zip(1..).map(|((order, lifecycle, at), id)| {
            let (label, what) =
                if language == "en" { (lifecycle.english, "Order") } else { (lifecycle.label, "Pesanan") };
            let message = format!("{what} {order}: {label}.");
            let (status, at) = (lifecycle.status, rfc3339(*at));
            json!({"id": id, "order_id": order, "status": status, "label": label, "message": message, "at": at})
        });
        let lines = Vec::from_iter(lines);
        let headers = [("accept-language", language)];
        let answer = app.user.get_as("/users/1/notifications", &headers).await;
        assert_eq!(answer.expect(200), json!(lines));
        let mut live = LiveStream::open(&app, 1, &format!("Accept-Language: {language}\r\n")).await;
        assert_eq!(live.receive(0, lines.len()).await, lines);
    }
    let siti = app.user.all("/users/2/notifications").await;
    let ids: Vec<_> = siti.iter().map(|one| (one["id"].as_i64().unwrap(), one["order_id"].as_i64().unwrap())).collect();
    assert_eq!(ids, (1..=8).map(|at| (at, at * 2)).collect::<Vec<_>>());
}

#[tokio::test]
async fn paging_through_notifications_gives_each_once() {
    let app = TestApp::spawn().await;
    for _ in 0..7 {
        place_order(&app, 1).await;
    }
    wait_until_idle(&app).await;
    let whole = app.user.all("/users/1/notifications").await;
    assert_eq!(whole.iter().map(|one| one["id"].as_i64().unwrap()).collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>());
    for (limit, sizes) in [(1, &[1; 7][..]), (3, &[3, 3, 1]), (6, &[6, 1]), (7, &[7]), (1000, &[7])] {
        let pages = walk(&app.user, &format!("/users/1/notifications?limit={limit}")).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
        assert_eq!(pages.concat(), whole);
    }
    for path in ["/users/1/notifications?sort=-id", "/users/1/notifications?limit=0", "/users/1/notifications?to=1"] {
        app.user.get(path).await.problem(400, "bad_query");
    }
}

#[tokio::test]
async fn a_stream_sends_old_and_new_notifications_and_resumes_after_the_last_one() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::in_folder(&folder, &[]).await;
    app.user.post("/users", &json!({"name": "Siti"})).await.expect(201);
    place_order(&app, 1).await;
    place_order(&app, 1).await;
    wait_until_idle(&app).await;
    let mut live = LiveStream::open(&app, 1, "").await;
    let mut of_siti = LiveStream::open(&app, 2, "").await;
    let mut got = live.receive(0, 2).await;
    take_step(&app, 1, "paid").await.expect(200);
    got.extend(live.receive(2, 1).await);
    // Events that happen while no client is connected are neither lost nor repeated.
    drop(live);
    for step in ["confirmed", "shipped"] {
        take_step(&app, 1, step).await.expect(200);
    }
    wait_until_idle(&app).await;
    take_step(&app, 2, "failed").await.expect(200);
    let mut live = LiveStream::open(&app, 1, "Last-Event-ID: 3\r\n").await;
    got.extend(live.receive(3, 3).await);
    take_step(&app, 1, "completed").await.expect(200);
    got.extend(live.receive(6, 1).await);
    assert_eq!(got, app.user.all("/users/1/notifications").await);

    app.order.post("/orders", &json!({"user_id": 2, "product_id": 1})).await.expect(201);
    assert_eq!(of_siti.receive(0, 1).await[0]["order_id"], 3, "no notifications of other users");
    drop((live, of_siti, app));

    // A restart changes nothing, and neither does which process made the change.
    let apps = [TestApp::in_folder(&folder, &[]).await, TestApp::in_folder(&folder, &[]).await];
    let mut lives = [
        LiveStream::open(&apps[0], 1, "Last-Event-ID: 7\r\n").await,
        LiveStream::open(&apps[1], 1, "").await,
        // From an earlier database, which had more.
        LiveStream::open(&apps[0], 1, "Last-Event-ID: 700\r\n").await,
    ];
    assert_eq!(lives[1].receive(0, 7).await, got);
    for (app, after) in apps.iter().zip([7, 8]) {
        place_order(app, 1).await;
        for live in &mut lives {
            live.receive(after, 1).await;
        }
    }
}

#[tokio::test]
async fn a_long_history_is_streamed_without_gaps_while_it_grows() {
    const ORDERS: i64 = 150;
    let app = TestApp::spawn().await;
    let mut live = LiveStream::open(&app, 1, "").await;
    for order in 1..=ORDERS {
        place_order(&app, 1).await;
        take_step(&app, order, "cancelled").await.expect(200);
    }
    let count = usize::try_from(2 * ORDERS).unwrap();
    let got = live.receive(0, count).await;
    let mut later = LiveStream::open(&app, 1, "Last-Event-ID: 0\r\n").await;
    assert_eq!(later.receive(0, count).await, got);
    assert_eq!(app.user.all("/users/1/notifications").await, got);
}

#[tokio::test]
async fn a_stopping_app_ends_its_streams_cleanly() {
    let app = TestApp::spawn().await;
    place_order(&app, 1).await;
    let mut first = LiveStream::open(&app, 1, "").await;
    first.receive(0, 1).await;
    let mut streams = [first, LiveStream::open(&app, 1, "Last-Event-ID: 1\r\n").await];
    let stopped = tokio::task::spawn_blocking(move || drop(app));
    for live in &mut streams {
        assert_eq!(live.next().await, None);
        let mut rest = Vec::new();
        timeout(PATIENCE, live.connection.read_to_end(&mut rest)).await.unwrap().unwrap();
        assert_eq!(rest, b"", "data after the end");
    }
    timeout(Duration::from_secs(10), stopped).await.unwrap().unwrap();
}

#[tokio::test]
async fn unknown_users_and_invalid_event_ids_are_refused() {
    let app = TestApp::spawn().await;
    for id in ["2", "0", "abc", "9223372036854775808"] {
        for path in [format!("/users/{id}/notifications"), format!("/users/{id}/notifications/stream")] {
            app.user.get(&path).await.problem(404, "user_not_found");
        }
    }
    let path = "/users/1/notifications/stream";
    for last in ["-1", "abc", "", "1.0", "9223372036854775808"] {
        app.user.get_as(path, &[("last-event-id", last)]).await.problem(400, "bad_header");
    }
    app.user.get_as(path, &[("last-event-id", "1"), ("last-event-id", "1")]).await.problem(400, "bad_header");
    app.user.post(path, &json!({})).await.problem(405, "method_not_allowed");
}
