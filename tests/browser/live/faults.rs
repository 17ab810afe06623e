//! Faults that are armed from the page, and what the services say of their own rows.

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use super::{TRACE, address, has_events, order, recorded};
use crate::browser::Browser;
use crate::support::binary::{Folder, Pasar, free_address};
use crate::support::{Api, TestApp, eventually};

impl Browser {
    /// Opens the live page, and waits until faults can be armed at all services.
    async fn opens_live(&self, order: &Api, language: &str) {
        self.open(order, &format!("/live/?lang={language}")).await;
        self.counts("#map .handle", 10).await;
        self.counts("#map .control", 4).await;
    }

    /// Moves from handle to handle with the keyboard.
    async fn moves_to(&self, edge: &str) {
        for _ in 0..10 {
            self.types("f").await;
            if self.run("return document.activeElement.dataset.edge").await == edge {
                return;
            }
        }
        panic!("no handle for {edge}");
    }

    /// Checks the invariants, and waits for what the services say.
    async fn checks_invariants(&self) {
        self.run("document.querySelector('#checks ul')?.replaceChildren()").await;
        self.press("[data-check]").await;
        eventually("the invariants are checked", async || {
            let is_done = "return document.querySelector('#checks li') !== null
                && !document.querySelector('[data-check]').hasAttribute('aria-disabled')";
            (self.run(is_done).await == true).then_some(())
        })
        .await;
    }

    /// Chooses a value in the select that has the focus, with the arrow keys.
    async fn chooses(&self, field: &str, value: &str) {
        let index = format!("return document.querySelector(`#fault [name={field}] option[value='{value}']`).index");
        for _ in 0..self.run(&index).await.as_u64().unwrap() {
            self.types(Key::Down).await;
        }
        let script = format!("return document.querySelector('#fault [name={field}]').value");
        eventually(&format!("{field} is {value}"), async || (self.run(&script).await == value).then_some(())).await;
    }
}

/// Arms a fault as the command line does.
async fn arm(api: &Api, name: &str, fault: &Value) {
    api.put(&format!("/faults/{name}"), fault).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_armed_with_the_keyboard_and_its_receipt_names_the_trace() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.resize(1280).await;
    browser.opens_live(&app.order, "id").await;
    browser.reads("#receipts [data-none]", "Tidak ada gangguan.").await;
    browser.moves_to("order-product").await;
    browser.types(Key::Enter).await;
    browser.reads("#fault h2", "Order → Product").await;
    let routes = "#fault [name=route] option[value='PUT /reservations/{key}']";
    browser.counts(routes, 1).await;
    browser.types(Key::Tab + Key::Tab).await;
    browser.chooses("kind", "lose_answer").await;
    browser.types(Key::Tab).await;
    browser.chooses("route", "PUT /reservations/{key}").await;
    browser.types(Key::Tab + Key::Tab + Key::Tab + Key::Enter).await;
    browser.reads("#receipts .fired", "0/1").await;
    browser.reads("#receipts .kind", "Balasan hilang setelah commit, PUT /reservations/{key}").await;
    browser.counts("#fault[hidden]", 1).await;
    assert_eq!(browser.run("return document.activeElement.dataset.edge").await, "order-product");
    browser.counts("#map .edge.hurt", 1).await;
    let armed = browser.find("[data-edge=order-product]").await.attr("aria-label").await.unwrap().unwrap();
    assert!(armed.starts_with("Pasang gangguan dari Order ke Product. Terpasang: Balasan hilang"), "{armed}");

    // The answer is lost after the commit; the second attempt carries the same key, and the order is placed.
    order(&app).await;
    browser.reads("#receipts .spent .fired", "1/1").await;
    browser.reads("#say", "Gangguan terjadi: Order → Product, Balasan hilang setelah commit").await;
    browser.counts("#map .edge.hurt", 0).await;
    browser.press(&format!("#receipts a[href='#trace={TRACE}']")).await;
    browser.reads("[data-trace]", TRACE).await;
    browser.counts(".sequence [d^='M1-5.5']", 1).await;
    let texts = "return [...document.querySelectorAll('.sequence .aside.er')].map(({textContent}) => textContent)";
    eventually("the answer is shown as lost", async || {
        (browser.run(texts).await == json!(["balasan hilang"])).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_of_a_spent_fault_is_removed_later() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    // A minute passes when the test says so.
    let script = "
        const real = setTimeout;
        globalThis.minutes = [];
        globalThis.setTimeout = (run, ms, ...rest) => (ms === 60000 ? minutes.push(run) : real(run, ms, ...rest));";
    let source = json!({"source": script});
    browser.driver.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", source).await.unwrap();
    arm(&app.order, "mine", &json!({"from": "client", "to": "order", "kind": "error"})).await;
    arm(&app.order, "rate", &json!({"from": "client", "to": "order", "kind": "delay", "delay_ms": 0, "percent": 100}))
        .await;
    browser.resize(1280).await;
    browser.opens_live(&app.order, "en").await;
    browser.counts("#receipts li", 2).await;
    app.order.get("/orders").await.with_status(500);
    browser.reads("#receipts .spent[data-fault=mine] .fired", "1/1").await;
    app.order.get("/orders").await.with_status(200);
    browser.reads("#receipts [data-fault=rate] .fired", "1×").await;
    browser.run("for (const run of minutes.splice(0)) run()").await;
    browser.counts("#receipts li", 1).await;
    browser.counts("#receipts [data-fault=rate]", 1).await;
    // It was armed elsewhere, where somebody may read its receipt yet.
    let list = app.order.get("/faults").await.expect(200);
    assert_eq!(list["faults"].as_array().unwrap().len(), 2, "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_stopped_and_run_again_at_its_stall() {
    let Some(browser) = Browser::start().await else { return };
    let folder = Folder::new();
    let addresses = ["USER_ADDR", "PRODUCT_ADDR", "ORDER_ADDR"].map(|name| (name, free_address()));
    let [_, products, orders] = addresses.map(|(_, address)| Api::of(address));
    let start = |services: &[&str], names: &[&str]| {
        let mut command = folder.pasar(services);
        command.envs(addresses.map(|(name, address)| (name, address.to_string()))).env_remove("PAYMENT_ADDR");
        Pasar::start(&mut command, names)
    };
    // Each knows its own faults only.
    let _others = start(&["user", "order", "payment"], &["UserService", "OrderService", "PaymentService"]);
    let _products = start(&["product"], &["ProductService"]);
    let kopi = products.post("/products", &json!({"name": "Kopi", "price": 85_000, "stock": 9})).await.expect(201);
    let new = json!({"user_id": 1, "product_id": kopi["product"]["id"]});
    browser.resize(1280).await;
    browser.opens_live(&orders, "id").await;
    browser.press("[data-service=product]").await;
    browser.reads("#map .stall.is-product.off .rate", "dihentikan").await;
    browser.reads("#say", "Product dihentikan.").await;
    orders.post("/orders", &new).await.problem(503, "peer_unavailable");
    browser.reads("#receipts .pair", "Product").await;
    browser.counts("#receipts .marks a", 1).await;
    browser.check("live-stopped").await;

    let control = browser.find("[data-service=product]").await;
    assert_eq!(control.attr("aria-label").await.unwrap().unwrap(), "Jalankan Product lagi");
    browser.press("[data-service=product]").await;
    browser.counts("#map .stall.off", 0).await;
    browser.counts("#receipts li", 0).await;
    eventually("orders are placed again", async || (orders.post("/orders", &new).await.status == 201).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_armed_elsewhere_appears_and_all_is_removed_at_once() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.resize(1280).await;
    browser.opens_live(&app.order, "en").await;
    // Once it fires, the page reads what is armed; from then on, it looks for changes by itself.
    arm(&app.user, "slow", &json!({"from": "client", "to": "user", "kind": "delay", "delay_ms": 1, "times": 2})).await;
    app.user.get("/users/1").await.expect(200);
    browser.reads("#receipts [data-fault=slow] .fired", "1/2").await;
    arm(&app.product, "stop", &json!({"from": "anybody", "to": "product", "kind": "stop"})).await;
    arm(&app.order, "refuse", &json!({"from": "payment", "to": "order", "kind": "refuse", "percent": 20})).await;
    browser.reads("#receipts [data-fault=refuse] .kind", "Connection refused, 20%").await;
    browser.reads("#receipts [data-fault=stop] .kind", "Stopped").await;
    browser.reads("#map .stall.is-product.off .rate", "stopped").await;
    browser.counts("#map .edge.hurt", 2).await;
    app.order.remove("/faults/refuse").await.expect(200);
    browser.counts("#receipts li", 2).await;

    browser.press("#receipts [data-fault=slow] button").await;
    browser.counts("#receipts li", 1).await;
    browser.press("#receipts [data-remove-all]").await;
    browser.reads("#receipts [data-none]", "No faults.").await;
    browser.counts("#map .stall.off", 0).await;
    for (_, api) in app.services() {
        assert_eq!(api.get("/faults").await.expect(200)["faults"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_offers_what_can_happen_on_its_edge() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.resize(1280).await;
    browser.opens_live(&app.order, "en").await;
    browser.press("[data-edge=client-payment]").await;
    browser.reads("#fault h2", "Client → Payment").await;
    browser.counts("#fault [name=kind] option", 7).await;
    browser.counts("#fault [name=route] option[value='POST /payments/confirm']", 1).await;
    // Orders are on the same server.
    browser.counts("#fault [name=route] option[value*='/orders']", 0).await;
    browser.types(Key::Escape).await;
    browser.press("[data-edge=events-user]").await;
    browser.reads("#fault h2", "Events → User").await;
    browser.counts("#fault [name=kind] option", 1).await;
    for (field, is_shown) in [("route", false), ("delay", false), ("times", true), ("percent", true)] {
        let shown = browser.find(&format!("#fault [name={field}]")).await.is_displayed().await.unwrap();
        assert_eq!(shown, is_shown, "{field}");
    }
    browser.fill("#fault [name=percent]", "50").await;
    browser.types(Key::Enter).await;
    browser.reads("#receipts .kind", "Delivered twice, 50%").await;
    browser.reads("#receipts .fired", "0×").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_said_where_it_happens() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.resize(1280).await;
    browser.opens_live(&app.order, "en").await;
    for number in 0..50 {
        arm(&app.user, &number.to_string(), &json!({"from": "events", "to": "user", "kind": "twice"})).await;
    }
    browser.press("[data-edge=client-user]").await;
    browser.press("#fault [type=submit]").await;
    browser.reads("#fault:not([hidden]) [role=alert]", "Too many faults are armed.").await;
    browser.types(Key::Escape).await;
    browser.counts("#fault[hidden]", 1).await;
    assert_eq!(browser.run("return document.activeElement.dataset.edge").await, "client-user");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_invariants_are_checked_on_demand() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    order(&app).await;
    recorded(&[&app.user, &app.product, &app.order], has_events).await;
    browser.resize(1280).await;
    browser.opens_live(&app.order, "en").await;
    browser.counts("#checks li", 0).await;
    // Work that waits has ended when the last of it is good.
    eventually("all are good", async || {
        browser.checks_invariants().await;
        (browser.count("#checks li:not(.good)").await == 0).then_some(())
    })
    .await;
    let mut expected = 0;
    for (_, api) in app.services() {
        expected += api.get("/invariants").await.expect(200).as_array().unwrap().len();
    }
    browser.counts("#checks li.good", i64::try_from(expected).unwrap()).await;
    let shown = browser.find("#checks").await.text().await.unwrap();
    assert!(shown.contains("On hand + reserved + sold = received, and nothing is negative."), "{shown}");
    assert!(shown.contains("16 on_hand, 18 received, 2 reserved, 0 sold"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_stays_so_until_it_is_checked_again() {
    let Some(browser) = Browser::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::in_folder(&folder, &[]).await;
    let kopi = app.sells("Kopi Gayo", 85_000, Some(9)).await;
    let database = rusqlite::Connection::open(folder.path().join("pasar.db")).unwrap();
    database.pragma_update(None, "ignore_check_constraints", true).unwrap();
    let add =
        |units: i64| database.execute("UPDATE products SET stock = stock + ? WHERE id = ?", [units, kopi]).unwrap();
    add(1);
    browser.resize(1280).await;
    browser.opens_live(&app.order, "en").await;
    browser.checks_invariants().await;
    let said = browser.reads("#checks .broken", "Product broken: On hand + reserved + sold = received").await;
    assert!(said.contains(&format!("Rows (1): {kopi}")) && said.contains("PUT /products/{id}/stock"), "{said}");
    browser.check("live-broken").await;
    add(-1);
    app.product.get("/products").await.expect(200);
    browser.reads("#requests [data-id] .path", "/products").await;
    browser.counts("#checks .broken", 1).await;
    browser.checks_invariants().await;
    browser.counts("#checks .broken", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_accessible_with_faults() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    arm(
        &app.order,
        "a",
        &json!({"from": "order", "to": "product", "kind": "lose_answer", "path": "/reservations/{key}"}),
    )
    .await;
    arm(&app.order, "b", &json!({"from": "client", "to": "order", "kind": "delay", "delay_ms": 10, "percent": 10}))
        .await;
    arm(&app.order, "c", &json!({"from": "anybody", "to": "payment", "kind": "stop"})).await;
    order(&app).await;
    for scheme in ["light", "dark"] {
        browser.prefers(scheme).await;
        for language in ["id", "en"] {
            for width in [390, 1280] {
                browser.resize(width).await;
                browser.open(&app.order, &address(language)).await;
                // The fragment alone loads nothing anew.
                browser.driver.refresh().await.unwrap();
                browser.counts("#map .handle", 10).await;
                browser.counts("#receipts li", 3).await;
                browser.checks_invariants().await;
                browser.run("scrollTo(0, 0)").await;
                browser.check(&format!("live-faults-{language}-{scheme}-{width}")).await;
                browser.press("[data-edge=order-product]").await;
                browser.counts("#fault [name=route] option[value='PUT /reservations/{key}']", 1).await;
                browser.check(&format!("live-fault-{language}-{scheme}-{width}")).await;
            }
        }
    }
}
