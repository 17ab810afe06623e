//! What a customer does when all goes well: searching, ordering, paying, following.

use serde_json::json;
use thirtyfour::prelude::*;

use super::{PLACE_ORDER, TITLE, orders};
use crate::browser::Browser;
use crate::support::{Clock, TestApp, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_orders_pays_and_follows_the_order() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--payment-window", "60s"]).await;
    let kopi = app.sells("Kopi Gayo", 85_000, Some(8)).await;
    browser.visits_as(&app, "Siti").await;
    browser.adds(kopi).await;
    browser.adds(kopi).await;
    browser.adds(1).await;
    browser.reads("[data-units]", "3").await;
    browser.opens_cart().await;
    browser.reads("[data-total]", "Rp 8.170.000").await;
    browser.press(PLACE_ORDER).await;
    browser.reads(TITLE, "Bayar pesanan #1").await;
    assert_eq!(app.stock_levels(kopi).await, [6, 2, 0]);
    browser.choose("qris").await;
    browser.has(".qr").await;
    browser.press("[data-act=confirm]").await;
    browser.reads(TITLE, "Lunas. Terima kasih, Siti.").await;

    // The page follows the order by itself.
    browser.reads(".track .now b", "Menunggu konfirmasi toko").await;
    app.order.put("/orders/1/confirm", &json!({})).await.expect(200);
    browser.reads(".track .now b", "Disiapkan untuk dikirim").await;
    app.order.put("/orders/1/status", &json!({"status": "shipped"})).await.expect(200);
    browser.reads(".track .now b", "Dalam perjalanan").await;
    app.order.put("/orders/1/status", &json!({"status": "completed"})).await.expect(200);
    browser.reads(TITLE, "Pesanan #1 selesai").await;
    browser.reads("[data-unread]", "5").await;
    browser.press("[data-opens=\"#notifications\"]").await;
    browser.reads("[data-notifications] li", "Selesai").await;
    browser.has("[data-unread][hidden]").await;
    browser.open(&app.order, "/shop/orders").await;
    browser.reads("[data-orders] h2", "Pesanan #1").await;
    browser.reads("[data-orders] .state", "Selesai").await;
    let placed = orders(&app.order).await;
    assert_eq!((placed.len(), &placed[0]["total_price"]), (1, &json!(8_170_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_orders_once() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.visits_as(&app, "Siti").await;
    browser.adds(1).await;
    browser.opens_cart().await;
    let button = browser.find(PLACE_ORDER).await;
    browser.driver.action_chain().double_click_element(&button).perform().await.unwrap();
    browser.reads(TITLE, "Bayar pesanan #1").await;
    let start = browser.find("[data-act=start]").await;
    browser.driver.action_chain().double_click_element(&start).perform().await.unwrap();
    browser.has("[data-act=confirm]").await;
    assert_eq!(orders(&app.order).await.len(), 1);
    assert_eq!(app.payment.all("/payments").await.len(), 1);
    browser.open(&app.order, "/shop/").await;
    browser.has("[data-units][hidden]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_at_any_step_loses_nothing() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--payment-window", "60s"]).await;
    browser.open(&app.order, "/shop/?lang=id").await;
    browser.find("[data-search]").await.send_keys("xiaomi").await.unwrap();
    browser.has_no("[data-product-id=\"1\"]").await;
    browser.driver.refresh().await.unwrap();
    browser.adds(2).await;
    browser.has_no("[data-product-id=\"1\"]").await;
    browser.driver.back().await.unwrap();
    browser.has("[data-product-id=\"1\"]").await;

    browser.driver.refresh().await.unwrap();
    browser.reads("[data-units]", "1").await;
    browser.opens_cart().await;
    browser.press(PLACE_ORDER).await;
    browser.fills("guest", &[("name", "Siti"), ("phone", "0812 3456")]).await;
    browser.reads(TITLE, "Bayar pesanan #1").await;
    browser.driver.refresh().await.unwrap();
    browser.choose("transfer").await;
    browser.has("[role=timer]").await;
    browser.driver.refresh().await.unwrap();
    browser.press("[data-act=confirm]").await;
    browser.reads(TITLE, "Lunas. Terima kasih, Siti.").await;
    browser.driver.refresh().await.unwrap();
    browser.reads(TITLE, "Lunas. Terima kasih, Siti.").await;
    browser.reads("main .view p.num", "Rp 3.000.000 lewat transfer bank").await;

    // Another tab goes on as the same customer.
    let tab = browser.driver.new_tab().await.unwrap();
    browser.driver.switch_to_window(tab).await.unwrap();
    browser.open(&app.order, "/shop/orders").await;
    browser.reads("[data-account]", "Siti").await;
    browser.reads("[data-orders] h2", "Pesanan #1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_customers_see_their_own_orders_and_share_the_stock() {
    let (Some(one), Some(other)) = (Browser::start().await, Browser::start().await) else { return };
    let app = TestApp::spawn().await;
    let kopi = app.sells("Kopi Gayo", 85_000, Some(1)).await;
    one.visits_as(&app, "Siti").await;
    other.visits_as(&app, "Budi").await;
    for browser in [&one, &other] {
        browser.adds(kopi).await;
        browser.opens_cart().await;
        browser.reads("[data-total]", "Rp 85.000").await;
    }
    one.press(PLACE_ORDER).await;
    one.reads(TITLE, "Bayar pesanan #1").await;
    other.press(PLACE_ORDER).await;
    other.reads(".line-problem", "Habis.").await;
    other.open(&app.order, "/shop/orders").await;
    other.reads("main .empty", "Belum ada pesanan.").await;
    assert_eq!(orders(&app.order).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_share_the_cart() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.open(&app.order, "/shop/?lang=id").await;
    let first = browser.driver.window().await.unwrap();
    let second = browser.driver.new_tab().await.unwrap();
    browser.driver.switch_to_window(second).await.unwrap();
    browser.open(&app.order, "/shop/").await;
    browser.adds(1).await;
    browser.driver.switch_to_window(first).await.unwrap();
    browser.reads("[data-units]", "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_catalogue_is_shown_page_by_page() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    for number in 0..60 {
        app.sells(&format!("Barang {number}"), 1000, None).await;
    }
    browser.open(&app.order, "/shop/?lang=id").await;
    browser.reads("[data-more] p", "40 barang, masih ada lagi").await;
    browser.press("[data-more] button").await;
    browser.reads("[data-more] p", "63 barang").await;
    assert_eq!(browser.driver.find_all(By::Css("[data-product-id]")).await.unwrap().len(), 63);
    for (price, category) in [(9_000_000, "Langka"), (10_000_000, "Langka"), (11_000_000, "Lain")] {
        let product = json!({"name": category, "price": price, "category": category});
        app.product.post("/products", &product).await.expect(201);
    }
    browser.open(&app.order, "/shop/?sort=-price").await;
    browser.press("[data-category=Langka]").await;
    browser.reads("[data-more] p", "2 barang").await;
    assert_eq!(browser.run("return location.search").await, "?category=Langka&sort=-price");
    browser.driver.refresh().await.unwrap();
    browser.reads("[data-catalogue] .price", "Rp 10.000.000").await;
    browser.reads("[data-more] p", "2 barang").await;
    browser.press("[name=in_stock]").await;
    browser.driver.back().await.unwrap();
    browser.driver.back().await.unwrap();
    browser.reads("[data-catalogue] .price", "Rp 11.000.000").await;
    browser.open(&app.order, "/shop/?product=2").await;
    browser.reads("#product-title", "HP Xiaomi").await;
    browser.presses_key(Key::Escape + "").await;
    browser.find("[data-search]").await.send_keys("tidak ada yang begini").await.unwrap();
    browser.reads("[data-more] p", "Tidak ada barang yang cocok.").await;
    browser.press("[data-more] button").await;
    browser.reads("[data-more] p", "40 barang, masih ada lagi").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_was_not_shown_is_not_ordered_at() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let kopi = app.sells("Kopi Gayo", 85_000, None).await;
    let costs = async |price: i64| {
        app.product.patch(&format!("/products/{kopi}"), &json!({"price": price})).await.expect(200);
    };
    browser.open(&app.order, "/shop/?lang=id").await;
    browser.adds(kopi).await;
    // The button is pressed while the opened cart is still being read.
    costs(90_000).await;
    browser
        .run("for (const css of ['[data-opens=\"#cart\"]', '[data-order-now]']) document.querySelector(css).click()")
        .await;
    browser.reads("[data-cart-notice]", "Harga berubah").await;
    browser.reads("#cart .was", "sebelumnya Rp 85.000").await;
    // It changes while the customer says who orders.
    browser.press(PLACE_ORDER).await;
    browser.has("#customer:not([hidden])").await;
    costs(95_000).await;
    browser.fills("guest", &[("name", "Siti")]).await;
    browser.reads("[data-cart-notice]", "Harga berubah").await;
    browser.reads("#cart .was", "sebelumnya Rp 90.000").await;
    assert!(orders(&app.order).await.is_empty());
    browser.press(PLACE_ORDER).await;
    browser.reads(TITLE, "Bayar pesanan #1").await;
    assert_eq!(orders(&app.order).await[0]["total_price"], 95_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_paid_order_asks_no_more() {
    let Some(browser) = Browser::start().await else { return };
    let clock = Clock::standing_at(1_795_166_700_000);
    let app = TestApp::with_clock(&[], &clock).await;
    app.order.post("/orders", &json!({"user_id": 1, "product_id": 1})).await.expect(201);
    app.payment.post("/payments", &json!({"order_id": 1})).await.expect(201);
    app.payment.post("/payments/confirm", &json!({"order_id": 1})).await.expect(200);
    browser.watches_calls("^nothing$").await;
    // The header Date is the system's, and says that the time to pay is over.
    browser.open(&app.order, "/shop/order?lang=id&id=1").await;
    browser.reads(TITLE, "Lunas.").await;
    browser.rests().await;
    let begun = browser.run("return calls.begun").await.as_i64().unwrap();
    browser.run("document.dispatchEvent(new Event('visibilitychange'))").await;
    eventually("the page asks again", async || {
        (browser.run("return calls.begun").await.as_i64().unwrap() > begun).then_some(())
    })
    .await;
    browser.rests().await;
    assert_eq!(browser.run("return calls.timers.size").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_orders_are_shown_once_however_often_they_are_asked_for() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.visits_as(&app, "Siti").await;
    let siti = browser.run("return JSON.parse(sessionStorage.getItem('session')).user.id").await;
    for _ in 0..25 {
        app.order.post("/orders", &json!({"user_id": siti, "product_id": 1})).await.expect(201);
    }
    browser.reads("[data-unread]", "25").await;
    browser.watches_calls("^nothing$").await;
    browser.open(&app.order, "/shop/orders").await;
    browser.has("[data-orders] li:nth-child(20)").await;
    browser.run("const more = document.querySelector('[data-more] button'); more.click(); more.click()").await;
    browser.has("[data-orders] li:nth-child(25)").await;
    browser.rests().await;
    assert_eq!(browser.driver.find_all(By::Css("[data-orders] li")).await.unwrap().len(), 25);
    // News changes rows and adds some, and leaves what somebody has come to.
    app.order.put("/orders/1/status", &json!({"status": "cancelled"})).await.expect(200);
    browser.reads("[data-orders] li:last-child .state", "Dibatalkan").await;
    app.order.post("/orders", &json!({"user_id": siti, "product_id": 1})).await.expect(201);
    browser.reads("[data-orders] h2", "Pesanan #26").await;
    assert_eq!(browser.driver.find_all(By::Css("[data-orders] li")).await.unwrap().len(), 26);
    browser.has("[data-orders] li:nth-child(22) a:focus").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_answer_about_the_services_does_not_last() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    for bad in ["new Response('{\"code\": \"overloaded\"}', {status: 503})", "new Response('{}')"] {
        let script = format!(
            "const real = fetch;
             let bad = {bad};
             globalThis.fetch = async (address, ...options) => {{
               const answer = address === '/services' && bad;
               if (answer) bad = null;
               return answer || real(address, ...options);
             }};"
        );
        let script = json!({"source": script});
        let added = browser.driver.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", script).await.unwrap();
        let identifier = added["identifier"].clone();
        browser.open(&app.order, "/shop/?lang=id").await;
        browser.has("[data-product-id=\"1\"]").await;
        assert_eq!(browser.run("return sessionStorage.removeItem('catalogue')").await, json!(null));
        let remove = json!({"identifier": identifier});
        browser.driver.cdp().send_raw("Page.removeScriptToEvaluateOnNewDocument", remove).await.unwrap();
    }
}
