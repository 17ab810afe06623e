//! An order whose answer is not known: whichever tab goes on with it, it is placed once, or given up where all can see.

use serde_json::json;

use super::{PLACE_ORDER, TITLE, orders};
use crate::browser::Browser;
use crate::proxy::Proxy;
use crate::support::{PASSWORD, TestApp};

const SENT: &str = "Pesanan ini sudah dikirim dan jawabannya belum diterima.";

/// An app whose order and payment services are behind a proxy.
async fn with_proxy(flags: &[&str]) -> (TestApp, Proxy) {
    let proxy = Proxy::start().await;
    let app = TestApp::with_flags(&[&["--order-url", &proxy.url, "--payment-url", &proxy.url], flags].concat()).await;
    proxy.forward_to(app.order.addr);
    (app, proxy)
}

impl Browser {
    async fn registers(&self, app: &TestApp, name: &str, email: &str) {
        self.open(&app.order, "/shop/?lang=id").await;
        self.press("[data-opens=\"#customer\"]").await;
        self.press("[data-choose=register]").await;
        self.fills("register", &[("name", name), ("email", email), ("password", PASSWORD)]).await;
        self.reads("[data-account]", name).await;
    }

    /// Goes on in a new tab, without the one that it was in.
    async fn goes_on_in_another_tab(&self) {
        let tab = self.driver.new_tab().await.unwrap();
        self.driver.close_window().await.unwrap();
        self.driver.switch_to_window(tab).await.unwrap();
    }

    /// Puts a product into the cart and orders it, without an answer.
    async fn orders_in_vain(&self, product: i64) {
        self.adds(product).await;
        self.opens_cart().await;
        self.press(PLACE_ORDER).await;
        self.reads("[data-cart-notice]", SENT).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_without_the_token_of_the_first_one_places_its_order_once() {
    let Some(browser) = Browser::start().await else { return };
    let (app, proxy) = with_proxy(&[]).await;
    browser.registers(&app, "Siti", "siti@example.com").await;
    proxy.loses_answer("POST /orders ");
    browser.orders_in_vain(1).await;
    browser.goes_on_in_another_tab().await;
    browser.open(&app.order, "/shop/").await;
    browser.reads("[data-cart-notice]", SENT).await;
    proxy.is_away(false);
    browser.reads(TITLE, "Bayar pesanan #1").await;
    assert_eq!(orders(&app.order).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_neither_places_nor_drops_it() {
    let Some(browser) = Browser::start().await else { return };
    let (app, proxy) = with_proxy(&["--auth", "required"]).await;
    let admin = app.admin().await;
    browser.registers(&app, "Siti", "siti@example.com").await;
    proxy.loses_answer("POST /orders ");
    browser.orders_in_vain(1).await;
    browser.goes_on_in_another_tab().await;
    proxy.is_away(false);
    // An admin could order for anybody, under an Idempotency-Key of their own.
    browser.open(&app.order, "/shop/").await;
    browser.has("#customer:not([hidden]) [data-form=login]:not([hidden])").await;
    browser.fills("login", &[("email", "admin@example.com"), ("password", PASSWORD)]).await;
    for _ in 0..2 {
        browser.reads("[data-cart-notice]", "Pesanan Siti belum terjawab.").await;
        browser.driver.refresh().await.unwrap();
    }
    browser.reads("[data-cart-notice]", "Pesanan Siti belum terjawab.").await;
    assert_eq!(app.order.with_token(&admin.token).all("/orders").await.len(), 1);
    browser.press("[data-cart-notice] button").await;
    browser.has("#customer:not([hidden]) [data-form=login]:not([hidden])").await;
    browser.fills("login", &[("email", "siti@example.com"), ("password", PASSWORD)]).await;
    browser.reads(TITLE, "Bayar pesanan #1").await;
    assert_eq!(app.order.with_token(&admin.token).all("/orders").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_tab_has_given_up_is_not_sent_again() {
    let Some(browser) = Browser::start().await else { return };
    let (app, proxy) = with_proxy(&[]).await;
    browser.visits_as(&app, "Siti").await;
    proxy.is_away(true);
    browser.orders_in_vain(1).await;
    let first = browser.driver.window().await.unwrap();
    let second = browser.driver.new_tab().await.unwrap();
    browser.driver.switch_to_window(second).await.unwrap();
    browser.open(&app.product, "/static/favicon.svg").await;
    browser.open(&app.order, "/static/favicon.svg").await;
    browser
        .run(
            "localStorage.removeItem('submission');
             const [line] = JSON.parse(localStorage.getItem('cart'));
             localStorage.setItem('cart', JSON.stringify([{...line, quantity: 2}]));",
        )
        .await;
    browser.driver.switch_to_window(first).await.unwrap();
    browser.reads(PLACE_ORDER, "Pesan sekarang").await;
    browser.has_no("[data-cart-notice] .notice").await;
    proxy.is_away(false);
    browser.press(PLACE_ORDER).await;
    browser.reads(TITLE, "Bayar pesanan #1").await;
    let placed = orders(&app.order).await;
    assert_eq!((placed.len(), &placed[0]["quantity"]), (1, &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_given_up_before_its_key_is_forgotten() {
    let Some(browser) = Browser::start().await else { return };
    let (app, proxy) = with_proxy(&[]).await;
    browser.visits_as(&app, "Siti").await;
    proxy.is_away(true);
    browser.orders_in_vain(1).await;
    browser
        .run(
            "const sent = JSON.parse(localStorage.getItem('submission'));
             localStorage.setItem('submission', JSON.stringify({...sent, at: sent.at - 23.5 * 60 * 60 * 1000}));",
        )
        .await;
    proxy.is_away(false);
    browser.reads("[data-cart-notice]", "Pesanan dilepaskan. Mungkin ia sudah tercatat").await;
    browser.driver.refresh().await.unwrap();
    browser.opens_cart().await;
    browser.reads(PLACE_ORDER, "Pesan sekarang").await;
    assert!(orders(&app.order).await.is_empty());
}
