//! A gateway between services that answers by itself. Money and stock change only when the service itself has
//! answered, and all retries lead to the same result.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::events::{backlog, wait_until_idle};
use crate::fake::{Behavior, Fake};
use crate::lifecycle::{BACK, HELD, START, assert_outcome, place_order, show, stocked, take_step};
use crate::payment::{confirm, open, status};
use crate::support::{Api, Clock, TestApp, eventually};

/// What the gateway does instead of forwarding a request, or in addition.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Answers by itself with this text.
    Answers(&'static str),
    /// Forwards the request and drops the answer.
    DropsAnswer,
    /// Forwards the request after this time.
    Delays(Duration),
    /// Never answers.
    Hangs,
}

const BARE_404: Fault = Fault::Answers("HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\n404 page not found");
const BARE_409: Fault = Fault::Answers("HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n");

struct Rule {
    /// The start of the requests it applies to, such as `GET /orders/`.
    request: String,
    fault: Fault,
    /// How many more requests it applies to.
    times: usize,
}

#[derive(Default)]
struct Routing {
    target: Option<SocketAddr>,
    rules: Vec<Rule>,
}

/// A gateway in front of a service that is started after it.
struct Gateway {
    addr: SocketAddr,
    routing: Arc<Mutex<Routing>>,
}

impl Gateway {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let routing = Arc::<Mutex<Routing>>::default();
        let shared = Arc::clone(&routing);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A client may close the connection early.
                tokio::spawn(forward(client, Arc::clone(&shared)));
            }
        });
        Self { addr, routing }
    }

    fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    fn forward_to(&self, api: &Api) {
        self.routing.lock().unwrap().target = Some(api.addr);
    }

    /// The next `times` requests that begin with `request` meet this fault.
    fn inject(&self, request: &str, fault: Fault, times: usize) {
        self.routing.lock().unwrap().rules.push(Rule { request: request.to_owned(), fault, times });
    }

    /// How many more requests will meet a fault.
    fn remaining_faults(&self) -> usize {
        self.routing.lock().unwrap().rules.iter().map(|rule| rule.times).sum()
    }
}

async fn forward(mut client: TcpStream, routing: Arc<Mutex<Routing>>) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&request).into_owned();
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    client.read_exact(&mut body).await?;
    let (target, fault) = {
        let mut routing = routing.lock().unwrap();
        let rule = routing.rules.iter_mut().find(|rule| rule.times > 0 && head.starts_with(&rule.request));
        let fault = rule.map(|rule| {
            rule.times -= 1;
            rule.fault
        });
        (routing.target.unwrap(), fault)
    };
    match fault {
        Some(Fault::Answers(text)) => return client.write_all(text.as_bytes()).await,
        Some(Fault::Hangs) => return client.read_u8().await.map(drop),
        Some(Fault::Delays(time)) => tokio::time::sleep(time).await,
        Some(Fault::DropsAnswer) | None => {}
    }
    let mut server = TcpStream::connect(target).await?;
    server.write_all(head.replacen("\r\n\r\n", "\r\nconnection: close\r\n\r\n", 1).as_bytes()).await?;
    server.write_all(&body).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    if let Some(Fault::DropsAnswer) = fault {
        return Ok(());
    }
    client.write_all(&answer).await
}

/// An app whose payment service reaches the order service through a gateway.
async fn shop(flags: &[&str]) -> (TestApp, Gateway) {
    let gateway = Gateway::start().await;
    let url = gateway.url();
    let app = TestApp::with_flags(&[&["--payment-addr=127.0.0.1:0", "--order-url", &url], flags].concat()).await;
    gateway.forward_to(&app.order);
    (app, gateway)
}

#[tokio::test]
async fn a_bare_404_or_409_from_a_gateway_refunds_nothing() {
    for fault in [BARE_404, BARE_409] {
        for request in ["GET /orders/", "PUT /orders/"] {
            let (app, gateway) = shop(&[]).await;
            let product = stocked(&app).await;
            let order = place_order(&app, product).await;
            open(&app, order).await;
            // Two attempts of the request, and the first attempt of the job.
            gateway.inject(request, fault, 3);
            confirm(&app, order).await.problem(503, "payment_unsettled");
            wait_until_idle(&app).await;
            assert_eq!(gateway.remaining_faults(), 0, "{fault:?} to {request}");
            assert_eq!(status(&app, 1).await, "paid", "{fault:?} to {request}");
            assert_outcome(&app, order, &["paid"], product, HELD).await;
        }
    }
}

#[tokio::test]
async fn a_second_attempt_succeeds_after_one_bare_404() {
    let (app, gateway) = shop(&[]).await;
    let order = place_order(&app, 1).await;
    gateway.inject("GET /orders/", BARE_404, 1);
    open(&app, order).await;
    gateway.inject("PUT /orders/", BARE_404, 1);
    assert_eq!(confirm(&app, order).await.expect(200)["status"], "paid");
}

#[tokio::test]
async fn a_paid_order_stays_paid_after_a_dropped_answer_and_a_bare_404() {
    let (app, gateway) = shop(&[]).await;
    let product = stocked(&app).await;
    let order = place_order(&app, product).await;
    open(&app, order).await;
    gateway.inject("PUT /orders/", Fault::DropsAnswer, 2);
    confirm(&app, order).await.problem(503, "payment_unsettled");
    take_step(&app, order, "confirmed").await.expect(200);
    gateway.inject("GET /orders/", BARE_404, 2);
    wait_until_idle(&app).await;
    assert_eq!(gateway.remaining_faults(), 0);
    assert_eq!(status(&app, 1).await, "paid");
    assert_outcome(&app, order, &["paid", "confirmed"], product, [7, 0, 3]).await;
}

#[tokio::test]
async fn a_bare_404_from_a_gateway_does_not_refund_a_kept_payment() {
    let (app, gateway) = shop(&[]).await;
    let order = place_order(&app, 1).await;
    open(&app, order).await;
    confirm(&app, order).await.expect(200);
    gateway.inject("GET /orders/", BARE_404, 2);
    app.payment.post("/payments/1/refund", &json!({})).await.problem(503, "peer_unavailable");
    app.payment.post("/payments/1/refund", &json!({})).await.problem(409, "order_state");
    assert_eq!(status(&app, 1).await, "paid");
}

#[tokio::test]
async fn a_bare_404_fails_no_order_or_payment_permanently() {
    let (app, gateway) = shop(&[]).await;
    let order = place_order(&app, 1).await;
    gateway.inject("GET /orders/", BARE_404, 2);
    let opened = app.payment.post("/payments", &json!({"order_id": order})).await;
    opened.problem(503, "peer_unavailable");
    assert_ne!(opened.header("retry-after"), "");
    for peer in ["user", "product"] {
        let gateway = Gateway::start().await;
        let app = TestApp::with_flags(&[&format!("--{peer}-url"), &gateway.url()]).await;
        gateway.forward_to(if peer == "user" { &app.user } else { &app.product });
        let body = json!({"user_id": 1, "product_id": 1});
        for fault in [BARE_404, BARE_409] {
            gateway.inject("GET /", fault, 2);
            app.order.post("/orders", &body).await.problem(503, "peer_unavailable");
            app.order.post("/orders", &body).await.expect(201);
        }
    }
}

#[tokio::test]
async fn a_manual_status_reaches_the_payment_after_its_service_recovers() {
    for (said, end) in [("paid", "paid"), ("failed", "failed"), ("expired", "expired")] {
        let gateway = Gateway::start().await;
        let url = gateway.url();
        let app =
            TestApp::with_flags(&["--payment-addr=127.0.0.1:0", "--payment-window=1h", "--payment-url", &url]).await;
        gateway.forward_to(&app.payment);
        let product = stocked(&app).await;
        let order = place_order(&app, product).await;
        open(&app, order).await;
        gateway.inject("POST /payments/order/", BARE_404, 2);
        gateway.inject("POST /payments/order/", Fault::DropsAnswer, 1);
        take_step(&app, order, said).await.expect(200);
        wait_until_idle(&app).await;
        assert_eq!((gateway.remaining_faults(), status(&app, 1).await.as_str()), (0, end));
        assert_outcome(&app, order, &[said], product, if said == "paid" { HELD } else { BACK }).await;
    }
}

#[tokio::test]
async fn a_confirmation_has_one_deadline_for_all_its_calls() {
    let (app, gateway) = shop(&[]).await;
    let product = stocked(&app).await;
    let order = place_order(&app, product).await;
    open(&app, order).await;
    gateway.inject("GET /orders/", Fault::Hangs, 1);
    gateway.inject("GET /orders/", Fault::Delays(Duration::from_millis(700)), 1);
    gateway.inject("PUT /orders/", Fault::Hangs, 1);
    let asked = Instant::now();
    confirm(&app, order).await.problem(503, "payment_unsettled");
    assert!(asked.elapsed() < Duration::from_secs(3), "the maximum answer time: {:?}", asked.elapsed());
    wait_until_idle(&app).await;
    assert_eq!(gateway.remaining_faults(), 0);
    assert_outcome(&app, order, &["paid"], product, HELD).await;
}

#[tokio::test]
async fn a_job_that_always_fails_is_parked_and_retried_after_a_restart() {
    let bare = Behavior::Closes("HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\n404 page not found");
    let bare: &Behavior = Box::leak(Box::new(bare));
    let fake = Fake::start(Behavior::Stocked(bare, bare));
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::standing_at(START);
    let flags = ["--product-url", &fake.url(), "--sweep=1h"];
    let app = TestApp::in_folder_with_clock(&folder, &flags, &clock).await;
    app.order.post("/orders", &json!({"user_id": 1, "product_id": 1})).await.problem(503, "peer_unavailable");
    let mut now = START;
    eventually("it is parked", async || {
        now += 60_000;
        clock.set(now);
        (backlog(&app, "calls", "parked").await == 1).then_some(())
    })
    .await;
    assert_eq!(backlog(&app, "calls", "waiting").await, 0);
    tokio::task::spawn_blocking(move || drop(app)).await.unwrap();

    let released = || fake.requests().iter().filter(|head| head.starts_with("delete ")).count();
    let before = released();
    let app = TestApp::in_folder_with_clock(&folder, &flags, &clock).await;
    eventually("the job is retried", async || (released() > before).then_some(())).await;
    eventually("it is parked again", async || {
        now += 60_000;
        clock.set(now);
        (backlog(&app, "calls", "parked").await == 1).then_some(())
    })
    .await;
    assert!(app.order.all("/orders").await.is_empty());
}

#[tokio::test]
async fn a_payment_taken_manually_is_refunded_with_the_order() {
    let (app, gateway) = shop(&["--payment-gateway=transfer=300ms"]).await;
    let product = stocked(&app).await;
    let order = place_order(&app, product).await;
    open(&app, order).await;
    // While the payment is charged, the order is set to paid manually.
    let (confirmed, said) = futures_util::future::join(confirm(&app, order), async {
        eventually("it is charged", async || (status(&app, 1).await == "confirming").then_some(())).await;
        take_step(&app, order, "paid").await
    })
    .await;
    assert_eq!((confirmed.expect(200)["status"].as_str(), said.status), (Some("paid"), 200));
    wait_until_idle(&app).await;
    assert_eq!(show(&app, order).await["payment_id"], 1);
    take_step(&app, order, "cancelled").await.expect(200);
    wait_until_idle(&app).await;
    assert_eq!((gateway.remaining_faults(), status(&app, 1).await.as_str()), (0, "refunded"));
    assert_outcome(&app, order, &["paid", "cancelled"], product, BACK).await;
}
