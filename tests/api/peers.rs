//! Orders while peers are missing, slow or broken.

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::fake::{Behavior, Fake};
use crate::support::{Answer, Api, TestApp, eventually};

/// The longest that the refusal of an order may take.
const MAX_ANSWER_TIME: Duration = Duration::from_secs(3);
const TRIALS: usize = 20;
/// Failures in a row that open the breaker. Until then each call must be made.
const BREAKER_THRESHOLD: usize = 5;

async fn place_order(order: &Api) -> Answer {
    order.post("/orders", &json!({"user_id": 1, "product_id": 1})).await
}

/// How many calls to this peer have failed, by the metrics of the order service.
async fn failures(app: &TestApp, peer: &str) -> usize {
    let metrics = app.order.get("/metrics").await.text();
    let labels = [r#"outcome="failed""#.to_owned(), format!(r#"peer="{peer}""#)];
    let line = metrics
        .lines()
        .find(|line| line.starts_with("peer_calls_total{") && labels.iter().all(|label| line.contains(label)));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

const TIMED_OUT: &str = "did not answer in time";
const BREAKER_OPEN: &str = "was not asked: it failed 5 times in a row, the next attempt is in up to 1 s";
const DEADLINE_OVER: &str = "was not asked: the 2 s that a request may spend on calls are over";

/// The expected problem detail for a peer of this behavior.
fn expected_detail(fake: &Fake, behavior: Behavior) -> String {
    match behavior {
        Behavior::Away => format!("refused the connection at {}/", fake.url()),
        Behavior::Hangs | Behavior::Drips => TIMED_OUT.to_owned(),
        _ => "gave no answer that can be used".to_owned(),
    }
}

/// Orders fail while the peer has this behavior, and succeed after it has recovered.
async fn assert_orders_recover(peer: &str, behavior: Behavior) {
    let mut fake = Fake::start(behavior);
    let app = TestApp::with_flags(&[&format!("--{peer}-url"), &fake.url()]).await;
    let timed = || async {
        let started = Instant::now();
        (place_order(&app.order).await, started.elapsed())
    };
    let expected_detail = expected_detail(&fake, behavior);
    let mut asked = false;
    for (answer, took) in join_all((0..TRIALS).map(|_| timed())).await {
        let problem = answer.problem(503, "peer_unavailable");
        let detail = problem["detail"].as_str().unwrap();
        let said =
            detail.strip_prefix(&format!("the {peer} service ")).unwrap_or_else(|| panic!("{behavior:?}: {detail}"));
        // Endless answers use so much processor time that other peers can time out.
        asked |= said == expected_detail || (said == TIMED_OUT && !matches!(behavior, Behavior::Away));
        assert!(
            said == expected_detail || [TIMED_OUT, BREAKER_OPEN, DEADLINE_OVER].contains(&said),
            "{behavior:?}: {detail}"
        );
        assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{behavior:?}");
        assert_eq!(answer.header("www-authenticate"), "", "{behavior:?}");
        assert!(took < MAX_ANSWER_TIME, "{behavior:?} took {took:?}");
    }
    assert!(asked, "{behavior:?}: no answer shows that the peer was called");
    assert!(failures(&app, peer).await >= BREAKER_THRESHOLD, "{behavior:?}: the peer was not even called");
    if !matches!(behavior, Behavior::Away) {
        assert!(fake.requests().len() >= BREAKER_THRESHOLD, "{behavior:?}: {:?}", fake.requests());
    }
    assert!(app.order.all("/orders").await.is_empty(), "{behavior:?}");

    fake.recover();
    eventually("orders succeed again", async || (place_order(&app.order).await.status == 201).then_some(())).await;
    // The endless peers of parallel tests can delay this one beyond a timeout. Then the order is refused as a whole
    // and can be sent again, so in the end each exists exactly once.
    let again =
        || eventually("an order succeeds", async || (place_order(&app.order).await.status == 201).then_some(()));
    join_all((0..TRIALS).map(|_| again())).await;
    assert_eq!(app.order.all("/orders").await.len(), TRIALS + 1, "{behavior:?}");
}

async fn assert_orders_recover_from_all(behaviors: impl IntoIterator<Item = Behavior>) {
    join_all(behaviors.into_iter().map(|behavior| assert_orders_recover("user", behavior))).await;
}

#[tokio::test]
async fn a_stopped_peer_causes_503_until_it_is_back() {
    join(assert_orders_recover("user", Behavior::Away), assert_orders_recover("product", Behavior::Away)).await;
}

#[tokio::test]
async fn a_hanging_peer_causes_503_in_time() {
    join(assert_orders_recover("user", Behavior::Hangs), assert_orders_recover("product", Behavior::Hangs)).await;
}

#[tokio::test]
async fn a_peer_that_sends_one_byte_a_second_causes_503_in_time() {
    assert_orders_recover("user", Behavior::Drips).await;
}

#[tokio::test]
async fn a_peer_that_closes_early_causes_503() {
    let half_a_body = "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{\"id\":1,\"na";
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n19\r\n{\"id\":1,\"name\":\"Bambang\"}\r\n";
    let texts = ["", "HTTP/1.1 200 OK\r\nContent-Le", half_a_body, chunk];
    assert_orders_recover_from_all(texts.into_iter().flat_map(|text| [Behavior::Resets(text), Behavior::Closes(text)]))
        .await;
}

#[tokio::test]
async fn a_peer_with_an_endless_answer_causes_503() {
    assert_orders_recover_from_all([
        Behavior::Endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"id\":1,\"name\":\"A\r\n"),
        Behavior::Endless("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n{\"id\":1,\"name\":\""),
        Behavior::Endless("HTTP/1.1 200 OK\r\nX-Padding: "),
    ])
    .await;
}

#[tokio::test]
async fn a_peer_with_an_invalid_answer_causes_503() {
    assert_orders_recover_from_all(
        [
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<h1>Hello</h1>\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{\"id\":2,\"name\":\"Bambang\"}",
            "HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"id\":1,\"name\":\"\"}",
            "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"id\":1,\"name\":5}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
            "SSH-2.0-OpenSSH_9.9\r\n",
        ]
        .map(Behavior::Closes),
    )
    .await;
}

#[tokio::test]
async fn a_product_with_an_invalid_price_causes_503() {
    let texts = [
        "HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\n{\"id\":1,\"name\":\"Barang\",\"price\":-1}",
        "HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\n{\"id\":1,\"name\":\"Barang\",\"price\":0.5}",
        "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n{\"id\":1,\"name\":\"Barang\"}",
    ];
    join_all(texts.map(|text| assert_orders_recover("product", Behavior::Closes(text)))).await;
}

#[tokio::test]
async fn a_status_from_a_peer_is_never_passed_to_the_client() {
    assert_orders_recover_from_all(
        [
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 99999\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 25\r\n\r\n{\"id\":1,\"name\":\"Bambang\"}",
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        ]
        .map(Behavior::Closes),
    )
    .await;
    assert_orders_recover("product", Behavior::Closes("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")).await;
}

#[tokio::test]
async fn a_redirect_from_a_peer_is_not_followed() {
    let elsewhere = Fake::start(Behavior::Well);
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: {}/users/1\r\nContent-Length: 0\r\n\r\n", elsewhere.url());
    assert_orders_recover("user", Behavior::Closes(redirect.leak())).await;
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn the_problem_distinguishes_an_open_breaker_from_a_refused_connection() {
    let away = Fake::start(Behavior::Away);
    let app = TestApp::with_flags(&["--user-url", &away.url()]).await;
    let detail = async || place_order(&app.order).await.problem(503, "peer_unavailable")["detail"].clone();
    assert_eq!(detail().await, format!("the user service refused the connection at {}/", away.url()));
    eventually("the breaker is open", async || {
        (detail().await == format!("the user service {BREAKER_OPEN}")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_second_attempt_succeeds_after_one_failure_of_a_peer() {
    for behavior in [
        &Behavior::Hangs,
        &Behavior::Resets(""),
        &Behavior::Closes("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let fake = Fake::start(Behavior::AtFirst(1, behavior));
        let app = TestApp::with_flags(&["--user-url", &fake.url()]).await;
        assert_eq!(place_order(&app.order).await.expect(201)["user"]["name"], "Asing", "{behavior:?}");
        assert_eq!((fake.requests().len(), failures(&app, "user").await), (2, 1), "{behavior:?}");
    }
}

#[tokio::test]
async fn a_404_from_a_peer_does_not_open_the_breaker() {
    let (users, products) = (Fake::start(Behavior::Well), Fake::start(Behavior::Well));
    let app = TestApp::with_flags(&["--user-url", &users.url(), "--product-url", &products.url()]).await;
    for _ in 0..2 * BREAKER_THRESHOLD {
        let body = json!({"user_id": 2, "product_id": 1});
        app.order.post("/orders", &body).await.problem(404, "user_not_found");
        let body = json!({"user_id": 1, "product_id": 2});
        app.order.post("/orders", &body).await.problem(404, "product_not_found");
    }
    place_order(&app.order).await.expect(201);
}

#[tokio::test]
async fn requests_that_need_no_peer_work_without_one() {
    let away = Fake::start(Behavior::Away);
    let app = TestApp::with_flags(&["--user-url", &away.url(), "--product-url", &away.url()]).await;
    place_order(&app.order).await.problem(503, "peer_unavailable");
    assert!(app.order.all("/orders").await.is_empty());
    app.order.get("/orders/1").await.problem(404, "order_not_found");
    app.order.get("/health/ready").await.expect(200);
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A header of a request that a fake has received.
fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let found = head.lines().find_map(|line| line.split_once(": ").filter(|(known, _)| *known == name));
    found.map_or_else(|| panic!("no {name} in {head}"), |(_, value)| value)
}

/// The trace id and the span id of a `traceparent`.
fn trace(traceparent: &str) -> (&str, &str) {
    let parts: Vec<_> = traceparent.split('-').collect();
    assert_eq!(parts.iter().map(|field| field.len()).collect::<Vec<_>>(), [2, 32, 16, 2], "{traceparent}");
    (parts[1], parts[2])
}

#[tokio::test]
async fn peers_can_be_below_a_path_and_receive_the_trace() {
    let (users, products) = (Fake::with_base("/api", Behavior::Well), Fake::with_base("/v1/shop", Behavior::Well));
    let app =
        TestApp::with_flags(&["--user-url", &users.url(), "--product-url", &format!("{}/", products.url())]).await;
    let answer = place_order(&app.order).await;
    let order = answer.expect(201);
    assert_eq!(order["user"], json!({"id": 1, "name": "Asing"}));
    assert_eq!(order["product"], json!({"id": 1, "name": "Barang", "price": 2500}));
    for (fake, line) in [(&users, "get /api/users/1 http/1.1\r\n"), (&products, "get /v1/shop/products/1 http/1.1\r\n")]
    {
        let requests = fake.requests();
        assert!(requests.len() == 1 && requests[0].starts_with(line), "{requests:?}");
        assert_eq!(header(&requests[0], "accept"), "application/json");
        assert_eq!(header(&requests[0], "host"), fake.url()["http://".len()..].split('/').next().unwrap());
        assert_eq!(header(&requests[0], "x-request-id"), answer.header("x-request-id"));
        assert_eq!(trace(header(&requests[0], "traceparent")).0, trace(answer.header("traceparent")).0);
    }
}

#[tokio::test]
async fn the_request_id_and_trace_are_echoed_and_forwarded_but_secrets_are_not() {
    let (users, products) = (Fake::start(Behavior::Well), Fake::start(Behavior::Well));
    let app = TestApp::with_flags(&["--user-url", &users.url(), "--product-url", &products.url()]).await;
    let siti = app.registers("siti@example.com").await;
    let headers = [("x-request-id", "abc-1:2/3"), ("traceparent", TRACE), ("cookie", "a=b")];
    let answer =
        app.order.with_token(&siti.token).post_as("/orders", &headers, &json!({"user_id": 1, "product_id": 1})).await;
    answer.expect(201);
    assert_eq!((answer.header("x-request-id"), answer.header("traceparent")), ("abc-1:2/3", TRACE));
    let requests = [users.requests(), products.requests()].concat();
    assert_eq!(requests.len(), 2);
    for head in &requests {
        assert_eq!(header(head, "x-request-id"), "abc-1:2/3");
        let (id, span) = trace(header(head, "traceparent"));
        assert_eq!(id, trace(TRACE).0);
        assert_ne!(span, trace(TRACE).1, "each call is a span of its own");
        assert!(!head.contains("authorization") && !head.contains("cookie"), "{head}");
    }
    let spans: Vec<_> = requests.iter().map(|head| trace(header(head, "traceparent")).1).collect();
    assert_ne!(spans[0], spans[1]);
}

#[tokio::test]
async fn an_invalid_request_id_or_trace_is_replaced() {
    let users = Fake::start(Behavior::Well);
    let app = TestApp::with_flags(&["--user-url", &users.url()]).await;
    let body = json!({"user_id": 1, "product_id": 1});
    for bad in ["", "a b", "<script>", "é", &"x".repeat(129), &"x".repeat(200)] {
        let headers = [("x-request-id", bad), ("traceparent", bad)];
        let answer = app.order.post_as("/orders", &headers, &body).await;
        answer.expect(201);
        let id = answer.header("x-request-id");
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{bad}: {id}");
        let requests = users.requests().pop().unwrap();
        assert_eq!(header(&requests, "x-request-id"), id);
        assert_eq!(trace(header(&requests, "traceparent")).0, trace(answer.header("traceparent")).0);
    }
    let longest = "x".repeat(128);
    let answer = app.order.get_as("/orders", &[("x-request-id", &longest)]).await;
    assert_eq!(answer.header("x-request-id"), longest);
}

#[tokio::test]
async fn a_product_service_without_name_search_does_not_let_the_client_choose_the_price() {
    let other = r#"[{"id":1,"name":"Laptop Asus","price":8000000}]"#;
    let listed = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{other}", other.len());
    let bare = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let listed: &str = listed.leak();
    for (text, status, code) in [(listed, 404, "product_not_found"), (bare, 503, "peer_unavailable")] {
        let fake = Fake::start(Behavior::Closes(text));
        let app = TestApp::with_flags(&["--product-url", &fake.url()]).await;
        // More requests than failures that open the breaker: each of them still calls the peer.
        for _ in 0..=BREAKER_THRESHOLD {
            let asked = fake.requests().len();
            let body = json!({"userId": 1, "product": "Laptop", "price": 1});
            app.order.post("/orders", &body).await.problem(status, code);
            assert!(fake.requests().len() > asked, "{text}");
        }
        assert!(app.order.all("/orders").await.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn a_product_service_that_ignores_the_filter_is_searched_for_the_name() {
    let odd = json!({"id": "x", "name": 5});
    let product = |id: i64, name: &str| json!({"id": id, "name": name, "price": 2500});
    let list = json!([odd, product(1, "Laptop Asus"), product(9, "Laptop"), product(7, "Laptop")]).to_string();
    let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{list}", list.len());
    let fake = Fake::start(Behavior::Closes(text.leak()));
    let app = TestApp::with_flags(&["--product-url", &fake.url()]).await;
    let order = |price: i64| json!({"userId": 1, "product": "Laptop", "price": price});
    assert_eq!(app.order.post("/orders", &order(2500)).await.expect(201)["product"]["id"], 7);
    app.order.post("/orders", &order(1)).await.problem(409, "price_differs");
}

#[tokio::test]
async fn failures_that_a_client_provokes_do_not_open_the_breaker() {
    for text in [
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\n404 page not found",
        "HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 414 URI Too Long\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 0\r\n\r\n",
    ] {
        let mut fake = Fake::start(Behavior::Closes(text));
        let app = TestApp::with_flags(&["--user-url", &fake.url()]).await;
        for _ in 0..2 * BREAKER_THRESHOLD {
            place_order(&app.order).await.problem(503, "peer_unavailable");
        }
        fake.recover();
        assert_eq!(place_order(&app.order).await.status, 201, "at once, after {text}");
    }
}

#[tokio::test]
async fn a_refund_is_retried_until_the_payment_service_itself_answers() {
    let fake = Fake::start(Behavior::Closes("HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\n404 page not found"));
    let app = TestApp::with_flags(&["--payment-url", &fake.url()]).await;
    place_order(&app.order).await.expect(201);
    app.order.put("/orders/1/payment", &json!({"payment_status": "paid", "payment_id": 7})).await.expect(200);
    app.order.put("/orders/1/status", &json!({"status": "cancelled"})).await.expect(200);
    assert!(fake.requests().iter().all(|head| head.starts_with("post /payments/7/refund ")), "{:?}", fake.requests());
    let metrics = app.order.get("/metrics").await.text();
    for (state, count) in [("waiting", 1), ("parked", 0)] {
        let line = format!("backlog{{of=\"calls\",state=\"{state}\",service=\"OrderService\"}} {count}");
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
}
