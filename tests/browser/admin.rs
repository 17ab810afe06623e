//! The admin's desk.

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::browser::{Browser, MAX_PAGE_BYTES};
use crate::proxy::Proxy;
use crate::support::binary::{Folder, Pasar, free_address};
use crate::support::{Api, PASSWORD, TestApp, eventually};

/// What a hostile user calls everything.
const HOSTILE: &str = "<script>document.title = 'taken over'</script><b>&amp;";

impl Browser {
    /// Opens the desk in Indonesian.
    async fn desk(&self, order: &Api) {
        self.open(order, "/admin/?lang=id").await;
    }

    /// Waits until the page shows nothing at `css`.
    async fn lacks(&self, css: &str) {
        eventually(&format!("nothing is at {css}"), async || {
            let script = format!(
                "return [...document.querySelectorAll(`{css}`)].every((element) => !element.checkVisibility())"
            );
            (self.run(&script).await == true).then_some(())
        })
        .await;
    }

    /// Moves the pointer to the title, where nothing waits for it to leave.
    async fn points_elsewhere(&self) {
        let title = self.find("#desk h1").await;
        self.driver.action_chain().move_to_element_center(&title).perform().await.unwrap();
    }

    /// The table shows an order in this status.
    async fn shows(&self, order: i64, state: &str) {
        self.reads(&format!("{} .state", row(order)), state).await;
    }
}

/// An order's row of the table.
fn row(order: i64) -> String {
    format!("#orders [data-id='{order}']")
}

/// An order among those that wait.
fn waiting(order: i64) -> String {
    format!("#waiting [data-id='{order}']")
}

/// A product's row.
fn product(id: i64) -> String {
    format!("#stock [data-id='{id}']")
}

async fn order(api: &Api, product: i64, quantity: i64) -> i64 {
    let new = json!({"user_id": 1, "product_id": product, "quantity": quantity});
    api.post("/orders", &new).await.expect(201)["id"].as_i64().unwrap()
}

async fn paid_order(api: &Api, product: i64, quantity: i64) -> i64 {
    let id = order(api, product, quantity).await;
    api.put(&format!("/orders/{id}/payment"), &json!({"payment_status": "paid"})).await.expect(200);
    id
}

async fn status(api: &Api, order: i64) -> Value {
    api.get(&format!("/orders/{order}")).await.expect(200)["status"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_brings_an_order_to_its_end() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let id = paid_order(&app.order, 1, 1).await;
    browser.desk(&app.order).await;
    browser.reads("#waiting .count", "1").await;
    browser.press(&format!("{} [data-act]", waiting(id))).await;
    // The row stays under the pointer, with what has become of it.
    browser.reads(&format!("{} .state", waiting(id)), "Dikonfirmasi").await;
    for (verb, state) in [("Kirim", "Dikirim"), ("Selesaikan", "Selesai")] {
        let button = format!("{} [data-act]", row(id));
        browser.reads(&button, verb).await;
        browser.press(&button).await;
        browser.shows(id, state).await;
    }
    assert_eq!(status(&app.order, id).await, "completed");
    browser.lacks(&format!("{} [data-act]", row(id))).await;
    browser.reads("#waiting [data-empty]", "Tidak ada yang menunggu").await;
    browser.reads("#charts figure:last-child b", "Rp 8.000.000").await;
    browser.reads("#history li:first-child span", "Pesanan #1 selesai").await;
    browser.reads("#live", "langsung").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn declining_an_order_asks_again_and_gives_everything_back() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let kopi = app.sells("Kopi Gayo", 85_000, Some(3)).await;
    let id = paid_order(&app.order, kopi, 2).await;
    browser.desk(&app.order).await;
    let buttons = format!("{} .actions", waiting(id));
    let decline = format!("{buttons} .quiet");
    browser.press(&decline).await;
    browser.reads(&format!("{buttons} .question"), "Uang Rp 170.000 akan dikembalikan.").await;
    // The safe answer has the focus.
    browser.types(Key::Enter).await;
    browser.reads(&decline, "Tolak").await;
    assert_eq!(status(&app.order, id).await, "paid");
    browser.press(&decline).await;
    browser.press(&format!("{buttons} .bad")).await;
    browser.shows(id, "Dibatalkan").await;
    let cancelled = app.order.get(&format!("/orders/{id}")).await.expect(200);
    assert_eq!((&cancelled["status"], &cancelled["payment_status"]), (&json!("cancelled"), &json!("refunded")));
    assert_eq!(app.stock_levels(kopi).await, [3, 0, 0]);
    browser.points_elsewhere().await;
    browser.reads(&format!("{} td:nth-child(2)", product(kopi)), "3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_of_one_admin_show_the_same() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let first = paid_order(&app.order, 1, 1).await;
    browser.desk(&app.order).await;
    browser.shows(first, "Dibayar").await;
    let here = browser.driver.window().await.unwrap();
    let there = browser.driver.new_tab().await.unwrap();
    browser.driver.switch_to_window(there).await.unwrap();
    browser.desk(&app.order).await;
    browser.press(&format!("{} [data-act]", row(first))).await;
    browser.shows(first, "Dikonfirmasi").await;
    browser.driver.switch_to_window(here).await.unwrap();
    browser.shows(first, "Dikonfirmasi").await;
    browser.reads("#waiting [data-empty]", "Tidak ada").await;
    // A new order comes by itself while nobody is at the table, and waits on a button while somebody is.
    let second = paid_order(&app.order, 2, 1).await;
    browser.shows(second, "Dibayar").await;
    browser.reads(&format!("{} .age", waiting(second)), "").await;
    browser.press("#orders [data-search]").await;
    let third = order(&app.order, 3, 1).await;
    browser.reads("#orders [data-fresh]", "Pesanan baru: 1").await;
    browser.press("#orders [data-fresh]").await;
    browser.shows(third, "Menunggu bayar").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_on_a_row_that_is_out_of_date_shows_the_true_status() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let [refused, done] = [paid_order(&app.order, 1, 1).await, paid_order(&app.order, 1, 1).await];
    // Without the stream the page can't know.
    browser.driver.cdp().send_raw("Network.enable", json!({})).await.unwrap();
    let blocked = json!({"urls": ["*/orders/activity/stream*"]});
    browser.driver.cdp().send_raw("Network.setBlockedURLs", blocked).await.unwrap();
    browser.desk(&app.order).await;
    browser.reads("#live", "terputus, mencoba lagi").await;
    browser.shows(refused, "Dibayar").await;
    app.order.put(&format!("/orders/{refused}/status"), &json!({"status": "cancelled"})).await.expect(200);
    app.order.put(&format!("/orders/{done}/confirm"), &json!({})).await.expect(200);
    browser.press(&format!("{} [data-act]", row(refused))).await;
    browser.reads(&format!("{} .message", row(refused)), "Status pesanan #1 sudah berubah menjadi Dibatalkan.").await;
    browser.shows(refused, "Dibatalkan").await;
    // What was to be done has been done already: nothing to complain about.
    browser.press(&format!("{} [data-act]", row(done))).await;
    browser.shows(done, "Dikonfirmasi").await;
    browser.lacks(&format!("{} .message", row(done))).await;
    browser.check("admin-stale").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_keeps_the_stock() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let madu = app.sells("Madu hutan", 165_000, Some(2)).await;
    order(&app.order, madu, 2).await;
    browser.desk(&app.order).await;
    let madu_row = product(madu);
    browser.reads(&format!("{madu_row} .state"), "Habis").await;

    browser.press(&format!("{madu_row} [data-act]")).await;
    browser.types("-1".to_owned() + Key::Enter).await;
    browser.reads(&format!("{madu_row} [role=alert]"), "Stok tidak mencukupi.").await;
    browser.fill(&format!("{madu_row} [name=change]"), "10").await;
    browser.types(Key::Enter).await;
    browser.reads(&format!("{madu_row} td:nth-child(2)"), "10").await;
    browser.lacks(&format!("{madu_row} form")).await;
    assert_eq!(app.stock_levels(madu).await, [10, 2, 0]);

    browser.press(&format!("{madu_row} .acts .quiet")).await;
    browser.fill(&format!("{madu_row} [name=name]"), "Madu Sumbawa").await;
    browser.fill(&format!("{madu_row} [name=price]"), "150000").await;
    browser.press(&format!("{madu_row} [type=submit]")).await;
    browser.reads(&format!("{madu_row} td"), "Madu Sumbawa").await;
    let saved = app.product.get(&format!("/products/{madu}")).await.expect(200);
    assert_eq!((&saved["price"], &saved["stock"]), (&json!(150_000), &json!(10)));

    // Orders hold two units of it.
    browser.press(&format!("{madu_row} .acts .quiet")).await;
    browser.press(&format!("{madu_row} .wide .bad")).await;
    browser.press(&format!("{madu_row} .question .bad")).await;
    browser.reads(&format!("{madu_row} .wide > div > [role=alert]"), "Stok produk ini sedang ditahan").await;

    browser.press("[data-add]").await;
    browser.types("Payung".to_owned() + Key::Enter).await;
    browser.reads("[data-added] .field-price .help", "harus diisi").await;
    browser.fill("[data-added] [name=stock]", "seribu").await;
    browser.fill("[data-added] [name=price]", "90.000").await;
    browser.types(Key::Enter).await;
    browser.reads("[data-added] .field-stock .help", "harus bilangan bulat").await;
    browser.fill("[data-added] [name=stock]", "1.000").await;
    browser.types(Key::Enter).await;
    let payung = eventually("the product is added", async || {
        app.product.all("/products?name=Payung").await.first().and_then(|product| product["id"].as_i64())
    });
    let payung = payung.await;
    let saved = app.product.get(&format!("/products/{payung}")).await.expect(200);
    assert_eq!((&saved["price"], &saved["stock"]), (&json!(90_000), &json!(1000)));
    let payung = product(payung);
    browser.reads(&format!("{payung} td"), "Payung").await;
    browser.press(&format!("{payung} .acts .quiet")).await;
    browser.press(&format!("{payung} .wide .bad")).await;
    browser.press(&format!("{payung} .question .bad")).await;
    browser.reads("#stock [data-empty]", "Tidak ada barang yang cocok").await;
    assert!(app.product.all("/products?name=Payung").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn units_whose_answer_is_lost_are_received_once() {
    let Some(browser) = Browser::start().await else { return };
    let proxy = Proxy::start().await;
    let app = TestApp::with_flags(&["--product-url", &proxy.url]).await;
    proxy.forward_to(app.product.addr);
    let madu = app.sells("Madu hutan", 165_000, Some(2)).await;
    browser.desk(&app.order).await;
    let madu_row = product(madu);
    browser.reads(&format!("{madu_row} td:nth-child(2)"), "2").await;
    // The page doesn't hear of what another admin receives.
    let path = format!("/products/{madu}/stock");
    app.product.put(&path, &json!({"change": 5})).await.expect(200);
    proxy.loses_answer("PUT /products/");
    browser.press(&format!("{madu_row} [data-act]")).await;
    browser.types("10".to_owned() + Key::Enter).await;
    let alert = format!("{madu_row} [role=alert]");
    browser.reads(&alert, "Layanan barang tidak menjawab. Mungkin sudah tersimpan").await;
    proxy.is_away(false);
    browser.press(&format!("{madu_row} [type=submit]")).await;
    browser.lacks(&format!("{madu_row} form")).await;
    assert_eq!(app.stock_levels(madu).await, [17, 0, 0]);

    // Where both are received at the same time, nobody knows which of them is missing.
    proxy.loses_answer("PUT /products/");
    browser.press(&format!("{madu_row} [data-act]")).await;
    browser.types("10".to_owned() + Key::Enter).await;
    browser.reads(&alert, "Layanan barang tidak menjawab.").await;
    app.product.put(&path, &json!({"change": 5})).await.expect(200);
    proxy.is_away(false);
    browser.press(&format!("{madu_row} [type=submit]")).await;
    browser.reads(&alert, "Mungkin sudah tersimpan: lihat daftarnya dulu.").await;
    browser.reads(&format!("{madu_row} td:nth-child(2)"), "32").await;
    assert_eq!(app.stock_levels(madu).await, [32, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_gets_to_the_desk_where_one_has_to_log_in() {
    let Some(browser) = Browser::start().await else { return };
    let proxy = Proxy::start().await;
    let app = TestApp::with_flags(&["--auth", "required", "--order-url", &proxy.url]).await;
    proxy.forward_to(app.order.addr);
    app.registers("siti@example.com").await;
    let admin = app.admin().await;
    browser.desk(&app.product).await;
    browser.reads("#login-why", "Silakan masuk terlebih dahulu.").await;
    browser.lacks("#desk").await;
    browser.check("admin-login").await;
    let log_in = async |email: &str, password: &str| {
        browser.fill("#email", email).await;
        browser.fill("#password", password).await;
        browser.types(Key::Enter).await;
    };
    log_in("siti@example.com", "bukan ini").await;
    browser.reads("#login [role=alert]", "Email atau kata sandi salah.").await;
    log_in("siti@example.com", PASSWORD).await;
    browser.reads("#login-why", "Anda masuk sebagai Siti, yang bukan admin.").await;
    browser.lacks("#desk").await;
    log_in("admin@example.com", PASSWORD).await;
    browser.lacks("#login").await;
    browser.reads("#waiting [data-empty]", "Tidak ada yang menunggu").await;
    browser.reads("#live", "langsung").await;

    // The session ends in the middle of an entry, which is sent once somebody has logged in again.
    browser.press("[data-add]").await;
    browser.fill("[data-added] [name=name]", "Payung").await;
    browser.fill("[data-added] [name=price]", "90000").await;
    // The desk doesn't hear of it before: its stream and the orders are away.
    proxy.is_away(true);
    app.user.with_token(&admin.token).post("/auth/logout", &json!({})).await.with_status(204);
    app.makes_admin("admin@example.com", &[]).await;
    let products = app.product.with_token(&admin.token);
    eventually("the product service has learned of it", async || {
        (products.post("/products", &json!({})).await.status == 401).then_some(())
    })
    .await;
    browser.types(Key::Enter).await;
    browser.reads("#login-why", "Sesi ini sudah tidak berlaku").await;
    browser.check("admin-login-again").await;
    proxy.is_away(false);
    browser.fill("#password", PASSWORD).await;
    browser.types(Key::Enter).await;
    browser.reads("#stock tbody td", "Payung").await;
    assert_eq!(app.product.all("/products?name=Payung").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_wait_the_oldest_are_shown() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    for _ in 0..10 {
        paid_order(&app.order, 1, 1).await;
    }
    browser.desk(&app.order).await;
    browser.reads("#waiting .count", "10").await;
    browser.reads(&format!("{} .actions", waiting(8)), "Konfirmasi").await;
    browser.lacks(&waiting(9)).await;
    browser.reads("#waiting [data-more]", "2 lagi menunggu").await;
    browser.press("#waiting [data-more]").await;
    browser.reads("#orders [data-statuses=paid][aria-pressed=true] .num", "10").await;
    // The next ones move up once the pointer has left.
    app.order.put("/orders/1/confirm", &json!({})).await.expect(200);
    browser.points_elsewhere().await;
    browser.reads(&format!("{} .actions", waiting(9)), "Konfirmasi").await;
    browser.lacks(&waiting(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_found_and_leafed_through() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let siti = app.user.post("/users", &json!({"name": "Siti"})).await.expect(201)["id"].as_i64().unwrap();
    let hers = json!({"user_id": siti, "product_id": 2});
    app.order.post("/orders", &hers).await.expect(201);
    for _ in 0..24 {
        order(&app.order, 1, 1).await;
    }
    browser.desk(&app.order).await;
    browser.shows(25, "Menunggu bayar").await;
    let rows = async |count: usize| {
        eventually(&format!("{count} rows"), async || {
            (browser.run("return document.querySelectorAll('#orders [data-row]').length").await == count).then_some(())
        })
        .await;
    };
    rows(20).await;
    browser.press("#orders [data-pager] button:last-child").await;
    rows(5).await;
    browser.reads("#orders [data-where]", "Halaman 2, 25 pesanan").await;
    browser.press("#orders [data-pager] button").await;
    rows(20).await;
    browser.fill("#orders [data-search]", "#3").await;
    rows(1).await;
    browser.shows(3, "Menunggu bayar").await;
    browser.fill("#orders [data-search]", "999").await;
    browser.reads("#orders [data-empty]", "Tidak ada pesanan yang cocok").await;
    browser.fill("#orders [data-search]", &format!("user:{siti}")).await;
    browser.shows(1, "Menunggu bayar").await;
    rows(1).await;
    browser.fill("#orders [data-search]", "asus").await;
    rows(20).await;
    browser.reads("#orders [data-hint]", "Cocok di halaman ini: 20 dari 20").await;
    browser.fill("#orders [data-search]", "xiaomi").await;
    rows(0).await;
    browser.fill("#orders [data-search]", " ").await;
    browser.press("#orders [data-statuses=paid]").await;
    browser.reads("#orders [data-empty]", "Tidak ada pesanan yang cocok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_is_small() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.desk(&app.order).await;
    let bytes = browser.weight().await;
    assert!(bytes < MAX_PAGE_BYTES, "{bytes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_suffices() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let [first, second] = [paid_order(&app.order, 1, 1).await, paid_order(&app.order, 2, 1).await];
    browser.desk(&app.order).await;
    browser.shows(second, "Dibayar").await;
    browser.types("/").await;
    browser.types(Key::Down + Key::Down).await;
    browser.types(Key::Down).await;
    browser.types(Key::Enter).await;
    browser.shows(first, "Dikonfirmasi").await;
    assert_eq!(status(&app.order, second).await, "paid");
    // Enter on the number of the other opens its details; Escape closes them and goes back.
    browser.types(Key::Up).await;
    browser.types(Key::Tab).await;
    let link = browser.driver.active_element().await.unwrap();
    link.send_keys("" + Key::Enter).await.unwrap();
    browser.reads("#order h2", "Pesanan #2").await;
    browser.reads("#order .steps li:last-child", "").await;
    browser.check("admin-order").await;
    browser.types(Key::Escape).await;
    browser.lacks("#order").await;
    assert_eq!(browser.driver.active_element().await.unwrap().element_id(), link.element_id());
    browser.types(Key::Tab).await;
    browser.types(Key::Enter).await;
    browser.shows(second, "Dikonfirmasi").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_takes_only_its_panels_along() {
    let Some(browser) = Browser::start().await else { return };
    let folder = Folder::new();
    let addresses = ["USER_ADDR", "PRODUCT_ADDR", "ORDER_ADDR"].map(|name| (name, free_address()));
    let [_, product_addr, order_addr] = addresses.map(|(_, address)| Api::of(address));
    let start = |services: &[&str], names: &[&str]| {
        let mut command = folder.pasar(services);
        command.envs(addresses.map(|(name, address)| (name, address.to_string()))).env_remove("PAYMENT_ADDR");
        Pasar::start(&mut command, names)
    };
    let _front = start(&["user", "product"], &["UserService", "ProductService"]);
    let start_orders = || start(&["order", "payment"], &["OrderService", "PaymentService"]);
    let mut orders = start_orders();
    let id = paid_order(&order_addr, 1, 1).await;
    browser.desk(&product_addr).await;
    browser.shows(id, "Dibayar").await;

    orders.kill();
    browser.reads("#live", "terputus, mencoba lagi").await;
    browser.reads("#charts .notice", "Layanan pesanan tidak menjawab.").await;
    browser.press(&format!("{} [data-act]", row(id))).await;
    browser.reads(&format!("{} .message", row(id)), "Layanan pesanan tidak menjawab.").await;
    browser.check("admin-away").await;
    // The rest goes on.
    browser.press(&format!("{} [data-act]", product(1))).await;
    browser.types("4".to_owned() + Key::Enter).await;
    browser.reads(&format!("{} td:nth-child(2)", product(1)), "4").await;

    let _orders = start_orders();
    browser.reads("#live", "langsung").await;
    browser.lacks("#charts .notice").await;
    browser.press(&format!("{} [data-act]", row(id))).await;
    browser.shows(id, "Dikonfirmasi").await;
    browser.lacks(&format!("{} .message", row(id))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_is_accessible_whatever_things_are_called() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let long = "Kusumaningtyas".repeat(14);
    let mut last = 0;
    for name in [HOSTILE, &long] {
        let user = app.user.post("/users", &json!({"name": name})).await.expect(201)["id"].clone();
        let goods = json!({"name": name, "price": 1, "stock": 2, "category": name, "description": name});
        let goods = app.product.post("/products", &goods).await.expect(201)["product"]["id"].clone();
        let new = json!({"user_id": user, "product_id": goods});
        last = app.order.post("/orders", &new).await.expect(201)["id"].as_i64().unwrap();
        let paid = json!({"payment_status": "paid"});
        app.order.put(&format!("/orders/{last}/payment"), &paid).await.expect(200);
    }
    for scheme in ["light", "dark"] {
        browser.prefers(scheme).await;
        for language in ["id", "en"] {
            for width in [390, 1280, 1920] {
                browser.resize(width).await;
                browser.open(&app.order, &format!("/admin/?lang={language}")).await;
                browser.reads(&format!("{} .state", row(last)), "").await;
                browser.reads("#stock tbody td", "").await;
                browser.reads("#charts figure b", "").await;
                browser.check(&format!("admin-{language}-{scheme}-{width}")).await;
                browser.run("for (const twin of document.querySelectorAll('.twin')) twin.open = true").await;
                browser.press("#waiting .quiet").await;
                browser.press("#stock .acts .quiet").await;
                browser.press("#stock .wide .bad").await;
                browser.press("[data-add]").await;
                browser.check(&format!("admin-open-{language}-{scheme}-{width}")).await;
                browser.press(&format!("{} .link", row(last))).await;
                browser.reads("#order .facts", "Status").await;
                browser.check(&format!("admin-order-{language}-{scheme}-{width}")).await;
                assert_eq!(browser.driver.title().await.unwrap(), "Admin · Pasar");
            }
        }
    }
}
