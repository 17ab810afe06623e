//! Orders of products that are known to track stock: they are reserved without a look at the products, and the result
//! is the same as with one, also where what is known has changed.

use serde_json::{Value, json};

use crate::events::{backlog, wait_until_idle};
use crate::fake::{Behavior, Fake};
use crate::lifecycle::{BACK, HELD, place_order, stocked, take_step};
use crate::support::{Answer, TestApp};

const IN_STOCK: Behavior = Behavior::Stocked(&Behavior::Well, &Behavior::Well);

async fn order(app: &TestApp, user: i64, lines: &[(i64, i64)]) -> Answer {
    let items: Vec<_> = lines.iter().map(|(id, units)| json!({"product_id": id, "quantity": units})).collect();
    app.order.post("/orders", &json!({"user_id": user, "items": items})).await
}

/// The methods of the calls that a fake peer has answered.
fn methods(fake: &Fake) -> Vec<String> {
    fake.requests().iter().map(|head| head.split(' ').next().unwrap().to_owned()).collect()
}

/// An app with a product that is known to have seven units left of ten.
async fn known() -> (TestApp, i64) {
    let app = TestApp::spawn().await;
    let product = stocked(&app).await;
    place_order(&app, product).await;
    (app, product)
}

/// The same, after the units are back.
async fn known_and_free() -> (TestApp, i64) {
    let (app, product) = known().await;
    take_step(&app, 1, "cancelled").await.expect(200);
    assert_eq!(app.stock_levels(product).await, BACK);
    (app, product)
}

#[tokio::test]
async fn a_product_that_tracks_stock_is_looked_at_once_and_then_only_reserved() {
    let fake = Fake::start(IN_STOCK);
    let app = TestApp::with_flags(&["--product-url", &fake.url()]).await;
    let [first, second] = [order(&app, 1, &[(1, 1)]).await.expect(201), order(&app, 1, &[(1, 1)]).await.expect(201)];
    assert_eq!(methods(&fake), ["get", "put", "put"]);
    for member in ["items", "total_price", "status", "user", "product"] {
        assert_eq!(first[member], second[member]);
    }
    // The fake has three left: an order of more looks first.
    order(&app, 1, &[(1, 4)]).await.expect(201);
    assert_eq!(methods(&fake)[3..], ["get", "put"]);
}

#[tokio::test]
async fn a_basket_with_a_known_product_is_reserved_as_a_whole() {
    let (app, product) = known().await;
    let other = app.sells("Teh", 5_000, None).await;
    order(&app, 1, &[(other, 1)]).await.expect(201);
    let placed = order(&app, 1, &[(product, 2), (other, 4)]).await.expect(201);
    assert_eq!(placed["total_price"], 2 * 20_000 + 4 * 5_000);
    assert_eq!((&placed["items"][0]["stock"], &placed["items"][1]["stock"]), (&json!(5), &Value::Null));
    assert_eq!(app.stock_levels(product).await, [5, 5, 0]);
    // One that nothing is known of is looked at, so that a wrong id reserves nothing.
    order(&app, 1, &[(product, 2), (999, 1)]).await.problem(404, "product_not_found");
    assert_eq!(backlog(&app, "calls", "waiting").await, 0);
    assert_eq!(app.stock_levels(product).await, [5, 5, 0]);
}

#[tokio::test]
async fn a_product_whose_stock_is_not_tracked_any_more_is_ordered_as_such() {
    let (app, product) = known_and_free().await;
    app.product.patch(&format!("/products/{product}"), &json!({"stock": null})).await.expect(200);
    let placed = order(&app, 1, &[(product, 50)]).await;
    let again = order(&app, 1, &[(product, 5)]).await.expect(201);
    for placed in [placed.expect(201), again] {
        assert_eq!(placed["items"][0].get("stock"), None);
        take_step(&app, placed["id"].as_i64().unwrap(), "cancelled").await.expect(200);
    }
    wait_until_idle(&app).await;
    let product = app.product.get(&format!("/products/{product}")).await.expect(200);
    assert_eq!(product.get("stock"), None);
}

#[tokio::test]
async fn a_known_product_has_its_present_name_and_price() {
    let (app, product) = known().await;
    app.product.patch(&format!("/products/{product}"), &json!({"name": "Kopi Gayo", "price": 90})).await.expect(200);
    let placed = order(&app, 1, &[(product, 2)]).await.expect(201);
    assert_eq!((&placed["product"]["name"], &placed["total_price"]), (&json!("Kopi Gayo"), &json!(180)));
}

#[tokio::test]
async fn a_known_product_that_is_gone_or_sold_out_is_refused_and_nothing_stays() {
    let (app, product) = known_and_free().await;
    app.product.put(&format!("/products/{product}/stock"), &json!({"stock": 1})).await.expect(200);
    for _ in 0..2 {
        let problem = order(&app, 1, &[(product, 2)]).await.problem(409, "insufficient_stock");
        assert!(problem["detail"].as_str().unwrap().contains("(Kopi) 1 are left, 2 are asked for"), "{problem}");
    }
    order(&app, 1, &[(product, 1)]).await.expect(201);
    take_step(&app, 2, "cancelled").await.expect(200);
    app.product.remove(&format!("/products/{product}")).await;
    for _ in 0..2 {
        order(&app, 1, &[(product, 1)]).await.problem(404, "product_not_found");
    }
    wait_until_idle(&app).await;
    assert_eq!(app.order.all("/orders").await.len(), 2);
}

#[tokio::test]
async fn a_missing_user_reserves_nothing_and_frees_the_key_at_once() {
    let (app, product) = known().await;
    let body = |user: i64| json!({"user_id": user, "product_id": product, "quantity": 2});
    let key = [("idempotency-key", "cart")];
    app.order.post_as("/orders", &key, &body(999)).await.problem(404, "user_not_found");
    assert_eq!(backlog(&app, "calls", "waiting").await, 0, "the planned release is withdrawn");
    assert_eq!(app.stock_levels(product).await, HELD);
    let placed = app.order.post_as("/orders", &key, &body(1)).await.expect(201);
    assert_eq!(app.order.post_as("/orders", &key, &body(1)).await.expect(201), placed);
    assert_eq!(app.stock_levels(product).await, [5, 5, 0]);
}

#[tokio::test]
async fn without_the_user_service_nothing_is_reserved() {
    let (products, users) = (Fake::start(IN_STOCK), Fake::start(Behavior::Well));
    let app = TestApp::with_flags(&["--product-url", &products.url(), "--user-url", &users.url()]).await;
    order(&app, 1, &[(1, 1)]).await.expect(201);
    users.behave(Behavior::Closes(""));
    order(&app, 1, &[(1, 1)]).await.problem(503, "peer_unavailable");
    assert_eq!(methods(&products), ["get", "put"]);
    assert_eq!(backlog(&app, "calls", "waiting").await, 0);
}

#[tokio::test]
async fn a_product_service_that_fails_leaves_one_release_and_no_more() {
    let fake = Fake::start(IN_STOCK);
    let app = TestApp::with_flags(&["--product-url", &fake.url()]).await;
    order(&app, 1, &[(1, 1)]).await.expect(201);
    fake.behave(Behavior::Closes(""));
    for _ in 0..3 {
        order(&app, 1, &[(1, 1)]).await.problem(503, "peer_unavailable");
        assert_eq!(backlog(&app, "calls", "waiting").await, 1);
    }
    fake.behave(IN_STOCK);
    wait_until_idle(&app).await;
    assert_eq!(app.order.all("/orders").await.len(), 1);
}

#[tokio::test]
async fn a_quota_counts_the_units_that_are_held_and_not_those_that_were_expected() {
    let app = TestApp::with_flags(&["--auth=required", "--max-held-units=5"]).await;
    let admin = app.admin().await;
    let siti = app.registers("siti@example.com").await;
    let products = app.product.with_token(&admin.token);
    let mut ids = Vec::new();
    for (name, stock) in [("Kopi", json!(100)), ("Teh", json!(100)), ("Susu", Value::Null)] {
        let added = products.post("/products", &json!({"name": name, "price": 10, "stock": stock})).await.expect(201);
        ids.push(added["product"]["id"].as_i64().unwrap());
    }
    let [coffee, tea, milk] = [ids[0], ids[1], ids[2]];
    let orders = app.order.with_token(&siti.token);
    let order = async |lines: &[(i64, i64)]| {
        let items: Vec<_> = lines.iter().map(|(id, units)| json!({"product_id": id, "quantity": units})).collect();
        orders.post("/orders", &json!({"user_id": siti.id, "items": items})).await
    };
    order(&[(coffee, 1)]).await.expect(201);
    order(&[(milk, 50)]).await.expect(201);
    // Of tea nothing is known yet: it is looked at.
    order(&[(coffee, 1), (tea, 4)]).await.problem(409, "too_many_held_units");
    order(&[(coffee, 1), (tea, 3)]).await.expect(201);
    // Milk is tracked now, and nothing says so before it is reserved. Coffee is tracked no more.
    products.put(&format!("/products/{milk}/stock"), &json!({"stock": 7})).await.expect(200);
    let cancel = async |id: i64| {
        orders.put(&format!("/orders/{id}/status"), &json!({"status": "cancelled"})).await.expect(200);
    };
    cancel(1).await;
    // It is more than half of the milk: what this order itself has reserved must not make it look sold out.
    order(&[(tea, 1), (milk, 4)]).await.problem(409, "too_many_held_units");
    order(&[(milk, 2)]).await.problem(409, "too_many_held_units");
    cancel(3).await;
    // What the refused orders had reserved is released by jobs.
    wait_until_idle(&app).await;
    products.patch(&format!("/products/{coffee}"), &json!({"stock": null})).await.expect(200);
    order(&[(coffee, 50)]).await.expect(201);
    order(&[(tea, 5)]).await.expect(201);
    wait_until_idle(&app).await;
    let held = async |id| {
        let path = format!("/products/{id}/stock");
        products.get(&path).await.expect(200)["reserved"].as_i64().unwrap()
    };
    assert_eq!((held(coffee).await, held(tea).await, held(milk).await), (0, 5, 0));
}
