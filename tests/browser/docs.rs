//! Swagger UI.

use std::time::Duration;

use serde_json::json;
use thirtyfour::prelude::*;

use crate::browser::Browser;
use crate::support::{TestApp, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn swagger_ui_shows_every_call_without_the_internet() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    for (_, api) in app.services() {
        browser.open(api, "/docs").await;
        let document = api.get("/openapi.json").await.expect(200);
        let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        eventually("every path is shown, in the order of the document", async || {
            let shown = browser
                .run(
                    "return [...new Set([...document.querySelectorAll('.opblock-summary-path')]
                        .map((path) => path.dataset.path))]",
                )
                .await;
            (shown == json!(paths)).then_some(())
        })
        .await;
        assert!(["/users", "/products", "/orders"].contains(&paths[0].as_str()), "{paths:?}");
        let elsewhere = "return performance.getEntriesByType('resource')
            .filter(({name}) => !name.startsWith(location.origin) && !name.startsWith('data:')).length";
        assert_eq!(browser.run(elsewhere).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn swagger_ui_sends_the_token_that_was_entered() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--auth", "required"]).await;
    let siti = app.registers("siti@example.com").await;
    browser.open(&app.user, "/docs").await;
    let call = "#operations-UserService-get_auth_me";
    browser.press(&format!("{call} .opblock-summary-control")).await;
    browser.press(&format!("{call} .try-out__btn")).await;
    let status = format!("{call} .live-responses-table .response .response-col_status");
    browser.press(&format!("{call} .execute")).await;
    browser.reads(&status, "401").await;

    browser.press(".auth-wrapper .authorize").await;
    browser.find(".modal-ux input").await.send_keys(&siti.token).await.unwrap();
    browser.press(".modal-ux button.authorize").await;
    browser.press(".modal-ux .btn-done").await;
    browser.press(&format!("{call} .execute")).await;
    browser.reads(&status, "200").await;
    let shown = format!("{call} .live-responses-table .response .response-col_description");
    eventually("the profile is shown", async || {
        let me = browser.find(&shown).await.text().await.ok()?;
        me.contains("\"email\": \"siti@example.com\"").then_some(())
    })
    .await;
}

/// Opens a call and its form.
async fn try_out(browser: &Browser, call: &str) {
    browser.press(&format!("{call} .opblock-summary-control")).await;
    eventually(&format!("{call} has a form"), async || {
        // Swagger UI can miss a press while it reads the schemas of an operation.
        browser.press(&format!("{call} .try-out__btn")).await;
        let form = browser.driver.query(By::Css(format!("{call} .execute")));
        form.wait(Duration::from_secs(2), Duration::from_millis(50)).first().await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn swagger_ui_is_accessible() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let (read, write) = ("#operations-OrderService-get_orders", "#operations-OrderService-post_orders");
    for (language, scheme) in [("id", "light"), ("id", "dark"), ("en", "light"), ("en", "dark")] {
        browser.prefers(scheme).await;
        for width in [390, 1280] {
            browser.resize(width).await;
            browser.open(&app.order, &format!("/docs?lang={language}")).await;
            browser.find(read).await;
            let name = format!("docs-{language}-{scheme}-{width}");
            browser.check(&name).await;
            for call in [read, write] {
                try_out(&browser, call).await;
            }
            browser.check(&format!("{name}-open")).await;
            browser.press(&format!("{write} .execute")).await;
            browser.reads(&format!("{write} .live-responses-table .response .response-col_status"), "201").await;
            browser.check(&format!("{name}-answered")).await;
            browser.press(".auth-wrapper .authorize").await;
            browser.find(".modal-ux input").await;
            browser.check(&format!("{name}-token")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn swagger_ui_speaks_the_language_of_the_page() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let call = "#operations-UserService-post_users";
    // The first of each pair is what the page has, in its own language.
    let pairs = [
        (".opblock-summary-description", "Mendaftarkan user baru", "Adds a user"),
        (".opblock-description", "Dengan AUTH=required untuk admin", "With AUTH=required for an admin"),
        (".execute", "Kirim", "Execute"),
        (".try-out__btn", "Batal", "Cancel"),
        (
            ".responses-table .response[data-code='500'] .renderedMarkdown",
            "internal: Ada kekeliruan",
            "internal: A mistake",
        ),
    ];
    for language in ["id", "en"] {
        browser.open(&app.user, &format!("/docs?lang={language}")).await;
        try_out(&browser, call).await;
        for (css, indonesian, english) in pairs {
            let expected = if language == "id" { indonesian } else { english };
            browser.reads(&format!("{call} {css}"), expected).await;
        }
        let summary = browser.find(&format!("{call} .opblock-summary-control")).await;
        assert_eq!(summary.attr("aria-expanded").await.unwrap().as_deref(), Some("true"));
    }

    browser.open(&app.user, "/docs?lang=id").await;
    try_out(&browser, call).await;
    // Words survive what Swagger UI draws again.
    browser.press(&format!("{call} .try-out__btn")).await;
    browser.reads(&format!("{call} .try-out__btn"), "Coba").await;
    browser.press(&format!("{call} .try-out__btn")).await;
    browser.press(&format!("{call} .execute")).await;
    browser.reads(&format!("{call} .live-responses-table .response .response-col_status"), "201").await;
    browser.press(".auth-wrapper .authorize").await;
    browser.find(".modal-ux input").await;
    let english = "const words = JSON.parse(document.querySelector('#texts').textContent);
        const translated = (text) => Object.hasOwn(words, text) && words[text] !== text && !Object.values(words).includes(text);
        const texts = document.createTreeWalker(document.querySelector('#swagger'), NodeFilter.SHOW_TEXT);
        const found = [];
        while (texts.nextNode()) {
            const text = texts.currentNode.textContent.trim();
            if (translated(text)) found.push(text);
        }
        for (const name of ['title', 'aria-label', 'placeholder']) {
            for (const element of document.querySelectorAll(`#swagger [${name}]`)) {
                if (translated(element.getAttribute(name))) found.push(element.getAttribute(name));
            }
        }
        return [Object.keys(words).length > 50, found]";
    assert_eq!(browser.run(english).await, json!([true, []]));
}

#[tokio::test(flavor = "multi_thread")]
async fn swagger_ui_names_the_schema_that_a_call_refers_to() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.open(&app.order, "/docs?lang=en").await;
    let call = "#operations-OrderService-get_orders_id";
    browser.press(&format!("{call} .opblock-summary-control")).await;
    let response = format!("{call} .response[data-code='200']");
    browser.press(&format!("{response} .tab li:nth-child(2) button")).await;
    let shown = format!("{response} .json-schema-2020-12");
    browser.reads(&format!("{shown} .json-schema-2020-12__title"), "Order").await;
    // A reference that is not resolved is an array of any.
    let text = "return document.querySelector(arguments[0]).textContent";
    let text = browser.driver.execute(text, vec![json!(shown)]).await.unwrap();
    let text = text.json().as_str().unwrap();
    assert!(text.contains("total_price") && text.contains("array<object>"), "{text}");
}
