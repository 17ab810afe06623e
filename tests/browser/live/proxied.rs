//! The diagram beside what proxies between the services have seen.

use serde_json::json;

use super::{TRACE, TRACEPARENT, address, has_events, recorded};
use crate::browser::Browser;
use crate::proxy::Proxy;
use crate::support::Api;
use crate::support::binary::{APART, Layout, Shop, TOGETHER};

async fn has_the_calls_that_proxies_saw(browser: &Browser, layout: Layout) {
    let (users, products) = (Proxy::start().await, Proxy::start().await);
    let flags = [format!("--user-url={}", users.url), format!("--product-url={}", products.url)];
    let shop = Shop::start(layout, &flags.each_ref().map(String::as_str));
    users.forward_to(shop.user());
    products.forward_to(shop.product());
    let services = [shop.user(), shop.product(), shop.order()].map(Api::of);
    let [_, product, orders] = &services;
    let mut items = Vec::new();
    for name in ["Kopi Gayo", "Teh Poci"] {
        let new = json!({"name": name, "price": 85_000, "stock": 9});
        let added = product.post("/products", &new).await.expect(201);
        items.push(json!({"product_id": added["product"]["id"], "quantity": 1}));
    }
    orders.post_as("/orders", &[TRACEPARENT], &json!({"user_id": 1, "items": items})).await.expect(201);
    let records = recorded(&services.each_ref(), has_events).await;
    browser.open(orders, &address("id")).await;
    browser.draws(&records).await;
    let calls = records.iter().filter(|record| record["kind"] == "call");
    let mut drawn: Vec<_> = calls.map(|call| call["span"].as_str().unwrap().to_owned()).collect();
    let mut seen = [users.spans(TRACE), products.spans(TRACE)].concat();
    drawn.sort();
    seen.sort();
    assert_eq!(drawn, seen, "the calls of the diagram, and those that the proxies saw");
    assert!(seen.len() >= 4, "{seen:?}");
    shop.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_diagram_of_an_order_has_exactly_the_calls_that_proxies_saw() {
    let Some(browser) = Browser::start().await else { return };
    browser.resize(1280).await;
    for layout in [TOGETHER, APART] {
        has_the_calls_that_proxies_saw(&browser, layout).await;
    }
}
