//! The live page: what the services have recorded, drawn as it comes in.

mod compare;
mod faults;
mod lessons;
mod proxied;
mod saving;

use std::collections::{BTreeSet, HashSet};

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::browser::{Browser, MAX_PAGE_BYTES};
use crate::proxy::Proxy;
use crate::support::binary::{Folder, Pasar, free_address};
use crate::support::{Api, PASSWORD, TestApp, eventually};

/// What a hostile client calls everything.
const HOSTILE: &str = "<script>document.title = 'taken over'</script>";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
/// The most bytes of the page with a diagram, whose module is loaded when the first is drawn.
const MAX_BYTES_IN_ALL: f64 = 114.0 * 1024.0;

impl Browser {
    /// The records of the arrows in the diagram, or in the list that says the same.
    async fn arrows(&self) -> BTreeSet<String> {
        let script = "return [...document.querySelectorAll('#sequence [data-key]')].map(({dataset}) => dataset.key)";
        let keys: Vec<String> = serde_json::from_value(self.run(script).await).unwrap();
        let unique: BTreeSet<String> = keys.iter().cloned().collect();
        assert_eq!(unique.len(), keys.len(), "an arrow is drawn twice: {keys:?}");
        unique
    }

    /// Waits until the panel shows exactly the arrows of these records.
    async fn draws(&self, records: &[Value]) {
        let expected = arrows(records);
        eventually("the diagram has the arrows that were recorded", async || {
            (self.arrows().await == expected).then_some(())
        })
        .await;
    }

    async fn count(&self, css: &str) -> i64 {
        let script = format!("return document.querySelectorAll(`{css}`).length");
        self.run(&script).await.as_i64().unwrap()
    }

    /// Waits until there are as many elements.
    async fn counts(&self, css: &str, expected: i64) {
        eventually(&format!("{expected} times {css}"), async || (self.count(css).await == expected).then_some(()))
            .await;
    }
}

/// A record's name in the page.
fn key(record: &Value) -> String {
    let of = |field: &str| record[field].as_str().unwrap().to_owned();
    format!("{}/{}/{}", of("service"), record["id"], of("began_at"))
}

/// The records that are arrows: calls, events, and answers that no call has asked for.
fn arrows(records: &[Value]) -> BTreeSet<String> {
    let called: HashSet<&Value> =
        records.iter().filter(|record| record["kind"] == "call").map(|call| &call["span"]).collect();
    let is_arrow = |record: &&Value| match record["kind"].as_str().unwrap() {
        "call" | "event" => true,
        "answer" => !called.contains(&record["span"]),
        _ => false,
    };
    records.iter().filter(is_arrow).map(key).collect()
}

/// What the services have recorded of [`TRACE`], once everything has ended and `complete` is true of it.
async fn recorded(services: &[&Api], complete: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    eventually("the trace is recorded", async || {
        let mut records = Vec::new();
        for service in services {
            let list = service.get(&format!("/calls?trace={TRACE}&limit=1000")).await.expect(200);
            records.extend(list["calls"].as_array().unwrap().clone());
        }
        let ended = records.iter().all(|record| !record["took_ms"].is_null());
        (ended && complete(&records)).then_some(records)
    })
    .await
}

fn count(records: &[Value], kind: &str) -> usize {
    records.iter().filter(|record| record["kind"] == kind).count()
}

fn has_events(records: &[Value]) -> bool {
    count(records, "event") > 0
}

/// Orders two products with tracked stock, in [`TRACE`].
async fn order(app: &TestApp) -> Vec<Value> {
    let kopi = app.sells("Kopi Gayo", 85_000, Some(9)).await;
    let teh = app.sells(HOSTILE, 15_000, Some(9)).await;
    let new = json!({"user_id": 1, "items": [{"product_id": kopi, "quantity": 1}, {"product_id": teh}]});
    let headers = [TRACEPARENT, ("Idempotency-Key", HOSTILE)];
    app.order.post_as("/orders", &headers, &new).await.expect(201);
    recorded(&[&app.user, &app.product, &app.order], has_events).await
}

fn address(language: &str) -> String {
    format!("/live/?lang={language}#trace={TRACE}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_diagram_of_an_order_has_exactly_the_arrows_that_were_recorded() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let records = order(&app).await;
    let calls = count(&records, "call");
    assert!(calls >= 3, "{records:?}");
    browser.resize(1280).await;
    browser.open(&app.order, &address("id")).await;
    browser.draws(&records).await;
    browser.reads("[data-title]", "POST /orders").await;
    browser.reads("[data-status]", "201").await;
    browser.reads("[data-trace]", TRACE).await;
    browser.counts(".sequence .notch", count(&records, "commit").try_into().unwrap()).await;
    // Each call comes back, and so does the client's.
    browser.counts(".sequence .ok", i64::try_from(calls).unwrap() + 1).await;
    browser.press("[data-mode=time]").await;
    browser.draws(&records).await;
    browser.press("[data-mode=text]").await;
    browser.draws(&records).await;
    browser.counts(".sequence", 0).await;
    browser.press("[data-mode=order]").await;

    // What is under way in another trace does not disturb this one.
    app.order.get("/orders").await.expect(200);
    browser.reads("#requests [data-id]:not([aria-current]) .path", "/orders").await;
    browser.draws(&records).await;
    assert_eq!(browser.driver.title().await.unwrap(), "Langsung · Pasar");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_details_of_a_step_have_its_content_as_text() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let records = order(&app).await;
    browser.resize(1280).await;
    browser.open(&app.order, &address("id")).await;
    browser.draws(&records).await;
    browser.press(".sequence [data-kind=request]").await;
    browser.reads("#details h2", "1 POST /orders").await;
    let content = browser.reads("#details [data-body] .code", "Salin").await;
    assert!(content.contains("\"product_id\""), "{content}");
    let command = browser.reads("#details .curl pre", "curl -i").await;
    assert!(command.contains(&format!("http://127.0.0.1:{}/orders", app.order.addr.port())), "{command}");
    assert!(command.contains("Idempotency-Key: <script>"), "{command}");
    browser.check("live-details").await;

    // The answer about the goods has the hostile name.
    let script = "return [...document.querySelectorAll('.sequence [data-kind=request]')]
        .findIndex((arrow) => arrow.textContent.includes('/reservations/'))";
    let reservation = usize::try_from(browser.run(script).await.as_u64().unwrap()).unwrap() + 1;
    let arrow =
        browser.driver.find_all(By::Css(".sequence [data-kind=request]")).await.unwrap().remove(reservation - 1);
    arrow.scroll_into_view().await.unwrap();
    arrow.click().await.unwrap();
    browser.reads("#details h2", &format!("{reservation} PUT /reservations/")).await;
    eventually("the answer is shown", async || {
        browser.find("#details [data-body]").await.text().await.ok()?.contains("taken over").then_some(())
    })
    .await;
    assert_eq!(browser.driver.title().await.unwrap(), "Langsung · Pasar");
    assert_eq!(browser.count("#content script").await, 0);
    browser.press("#details [data-close]").await;
    browser.counts("#details[hidden]", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_shows_its_attempts_and_their_failures() {
    let Some(browser) = Browser::start().await else { return };
    let folder = Folder::new();
    let addresses = ["USER_ADDR", "PRODUCT_ADDR", "ORDER_ADDR"].map(|name| (name, free_address()));
    let [user, _, orders] = addresses.map(|(_, address)| Api::of(address));
    let start = |services: &[&str], names: &[&str]| {
        let mut command = folder.pasar(services);
        command.envs(addresses.map(|(name, address)| (name, address.to_string()))).env_remove("PAYMENT_ADDR");
        Pasar::start(&mut command, names)
    };
    let start_products = || start(&["product"], &["ProductService"]);
    let _others = start(&["user", "order", "payment"], &["UserService", "OrderService", "PaymentService"]);
    let mut products = start_products();
    browser.resize(1280).await;
    browser.open(&orders, "/live/?lang=id").await;
    browser.reads("#live", "langsung").await;
    browser.reads("[data-none]:not([hidden]) p", "Belum ada permintaan.").await;

    products.kill();
    let new = json!({"user_id": 1, "product_id": 1});
    orders.post_as("/orders", &[TRACEPARENT], &new).await.with_status(503);
    let records = recorded(&[&user, &orders], |records| !records.is_empty()).await;
    browser.reads("#live", "langsung, tanpa Product").await;
    browser.reads("#map .stall.off .rate", "tidak menjawab").await;
    // The page follows the newest request by itself, as nobody has chosen another.
    browser.reads("[data-trace]", TRACE).await;
    browser.draws(&records).await;
    browser.counts(".sequence .group-edge", 1).await;
    let failed = "return [...document.querySelectorAll('.sequence .aside.er')].map(({textContent}) => textContent)";
    assert_eq!(browser.run(failed).await, json!(["koneksi ditolak", "koneksi ditolak"]));
    browser.check("live-away").await;

    // After five failures in a row, calls are not sent.
    for _ in 0..2 {
        orders.post("/orders", &new).await.with_status(503);
    }
    let refused = orders.post("/orders", &new).await;
    let trace = refused.header("traceparent").split('-').nth(1).unwrap().to_owned();
    browser.press(&format!("#requests [data-id='{trace}']")).await;
    browser.reads(".sequence [data-kind=unasked]", "").await;

    let _products = start_products();
    browser.reads("#live > span:last-child", "langsung").await;
    browser.counts("#map .stall.off", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_after_the_commit_is_shown_as_lost() {
    let Some(browser) = Browser::start().await else { return };
    let proxy = Proxy::start().await;
    let app = TestApp::with_flags(&["--product-url", &proxy.url]).await;
    proxy.forward_to(app.product.addr);
    let kopi = app.sells("Kopi Gayo", 85_000, Some(9)).await;
    proxy.loses_answer("PUT /reservations/");
    let new = json!({"user_id": 1, "product_id": kopi});
    app.order.post_as("/orders", &[TRACEPARENT], &new).await.with_status(503);
    proxy.is_away(false);
    browser.resize(1280).await;
    browser.open(&app.order, &address("id")).await;
    browser.counts(".sequence .group-edge", 1).await;
    // The first attempt was answered, in vain; the second got nowhere.
    eventually("the first answer is lost", async || {
        let lost = "return [...document.querySelectorAll('.sequence .aside.er')].map(({textContent}) => textContent)";
        let lost = browser.run(lost).await;
        (lost.as_array().unwrap().len() == 2 && lost[0] == "balasan hilang").then_some(())
    })
    .await;
    browser.check("live-lost").await;

    // What was reserved is given back by a job: a request of its own, without a client.
    let release = "#requests .trace:has(.method.delete):has(.status.s2)";
    browser.press(release).await;
    browser.reads("[data-title]", "DELETE /reservations/").await;
    browser.counts(".sequence .tip.undo", 1).await;
    eventually("the stock is back", async || (app.stock_levels(kopi).await == [9, 0, 0]).then_some(())).await;
    browser.check("live-undo").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_pages_lead_to_the_trace_of_their_last_call() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.resize(1280).await;
    browser.open(&app.product, "/shop/?lang=id").await;
    browser.press(".behind [data-behind][href*='trace=']").await;
    browser.reads("[data-title]", "GET /products").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_requests_leave_the_page_bounded() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let records = order(&app).await;
    browser.resize(1280).await;
    browser.open(&app.order, &address("id")).await;
    browser.draws(&records).await;
    browser.press("[data-pin]").await;
    let send = async || {
        for _ in 0..625 {
            app.user.get("/users/1").await.expect(200);
        }
    };
    futures_util::future::join_all((0..16).map(|_| send())).await;
    app.user.get_as("/users/2", &[]).await.with_status(404);
    browser.reads("#requests [data-id] .status.s4", "404").await;
    eventually("the list is full", async || {
        let kept = browser.find("#requests [data-count]").await.text().await.ok()?.replace('.', "");
        (kept.parse::<u32>().ok()? >= 1000).then_some(())
    })
    .await;
    let rows = browser.count("#requests [data-id]").await;
    assert!((200..=201).contains(&rows), "{rows}");
    let kept = browser.find("#requests [data-count]").await.text().await.unwrap().replace('.', "");
    assert!(kept.parse::<u32>().unwrap() <= 1001, "{kept}");
    // The pinned one is there, complete.
    browser.reads(&format!("#requests [data-id='{TRACE}'] .path"), "/orders").await;
    browser.draws(&records).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_filtered_paused_and_wait_while_somebody_reads() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    for id in 1..=30 {
        let _ = app.user.get(&format!("/users/{id}")).await;
    }
    app.product.get("/products").await.expect(200);
    browser.resize(1280).await;
    browser.open(&app.order, "/live/?lang=id").await;
    let row = "#requests [data-id]";
    browser.counts(row, 31).await;
    for (filter, found) in
        [("/users", 30), ("/users 4xx", 29), ("200", 2), ("product", 1), ("/users 200 <60s", 1), (">60s", 0)]
    {
        browser.fill("#requests [data-search]", filter).await;
        browser.counts(row, found).await;
    }
    browser.reads("#requests [data-empty] p", "Tidak ada yang cocok dengan “>60s”.").await;
    browser.press("#requests [data-clear]").await;
    browser.counts(row, 31).await;

    // New rows wait on a button while the list is not at its top.
    browser.run("document.querySelector('.trace-list').scrollTop = 300").await;
    app.user.get("/users/1").await.expect(200);
    browser.reads("#requests [data-fresh]", "1 baru").await;
    browser.counts(row, 31).await;
    browser.press("#requests [data-fresh]").await;
    browser.counts(row, 32).await;

    browser.press("#pause").await;
    browser.reads("#live", "dijeda").await;
    app.user.get("/users/1").await.expect(200);
    let newest = app.user.get("/calls?limit=1").await.expect(200)["calls"][0]["trace"].as_str().unwrap().to_owned();
    browser.press("#pause").await;
    browser.reads("#live", "langsung").await;
    browser.reads(&format!("#requests [data-id='{newest}'] .path"), "/users/1").await;
    browser.counts(row, 33).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_suffices() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    app.user.get("/users/1").await.expect(200);
    let records = order(&app).await;
    browser.resize(1280).await;
    browser.open(&app.order, "/live/?lang=id").await;
    browser.reads("[data-trace]", TRACE).await;
    browser.draws(&records).await;
    let chosen = async || browser.find("#requests [aria-current] .path").await.text().await.unwrap();
    let first = chosen().await;
    browser.types("j").await;
    assert_ne!(chosen().await, first);
    browser.types("k").await;
    assert_eq!(chosen().await, first);
    browser.types("p").await;
    browser.reads("#say", "Disematkan").await;
    browser.types("u").await;
    browser.reads("[data-mode][aria-pressed=true]", "Waktu").await;
    browser.types(" ").await;
    browser.reads("#live", "dijeda").await;
    browser.types(" ").await;
    browser.reads("#live", "langsung").await;

    // Tab reaches the first arrow, the arrow keys the others, Enter opens, Escape goes back.
    browser.press("[data-mode=order]").await;
    browser.types(Key::Tab + Key::Tab + Key::Tab).await;
    let focused = "return document.activeElement.dataset.key ?? document.activeElement.outerHTML.slice(0, 100)";
    let first = browser.run(focused).await;
    assert!(arrows(&records).contains(first.as_str().unwrap()), "{first}");
    browser.types(Key::Down + Key::Enter).await;
    browser.reads("#details h2", "2 GET /").await;
    browser.types(Key::Escape).await;
    browser.counts("#details[hidden]", 1).await;
    let second = browser.run(focused).await;
    assert!(second != first && arrows(&records).contains(second.as_str().unwrap()), "{second}");

    // Letters do nothing once they are turned off, nor in a field.
    browser.press("#requests [data-search]").await;
    browser.types("p").await;
    assert_eq!(browser.find("[data-pin]").await.attr("aria-pressed").await.unwrap().unwrap(), "true");
    browser.press("#shortcuts").await;
    browser.press("[data-mode=order]").await;
    browser.types("u").await;
    browser.reads("[data-mode][aria-pressed=true]", "Urutan").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_page_offers_a_sample_order() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.resize(1280).await;
    browser.open(&app.order, "/live/?lang=en").await;
    browser.press("[data-none] [data-sample]").await;
    browser.reads("[data-title]", "POST /orders").await;
    browser.reads("[data-status]", "201").await;
    let order = app.order.get("/orders/1").await.expect(200);
    assert_eq!(order["items"].as_array().unwrap().len(), 2);
    eventually("its stock is reserved in the diagram", async || {
        browser.find("#sequence").await.text().await.ok()?.contains("PUT /reservations/").then_some(())
    })
    .await;
    // Of a trace that nobody has, the page says so.
    browser.open(&app.order, "/live/?lang=en#trace=00000000000000000000000000000001").await;
    browser.driver.refresh().await.unwrap();
    browser.reads("#gone", "This trace is gone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_sees_the_calls_where_one_has_to_log_in() {
    let Some(browser) = Browser::start().await else { return };
    let off = TestApp::with_flags(&["--lab", "off"]).await;
    browser.open(&off.order, "/live/?lang=id").await;
    browser.reads("#refused", "Panggilan tidak dicatat, dan tidak bisa diganggu, di sini.").await;
    for of_faults in [".side", "#map .handle", "#map .control"] {
        assert_eq!(browser.count(of_faults).await, 0, "{of_faults}");
    }

    let app = TestApp::with_flags(&["--auth", "required", "--lab", "on"]).await;
    app.admin().await;
    browser.resize(1280).await;
    browser.open(&app.order, "/live/?lang=id").await;
    browser.reads("#login-why", "Silakan masuk terlebih dahulu.").await;
    browser.counts("#desk[hidden]", 1).await;
    browser.check("live-login").await;
    browser.fill("#email", "admin@example.com").await;
    browser.fill("#password", PASSWORD).await;
    browser.types(Key::Enter).await;
    browser.reads("#live", "langsung").await;
    browser.reads("#requests [data-id] .path", "/auth/").await;
    // What comes in later comes by the stream.
    app.product.get("/products").await.expect(200);
    browser.reads("#requests [data-id] .path", "/products").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_accessible_in_every_form() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let records = order(&app).await;
    for scheme in ["light", "dark"] {
        browser.prefers(scheme).await;
        for language in ["id", "en"] {
            for width in [390, 1280, 1920] {
                browser.resize(width).await;
                browser.open(&app.order, &address(language)).await;
                // The fragment alone loads nothing anew.
                browser.driver.refresh().await.unwrap();
                browser.draws(&records).await;
                browser.check(&format!("live-{language}-{scheme}-{width}")).await;
                let step = if width == 390 { ".seq-text" } else { ".sequence" };
                browser.press(&format!("{step} [data-key]")).await;
                browser.reads("#details .curl pre", "curl").await;
                browser.check(&format!("live-open-{language}-{scheme}-{width}")).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_small() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.resize(1280).await;
    browser.open(&app.order, "/live/?lang=en").await;
    browser.reads("#live", "live").await;
    let script = "return performance.getEntries()
        .filter(({name}) => /[/](static|live)[/]/.test(name))
        .reduce((sum, {decodedBodySize}) => sum + decodedBodySize, 0)";
    let bytes = browser.run(script).await;
    assert!((1.0..MAX_PAGE_BYTES).contains(&bytes.as_f64().unwrap()), "{bytes}");
    // With everything that a diagram needs.
    let records = order(&app).await;
    browser.draws(&records).await;
    let bytes = browser.run(script).await;
    assert!((1.0..MAX_BYTES_IN_ALL).contains(&bytes.as_f64().unwrap()), "{bytes}");
}
