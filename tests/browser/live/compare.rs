//! Unsafe beside safe: what two clients send, what they see, and what is stored.

use serde_json::json;

use crate::browser::Browser;
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_happens_to_two_clients_and_only_one_is_safe() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.resize(1280).await;
    browser.open(&app.order, "/live/?lang=id").await;
    browser.press("[data-compare]").await;
    let orders = async |experiment: &str, side: &str| {
        let css = format!("[data-result={experiment}] .half.{side}");
        browser.find(&format!("{css} svg.sequence [data-key]")).await;
        let count = browser.find(&format!("{css} [data-orders]")).await.attr("data-orders").await.unwrap().unwrap();
        count.parse::<u32>().unwrap()
    };
    for (experiment, unsafe_orders) in [("key", 2), ("stock", 2), ("retry", 0)] {
        browser.press(&format!("[data-run={experiment}]")).await;
        let (unsafe_client, safe_client) = (orders(experiment, "unsafe").await, orders(experiment, "safe").await);
        // The browser itself repeats a request whose connection was closed, if it had used the connection before.
        let is_more = if experiment == "key" { unsafe_client >= unsafe_orders } else { unsafe_client == unsafe_orders };
        assert!(is_more, "{experiment}: {unsafe_client}");
        assert_eq!(safe_client, 1, "{experiment}");
    }
    let saw = "return [...document.querySelectorAll('[data-result=key] .half')].map((side) =>
        [...side.querySelectorAll('.saw li')].map(({textContent}) => textContent.replace(/\\d+/, 'N')))";
    assert_eq!(browser.run(saw).await, json!([["tidak ada jawaban", "pesanan N"], ["tidak ada jawaban", "pesanan N"]]));
    let script = "return document.querySelector('[data-result=stock] .why').textContent.includes('semuanya benar')";
    assert_eq!(browser.run(script).await, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_can_be_read_by_everybody() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    for (language, scheme) in [("id", "light"), ("en", "dark")] {
        browser.prefers(scheme).await;
        for width in [390, 1280] {
            browser.resize(width).await;
            browser.open(&app.order, &format!("/live/?lang={language}")).await;
            browser.press("[data-compare]").await;
            browser.press("[data-run=key]").await;
            browser.find("[data-result=key] .half.safe svg.sequence [data-key]").await;
            browser.check(&format!("compare-{language}-{scheme}-{width}")).await;
        }
    }
}
