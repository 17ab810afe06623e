//! What can go wrong while somebody buys, and that nothing is lost or ordered twice.

use pasar::domain::Timestamp;
use serde_json::json;

use super::{PLACE_ORDER, TITLE, orders};
use crate::browser::Browser;
use crate::proxy::Proxy;
use crate::support::{Api, PASSWORD, TestApp, Visitor, eventually};

/// Waits until a service has learned that a token is revoked.
async fn refuses(service: &Api, path: &str, token: &str) {
    let service = service.with_token(token);
    eventually("the token is revoked", async || (service.get(path).await.status == 401).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_too_late_sees_it_and_can_order_again() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--payment-window", "1s"]).await;
    let kopi = app.sells("Kopi Gayo", 85_000, Some(8)).await;
    browser.visits_as(&app, "Siti").await;
    browser.orders(kopi).await;
    browser.choose("qris").await;
    // Nothing has to be pressed: the page asks at the deadline.
    browser.reads(TITLE, "Waktu membayar pesanan #1 habis").await;
    browser.reads("main .view p.num", "Tidak ada yang ditagih, dan stok sudah kembali.").await;
    assert_eq!(app.stock_levels(kopi).await, [8, 0, 0]);
    browser.press("main .btn.primary").await;
    browser.reads("[data-total]", "Rp 85.000").await;
    browser.press(PLACE_ORDER).await;
    browser.reads(TITLE, "Bayar pesanan #2").await;
    browser.press(".cancel button").await;
    browser.press(".cancel .bad").await;
    browser.reads(TITLE, "Pesanan #2 dibatalkan").await;
    assert_eq!(app.stock_levels(kopi).await, [8, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_more_time_gets_it_for_later_payments_too() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--payment-window", "60s"]).await;
    browser.visits_as(&app, "Siti").await;
    for payment in 1..=2 {
        browser.open(&app.order, "/shop/").await;
        browser.orders(1).await;
        if payment == 1 {
            browser.press(".more-time input").await;
        }
        browser.choose("qris").await;
        browser.has(".ring").await;
        let opened = app.payment.get(&format!("/payments/{payment}")).await.expect(200);
        let at = |member: &str| Timestamp::parse(opened[member].as_str().unwrap()).unwrap().as_millis();
        assert_eq!(at("expires_at") - at("created_at"), 600_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_says_that_the_stock_is_back() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--payment-gateway", "card=decline", "--payment-window", "60s"]).await;
    browser.visits_as(&app, "Siti").await;
    browser.orders(1).await;
    browser.choose("card").await;
    browser.press("[data-act=confirm]").await;
    browser.reads(TITLE, "Pembayaran pesanan #1 ditolak").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_while_it_is_in_the_cart_is_shown_before_it_is_ordered() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let kopi = app.sells("Kopi Gayo", 85_000, Some(2)).await;
    let madu = app.sells("Madu hutan", 165_000, Some(2)).await;
    let payung = app.sells("Payung geulis", 185_000, None).await;
    browser.visits_as(&app, "Siti").await;
    for product in [kopi, madu, payung] {
        browser.adds(product).await;
    }
    browser.opens_cart().await;
    browser.reads("[data-total]", "Rp 435.000").await;
    browser.press(&format!("[data-key=plus-{kopi}]")).await;
    browser.has(&format!("[data-key=plus-{kopi}][disabled]")).await;
    app.product.put(&format!("/products/{kopi}/stock"), &json!({"stock": 1})).await.expect(200);
    app.product.put(&format!("/products/{madu}/stock"), &json!({"stock": 0})).await.expect(200);
    app.product.patch(&format!("/products/{payung}"), &json!({"price": 190_000})).await.expect(200);
    browser.press(PLACE_ORDER).await;
    browser.reads(&format!("[data-line=\"{payung}\"] .was"), "sebelumnya Rp 185.000").await;
    browser.reads(&format!("[data-line=\"{kopi}\"] .line-problem"), "Tersisa 1.").await;
    browser.reads(&format!("[data-line=\"{madu}\"] .line-problem"), "Habis.").await;
    browser.check("shop-cart-changed").await;
    browser.press(PLACE_ORDER).await;
    browser.reads("[data-cart-notice]", "Ada barang yang tidak bisa dipesan.").await;
    browser.press(&format!("[data-key=minus-{kopi}]")).await;
    browser.press(&format!("[data-key=remove-{madu}]")).await;
    app.product.delete(&format!("/products/{payung}")).await.with_status(204);
    browser.press(PLACE_ORDER).await;
    browser.reads(&format!("[data-line=\"{payung}\"] .line-problem"), "Tidak dijual lagi.").await;
    assert_eq!(orders(&app.order).await.len(), 0);
    browser.press(&format!("[data-key=remove-{payung}]")).await;
    browser.press(PLACE_ORDER).await;
    browser.reads(TITLE, "Bayar pesanan #1").await;
    assert_eq!(orders(&app.order).await[0]["total_price"], 85_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_answer_is_lost_is_placed_once() {
    let Some(browser) = Browser::start().await else { return };
    let proxy = Proxy::start().await;
    let app =
        TestApp::with_flags(&["--order-url", &proxy.url, "--payment-url", &proxy.url, "--payment-window", "60s"]).await;
    proxy.forward_to(app.order.addr);
    browser.visits_as(&app, "Siti").await;
    browser.adds(1).await;
    browser.opens_cart().await;
    proxy.loses_answer("POST /orders ");
    browser.press(PLACE_ORDER).await;
    browser.reads("[data-cart-notice]", "Pesanan ini sudah dikirim dan jawabannya belum diterima.").await;
    browser.has("[data-line] button[disabled]").await;
    // The tab is reloaded while nobody knows what has become of the order.
    browser.driver.refresh().await.unwrap();
    browser.reads("[data-cart-notice]", "Pesanan ini sudah dikirim dan jawabannya belum diterima.").await;
    browser.check("shop-unanswered").await;
    proxy.is_away(false);
    browser.reads(TITLE, "Bayar pesanan #1").await;
    assert_eq!(orders(&app.order).await.len(), 1);

    // So it is with the payment and its confirmation.
    for (request, press, then) in [
        ("POST /payments ", "[data-act=start]", "[data-act=confirm]"),
        ("POST /payments/confirm ", "[data-act=confirm]", ".track .now"),
    ] {
        proxy.loses_answer(request);
        browser.press(press).await;
        browser.reads("main [data-notice]", "PaymentService tidak menjawab.").await;
        proxy.is_away(false);
        browser.has(then).await;
    }
    browser.reads(TITLE, "Lunas. Terima kasih, Siti.").await;
    assert_eq!(app.payment.all("/payments").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_service_that_is_away_leaves_its_last_catalogue() {
    let Some(browser) = Browser::start().await else { return };
    let proxy = Proxy::start().await;
    let app = TestApp::with_flags(&["--product-url", &proxy.url]).await;
    proxy.forward_to(app.product.addr);
    proxy.is_away(true);
    browser.open(&app.order, "/shop/?lang=id").await;
    browser.reads("main [data-notice]", "ProductService tidak menjawab. Dicoba lagi sendiri.").await;
    proxy.is_away(false);
    browser.has("[data-product-id=\"3\"]").await;
    browser.has_no("main [data-notice] .notice").await;
    proxy.is_away(true);
    browser.driver.refresh().await.unwrap();
    browser.reads("main [data-notice]", "ProductService tidak menjawab. Ini katalog dari jawaban terakhirnya").await;
    browser.has("[data-product-id=\"3\"] .buy button[disabled]").await;
    browser.check("shop-away").await;
    proxy.is_away(false);
    browser.has("[data-product-id=\"3\"] .buy button:not([disabled])").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_has_to_log_in_the_shop_asks_for_it_and_goes_on() {
    let Some(browser) = Browser::start().await else { return };
    let proxy = Proxy::start().await;
    let app = TestApp::with_flags(&["--auth", "required", "--payment-window", "60s", "--user-url", &proxy.url]).await;
    proxy.forward_to(app.user.addr);
    browser.open(&app.order, "/shop/?lang=id").await;
    browser.adds(1).await;
    browser.opens_cart().await;
    browser.press(PLACE_ORDER).await;
    browser.fills("guest", &[("name", "Siti")]).await;
    browser.reads("[data-customer-notice]", "Toko ini meminta akun.").await;
    browser.press("[data-choose=register]").await;
    browser.fills("register", &[("name", "Siti"), ("email", "siti@example.com")]).await;
    browser.has("[data-form=register] [name=password][aria-invalid=true]").await;
    browser.check("shop-register").await;
    browser.fills("register", &[("password", PASSWORD)]).await;
    browser.reads(TITLE, "Bayar pesanan #1").await;
    // The page reads its order once more when the first notification comes. After that it rests.
    browser.reads("[data-unread]", "1").await;
    browser.driver.refresh().await.unwrap();
    browser.has("[data-act=start]").await;

    // Every token is revoked in the middle.
    let siti = app.logs_in("siti@example.com").await;
    app.user.with_token(&siti.token).post("/auth/logout", &json!({})).await.with_status(204);
    refuses(&app.payment, "/payments/1", &siti.token).await;
    // The page may have heard of it by itself, at the end of its stream. It asks to log in when a call needs it.
    browser.press("[data-act=start]").await;
    browser.reads("[data-customer-notice]", "Sesi ini sudah tidak berlaku").await;
    browser.fills("login", &[("email", "siti@example.com"), ("password", PASSWORD)]).await;
    browser.press("[data-act=confirm]").await;
    browser.reads(TITLE, "Lunas. Terima kasih, Siti.").await;
    let Visitor { token, .. } = app.admin().await;
    app.order.with_token(&token).put("/orders/1/confirm", &json!({})).await.expect(200);
    browser.reads(".track .now b", "Disiapkan untuk dikirim").await;

    browser.open(&app.order, "/shop/").await;
    browser.adds(2).await;
    browser.opens_cart().await;
    browser.reads("[data-total]", "Rp 3.000.000").await;
    // The page doesn't hear of it before it orders.
    proxy.is_away(true);
    let siti = app.logs_in("siti@example.com").await;
    app.user.with_token(&siti.token).post("/auth/logout", &json!({})).await.with_status(204);
    refuses(&app.order, "/orders/1", &siti.token).await;
    browser.press(PLACE_ORDER).await;
    browser.reads("[data-customer-notice]", "Sesi ini sudah tidak berlaku").await;
    browser.press("#customer [data-closes]").await;
    browser.reads("[data-cart-notice]", "Pesanan Siti belum terjawab.").await;
    browser.check("shop-log-in-to-finish").await;
    browser.press("[data-cart-notice] button").await;
    browser.check("shop-log-in").await;
    proxy.is_away(false);
    browser.fills("login", &[("email", "siti@example.com"), ("password", PASSWORD)]).await;
    browser.reads(TITLE, "Bayar pesanan #2").await;

    // Whoever comes next doesn't see it.
    browser.press("[data-opens=\"#customer\"]").await;
    browser.press("[data-log-out]").await;
    browser.has("[data-product-id]").await;
    browser.open(&app.order, "/shop/order?id=1").await;
    browser.reads("[data-customer-notice]", "Toko ini meminta akun.").await;
    browser.press("[data-choose=register]").await;
    browser.fills("register", &[("name", "Budi"), ("email", "budi@example.com"), ("password", PASSWORD)]).await;
    browser.reads(TITLE, "Pesanan ini tidak ada").await;
}
