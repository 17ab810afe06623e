//! Who shops: what leaving removes, and which answers end a session.

use serde_json::json;

use super::TITLE;
use crate::browser::Browser;
use crate::support::{PASSWORD, TestApp, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn who_logs_out_leaves_nothing_behind_in_any_tab() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.visits_as(&app, "Siti").await;
    browser.orders(1).await;
    browser.reads("[data-unread]", "1").await;
    let first = browser.driver.window().await.unwrap();
    let second = browser.driver.new_tab().await.unwrap();
    browser.driver.switch_to_window(second).await.unwrap();
    browser.open(&app.order, "/shop/").await;
    browser.adds(2).await;
    browser.open(&app.order, "/shop/order?id=1").await;
    browser.choose("qris").await;
    browser.has("[data-act=confirm]").await;
    browser.press("[data-opens=\"#customer\"]").await;
    browser.press("[data-log-out]").await;
    for tab in [first, browser.driver.window().await.unwrap()] {
        browser.driver.switch_to_window(tab).await.unwrap();
        browser.has("[data-product-id]").await;
        assert_eq!(browser.run("return location.pathname").await, "/shop/");
        browser.reads("[data-account]", "Masuk").await;
        let kept = browser.run("return [...Object.keys(localStorage), ...Object.keys(sessionStorage)].sort()").await;
        assert_eq!(kept, json!(["catalogue"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_about_an_old_token_leaves_the_new_session() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--auth", "required"]).await;
    let siti = app.registers("siti@example.com").await;
    let order = json!({"user_id": siti.id, "product_id": 1});
    app.order.with_token(&siti.token).post("/orders", &order).await.expect(201);
    browser.open(&app.order, "/shop/?lang=id").await;
    let session = json!({"user": {"id": siti.id, "name": "Siti"}, "token": siti.token});
    browser.run(&format!("sessionStorage.setItem('session', {})", json!(session.to_string()))).await;
    app.user.with_token(&siti.token).post("/auth/logout", &json!({})).await.with_status(204);
    eventually("the token is revoked", async || {
        (app.order.with_token(&siti.token).get("/orders/1").await.status == 401).then_some(())
    })
    .await;
    browser.watches_calls(&format!("/users/{}$", siti.id)).await;
    browser.open(&app.order, "/shop/order?id=1").await;
    browser.has("#customer:not([hidden]) [data-form=login]:not([hidden])").await;
    browser.fills("login", &[("email", "siti@example.com"), ("password", PASSWORD)]).await;
    browser.reads(TITLE, "Bayar pesanan #1").await;
    browser.run("calls.release()").await;
    browser.rests().await;
    browser.reads("[data-account]", "Siti").await;
    let token = browser.run("return JSON.parse(sessionStorage.getItem('session'))?.token").await;
    assert!(token.is_string() && token != siti.token.as_str(), "{token}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_session_that_is_nonsense_is_none() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.open(&app.order, "/shop/?lang=id").await;
    for nonsense in ["{", "1", "{\"user\": 1}"] {
        browser.run(&format!("sessionStorage.setItem('session', {})", json!(nonsense))).await;
        browser.driver.refresh().await.unwrap();
        browser.has("[data-product-id]").await;
        browser.reads("[data-account]", "Masuk").await;
    }
}
