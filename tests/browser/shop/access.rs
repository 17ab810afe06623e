//! Everybody can use the shop: with a keyboard, in both languages and schemes, on every width, whatever the names.

use serde_json::json;
use thirtyfour::prelude::*;

use super::{PLACE_ORDER, TITLE};
use crate::browser::{Browser, MAX_PAGE_BYTES};
use crate::support::TestApp;

/// A name that is an attack, and far too long for any line.
fn hostile(name: &str) -> String {
    format!("<script>alert('{name}')</script>{}", "Panjang".repeat(22))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_suffices_from_the_catalogue_to_the_receipt() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--payment-window", "60s"]).await;
    browser.open(&app.order, "/shop/?lang=id").await;
    browser.has("[data-product-id=\"2\"]").await;
    browser.presses_key("/").await;
    browser.presses_key("xiaomi").await;
    browser.has_no("[data-product-id=\"1\"]").await;
    browser.tabs_to("[data-product-id=\"2\"] .buy button").await;
    browser.presses_key(Key::Enter + "").await;
    browser.reads("[data-units]", "1").await;
    browser.run("document.querySelector('[data-search]').focus()").await;
    browser.tabs_to("[data-opens=\"#cart\"]").await;
    browser.presses_key(Key::Enter + "").await;
    browser.has("#cart:not([hidden])").await;
    browser.presses_key(Key::Escape + "").await;
    browser.has("[data-opens=\"#cart\"]:focus").await;
    browser.presses_key(Key::Enter + "").await;
    browser.tabs_to(PLACE_ORDER).await;
    browser.presses_key(Key::Enter + "").await;
    browser.has("#customer:not([hidden])").await;
    browser.check("shop-guest").await;
    browser.tabs_to("[data-form=guest] [name=name]").await;
    browser.presses_key("Siti").await;
    browser.presses_key(Key::Enter + "").await;
    browser.reads(TITLE, "Bayar pesanan #1").await;
    browser.tabs_to("[data-act=start]").await;
    browser.presses_key(Key::Enter + "").await;
    browser.has("h1:focus").await;
    browser.tabs_to("[data-act=confirm]").await;
    browser.presses_key(Key::Enter + "").await;
    browser.reads(TITLE, "Lunas. Terima kasih, Siti.").await;
    browser.has("h1:focus").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_are_text_and_break_no_layout() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--payment-window", "60s"]).await;
    let name = hostile("barang");
    let mut product = json!({"name": name, "price": 1_000_000_000_000_000_i64, "stock": 1_000_000_000, "category": hostile("kategori"),
        "description": hostile("keterangan"), "image": "//elsewhere.example/x.svg"});
    app.product.post("/products", &product).await.problem(422, "invalid_fields");
    product["image"] = json!("https://elsewhere.example/x.svg");
    let id = app.product.post("/products", &product).await.expect(201)["product"]["id"].as_i64().unwrap();
    let broken = json!({"name": "Gambar hilang", "price": 1, "image": "/static/picture-none.svg"});
    let broken = app.product.post("/products", &broken).await.expect(201)["product"]["id"].as_i64().unwrap();
    for width in [390, 1280] {
        browser.resize(width).await;
        browser.visits_as(&app, &hostile("pembeli")).await;
        browser.has(&format!("[data-product-id=\"{broken}\"] svg.pic")).await;
        browser.check(&format!("shop-hostile-{width}")).await;
        browser.press(&format!("[data-product-id=\"{id}\"] h2 a")).await;
        browser.reads("#product-title", "<script>").await;
        browser.check(&format!("shop-hostile-product-{width}")).await;
        browser.press("[data-product-buy] button").await;
        browser.press("#product [data-closes]").await;
        browser.opens_cart().await;
        browser.reads(".line-name", "<script>").await;
        browser.check(&format!("shop-hostile-cart-{width}")).await;
        browser.press(PLACE_ORDER).await;
        browser.reads(TITLE, "Bayar pesanan").await;
        browser.choose("qris").await;
        browser.press("[data-act=confirm]").await;
        browser.reads(TITLE, "Lunas. Terima kasih, <script>").await;
        browser.check(&format!("shop-hostile-paid-{width}")).await;
        browser.open(&app.order, "/shop/orders").await;
        browser.reads(".names", "<script>").await;
        browser.check(&format!("shop-hostile-orders-{width}")).await;
        browser.run("localStorage.clear(); sessionStorage.clear()").await;
    }
    // What is stored may be anything.
    for anything in ["null", "{", "[1, {\"id\": -1}]", "{\"key\": 1}", "\"<script>\""] {
        let script = format!(
            "for (const storage of [localStorage, sessionStorage])
                for (const name of ['cart', 'submission', 'customer', 'notifications-1', 'catalogue', 'categories', 'more-time'])
                    storage.setItem(name, {})",
            json!(anything)
        );
        browser.run(&script).await;
        browser.open(&app.order, "/shop/").await;
        browser.has("[data-product-id=\"1\"]").await;
        browser.has("[data-units][hidden]").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_is_accessible_in_both_languages_and_colour_schemes() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--payment-window", "10m"]).await;
    for (name, category, stock) in [
        ("Kopi Gayo 250 g", "Dapur", Some(8)),
        ("Kain batik parang, tulis", "Pakaian", Some(3)),
        ("Tas anyaman rotan", "Kerajinan", Some(24)),
        ("Sambal roa 200 ml", "Dapur", None),
        ("Madu hutan Sumbawa 500 g", "Dapur", Some(0)),
    ] {
        let product = json!({"name": name, "price": 85_000, "stock": stock, "category": category, "image": "/static/favicon.svg"});
        app.product.post("/products", &product).await.expect(201);
    }
    browser.visits_as(&app, "Siti").await;
    browser.adds(4).await;
    let user = app.user.all("/users").await.len();
    for status in ["choose", "open", "paid", "cancelled"] {
        let order = json!({"user_id": user, "items": [{"product_id": 4}, {"product_id": 1, "quantity": 2}]});
        let id = app.order.post("/orders", &order).await.expect(201)["id"].as_i64().unwrap();
        if status == "open" || status == "paid" {
            app.payment.post("/payments", &json!({"order_id": id, "method": "qris"})).await.expect(201);
        }
        match status {
            "paid" => drop(app.payment.post("/payments/confirm", &json!({"order_id": id})).await.expect(200)),
            "cancelled" => {
                let cancelled = json!({"status": "cancelled"});
                app.order.put(&format!("/orders/{id}/status"), &cancelled).await.expect(200);
            }
            _ => {}
        }
    }
    for scheme in ["light", "dark"] {
        browser.prefers(scheme).await;
        for language in ["id", "en"] {
            for width in [390, 1280, 1920] {
                browser.resize(width).await;
                let name = |page: &str| format!("shop-{page}-{language}-{scheme}-{width}");
                browser.open(&app.order, &format!("/shop/?lang={language}")).await;
                browser.has("[data-product-id=\"4\"]").await;
                browser.check(&name("catalogue")).await;
                browser.press("[data-opens=\"#notifications\"]").await;
                browser.has("[data-notifications] li").await;
                browser.check(&name("notifications")).await;
                browser.presses_key(Key::Escape + "").await;
                browser.opens_cart().await;
                browser.check(&name("cart")).await;
                browser.presses_key(Key::Escape + "").await;
                browser.press("[data-product-id=\"5\"] h2 a").await;
                browser.check(&name("product")).await;
                browser.presses_key(Key::Escape + "").await;
                browser.press("[data-opens=\"#customer\"]").await;
                browser.check(&name("customer")).await;
                for (id, shown, page) in [
                    (1, "[data-act=start]", "choose"),
                    (2, ".qr", "open"),
                    (3, ".track .now", "paid"),
                    (4, ".track", "cancelled"),
                    (9, "main .btn", "missing"),
                ] {
                    browser.open(&app.order, &format!("/shop/order?id={id}")).await;
                    browser.has(shown).await;
                    browser.check(&name(page)).await;
                }
                browser.open(&app.order, "/shop/orders").await;
                browser.has("[data-orders] li").await;
                browser.check(&name("orders")).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_under_the_cart_is_out_of_reach_even_if_the_bell_was_open() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.open(&app.order, "/shop/?lang=id").await;
    browser.press("[data-opens=\"#notifications\"]").await;
    browser.has("#notifications:not([hidden])").await;
    browser.opens_cart().await;
    browser.press("#cart h2").await;
    browser.has("#notifications[hidden]").await;
    browser.has("[data-opens=\"#notifications\"][aria-expanded=false]").await;
    assert_eq!(browser.run("return document.querySelector('main').inert").await, true);
    browser.check("shop-cart-after-bell").await;
    browser.presses_key(Key::Escape + "").await;
    browser.has("[data-opens=\"#cart\"]:focus").await;
    assert_eq!(browser.run("return document.querySelector('main').inert").await, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_is_small() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    for path in ["/shop/", "/shop/order", "/shop/orders"] {
        browser.open(&app.order, path).await;
        let bytes = browser.weight().await;
        assert!(bytes < MAX_PAGE_BYTES, "{path}: {bytes}");
    }
}
