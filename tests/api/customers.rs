//! What a customer can do with required auth, and what other customers can't see.

use serde_json::{Value, json};

use crate::access::spawn_without_expiry;
use crate::events::wait_until_idle;
use crate::support::{Api, TestApp, Visitor};

/// An app with required auth, an admin and two customers.
async fn with_two_customers() -> (TestApp, Visitor, Visitor, Visitor) {
    let mut app = spawn_without_expiry("required").await;
    let admin = app.admin().await;
    app.product = app.product.with_token(&admin.token);
    let (siti, budi) = (app.registers("siti@example.com").await, app.registers("budi@example.com").await);
    (app, admin, siti, budi)
}

/// Asserts that `stranger` gets the same answers for resources of another user as for missing ones.
async fn assert_hidden(app: &TestApp, stranger: &Visitor, [user, order, payment]: [i64; 3]) {
    const NONE: i64 = 4711;
    let (users, orders) = (app.user.with_token(&stranger.token), app.order.with_token(&stranger.token));
    let calls: [(&Api, &str, &str, i64, Value, &str); 15] = [
        (&users, "GET", "/users/ID", user, Value::Null, "user"),
        (&users, "GET", "/users/ID/notifications", user, Value::Null, "user"),
        (&users, "GET", "/users/ID/notifications/stream", user, Value::Null, "user"),
        (&orders, "GET", "/orders/user/ID", user, Value::Null, "user"),
        (&orders, "POST", "/orders", user, json!({"user_id": "ID", "product_id": 1}), "user"),
        (&orders, "GET", "/orders/ID", order, Value::Null, "order"),
        (&orders, "GET", "/orders/ID/detail", order, Value::Null, "order"),
        (&orders, "GET", "/orders/ID/tracking", order, Value::Null, "order"),
        (&orders, "PUT", "/orders/ID/status", order, json!({"status": "cancelled"}), "order"),
        (&orders, "POST", "/payments", order, json!({"order_id": "ID"}), "order"),
        (&orders, "GET", "/payments/order/ID", order, Value::Null, "payment"),
        (&orders, "POST", "/payments/confirm", order, json!({"order_id": "ID"}), "payment"),
        (&orders, "GET", "/payments/ID", payment, Value::Null, "payment"),
        (&orders, "POST", "/payments/confirm", payment, json!({"payment_id": "ID"}), "payment"),
        (&orders, "POST", "/orders", user, json!({"user_id": "ID", "menu_ids": [NONE]}), "user"),
    ];
    for (api, method, path, id, body, thing) in calls {
        println!("{method} {path} {body} of {id}");
        let mut said = Vec::new();
        for id in [id, NONE] {
            let body = body.to_string().replace("\"ID\"", &id.to_string());
            let (headers, body) = match &*body {
                "null" => (&[][..], Vec::new()),
                body => (&[("content-type", "application/json")][..], body.as_bytes().to_vec()),
            };
            let path = path.replace("ID", &id.to_string());
            let answer = api.send(method.parse().unwrap(), &path, headers, body).await;
            said.push(answer.problem(404, &format!("{thing}_not_found")).to_string());
        }
        assert_eq!(said[0], said[1].replace(&NONE.to_string(), &id.to_string()));
    }
}

#[tokio::test]
async fn a_customer_can_shop_and_other_customers_see_none_of_it() {
    let (app, _, siti, budi) = with_two_customers().await;
    let product = app.sells("Kopi", 20_000, Some(10)).await;
    let (users, orders) = (app.user.with_token(&siti.token), app.order.with_token(&siti.token));
    let things = [siti.id, 1, 1];

    let order = orders.post("/orders", &json!({"user_id": siti.id, "product_id": product, "quantity": 2})).await;
    assert_eq!(order.expect(201)["id"], 1);
    assert_hidden(&app, &budi, things).await;
    let payment = orders.post("/payments", &json!({"order_id": 1, "method": "qris"})).await.expect(201);
    assert_eq!(
        (&payment["id"], &payment["user_id"], &payment["status"]),
        (&json!(1), &json!(siti.id), &json!("pending"))
    );
    assert_hidden(&app, &budi, things).await;
    assert_eq!(orders.post("/payments/confirm", &json!({"payment_id": 1})).await.expect(200)["status"], "paid");
    assert_hidden(&app, &budi, things).await;
    assert_eq!(app.stock_levels(product).await, [8, 2, 0], "what was ordered, and that alone");

    let order = orders.get("/orders/1").await.expect(200);
    assert_eq!((&order["user_id"], &order["status"]), (&json!(siti.id), &json!("paid")));
    assert_eq!(orders.all(&format!("/orders/user/{}", siti.id)).await, [order]);
    let detail = orders.get("/orders/1/detail").await.expect(200);
    assert_eq!((&detail["user"]["id"], &detail["products"][0]["id"]), (&json!(siti.id), &json!(product)));
    let paid = orders.get("/payments/1").await.expect(200);
    assert_eq!((&paid["status"], &orders.get("/payments/order/1").await.expect(200)), (&json!("paid"), &paid));
    let tracking = orders.all("/orders/1/tracking").await;
    wait_until_idle(&app).await;
    let notifications = users.all(&format!("/users/{}/notifications", siti.id)).await;
    for entries in [tracking, notifications] {
        assert_eq!(entries.iter().map(|one| &one["status"]).collect::<Vec<_>>(), ["pending", "paid"]);
    }
    assert!(app.order.with_token(&budi.token).all(&format!("/orders/user/{}", budi.id)).await.is_empty());
    assert!(app.user.with_token(&budi.token).all(&format!("/users/{}/notifications", budi.id)).await.is_empty());
}

#[tokio::test]
async fn a_customer_can_only_cancel_unpaid_orders_and_an_admin_does_the_rest() {
    let (app, admin, siti, _) = with_two_customers().await;
    let product = app.sells("Kopi", 20_000, Some(10)).await;
    let (own, staff) = (app.order.with_token(&siti.token), app.order.with_token(&admin.token));
    let new = json!({"user_id": siti.id, "product_id": product});
    let becomes = async |api: &Api, order: i64, status: &str| {
        api.put(&format!("/orders/{order}/status"), &json!({"status": status})).await
    };

    own.post("/orders", &new).await.expect(201);
    assert_eq!(becomes(&own, 1, "cancelled").await.expect(200)["status"], "cancelled");
    assert_eq!(app.stock_levels(product).await, [10, 0, 0]);
    becomes(&own, 1, "cancelled").await.problem(409, "order_state");

    for order in [2, 3] {
        own.post("/orders", &new).await.expect(201);
        own.post("/payments", &json!({"order_id": order})).await.expect(201);
        own.post("/payments/confirm", &json!({"order_id": order})).await.expect(200);
        becomes(&own, order, "cancelled").await.problem(409, "order_state");
        assert_eq!(own.get(&format!("/orders/{order}")).await.expect(200)["status"], "paid");
    }
    assert_eq!(becomes(&staff, 2, "cancelled").await.expect(200)["status"], "cancelled");
    assert_eq!(own.get("/payments/order/2").await.expect(200)["status"], "refunded");

    own.put("/orders/3/confirm", &Value::Null).await.problem(403, "not_allowed");
    assert_eq!(staff.put("/orders/3/confirm", &Value::Null).await.expect(200)["status"], "confirmed");
    for status in ["shipped", "completed"] {
        becomes(&own, 3, status).await.problem(403, "not_allowed");
        assert_eq!(becomes(&staff, 3, status).await.expect(200)["status"], status);
        becomes(&own, 3, "cancelled").await.problem(409, "order_state");
    }
    assert_eq!(app.stock_levels(product).await, [9, 0, 1]);
}

#[tokio::test]
async fn only_an_admin_can_order_items_outside_the_catalogue() {
    let (app, admin, siti, _) = with_two_customers().await;
    let (own, staff) = (app.order.with_token(&siti.token), app.order.with_token(&admin.token));
    let line = |product: &str, price: i64| json!({"userId": siti.id, "product": product, "price": price});
    own.post("/orders", &line("Jasa rakit", 50_000)).await.problem(403, "not_allowed");
    assert!(staff.all("/orders").await.is_empty());
    let order = staff.post("/orders", &line("Jasa rakit", 50_000)).await.expect(201);
    assert_eq!((&order["user_id"], &order["total_price"]), (&json!(siti.id), &json!(50_000)));
    // Everybody can name products of the catalogue, at their price.
    own.post("/orders", &line("Laptop Asus", 1)).await.problem(409, "price_differs");
    assert_eq!(own.post("/orders", &line("Laptop Asus", 8_000_000)).await.expect(201)["product"]["id"], 1);
}

/// Sends the same request twice with one key, and returns the id that both answers have.
async fn send_twice(api: &Api, path: &str, body: &Value) -> i64 {
    let key = [("idempotency-key", "keranjang-17")];
    let [first, second] = [api.post_as(path, &key, body).await, api.post_as(path, &key, body).await];
    assert_eq!((first.header("idempotent-replayed"), second.header("idempotent-replayed")), ("", "true"));
    assert_eq!(first.expect(201), second.expect(201));
    first.json()["id"].as_i64().unwrap()
}

#[tokio::test]
async fn idempotency_keys_of_two_users_are_separate() {
    for stock in [None, Some(10)] {
        let (app, admin, siti, budi) = with_two_customers().await;
        let product = app.sells("Kopi", 20_000, stock).await;
        for (visitor, expected) in [(&siti, 1), (&budi, 2)] {
            let own = app.order.with_token(&visitor.token);
            let order = send_twice(&own, "/orders", &json!({"user_id": visitor.id, "product_id": product})).await;
            let payment = send_twice(&own, "/payments", &json!({"order_id": order})).await;
            assert_eq!((order, payment), (expected, expected));
        }
        // An admin with the same key and body does not get the customer's answer.
        let staff = app.order.with_token(&admin.token);
        assert_eq!(send_twice(&staff, "/orders", &json!({"user_id": siti.id, "product_id": product})).await, 3);
        assert_eq!(staff.all("/orders").await.len(), 3);
        assert_eq!(staff.all("/payments").await.len(), 2);
        // The key belongs to the user, not to the login.
        let again = app.order.with_token(&app.logs_in("siti@example.com").await.token);
        let key = [("idempotency-key", "keranjang-17")];
        let body = json!({"user_id": siti.id, "product_id": product});
        let replayed = again.post_as("/orders", &key, &body).await;
        assert_eq!((replayed.expect(201)["id"].clone(), replayed.header("idempotent-replayed")), (json!(1), "true"));
    }
}

#[tokio::test]
async fn with_open_auth_a_key_is_the_same_with_and_without_a_token() {
    for stock in [None, Some(10)] {
        let app = spawn_without_expiry("open").await;
        let product = app.sells("Kopi", 20_000, stock).await;
        let siti = app.registers("siti@example.com").await;
        let budi = app.registers("budi@example.com").await;
        let order = json!({"user_id": siti.id, "product_id": product});
        let key = [("idempotency-key", "keranjang-17")];
        for (path, body) in [("/orders", order), ("/payments", json!({"order_id": 1}))] {
            let first = app.order.with_token(&siti.token).post_as(path, &key, &body).await.expect(201);
            for token in ["", &budi.token] {
                let api = if token.is_empty() { app.order.clone() } else { app.order.with_token(token) };
                let again = api.post_as(path, &key, &body).await;
                assert_eq!((again.expect(201), again.header("idempotent-replayed")), (first.clone(), "true"));
            }
            assert_eq!(app.order.all(path).await.len(), 1);
        }
    }
}
