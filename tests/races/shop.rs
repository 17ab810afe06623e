//! The real app, limited to what the model has: one product and its orders.

use futures_util::future::join3;
use serde_json::{Value, json};

use crate::model::{Model, Step};
use crate::support::{Answer, TestApp};

/// Stock, reserved, sold and received.
pub type Level = [i64; 4];

pub struct Shop<'a> {
    pub app: &'a TestApp,
    pub product: i64,
    /// Another product; every order has one unit of it too.
    pub also: Option<i64>,
    pub orders: Vec<i64>,
}

/// What a client can see of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    status: String,
    payment_status: String,
    /// The status of the payment; empty if there is none.
    pub payment: String,
    level: Level,
}

impl Seen {
    /// What a client should see of the model's latest order.
    pub fn of(model: &Model) -> Self {
        let order = model.orders.last().unwrap();
        let Model { stock, reserved, sold, .. } = *model;
        Self {
            status: order.status().into(),
            payment_status: order.payment_status().into(),
            payment: order.payment.as_ref().map_or("", |payment| payment.status).into(),
            level: [stock, reserved, sold, stock + reserved + sold],
        }
    }
}

pub async fn product(app: &TestApp, stock: i64) -> i64 {
    let product = json!({"name": "Kopi Gayo", "price": 45_000, "stock": stock});
    app.product.post("/products", &product).await.expect(201)["product"]["id"].as_i64().unwrap()
}

pub async fn level(app: &TestApp, product: i64) -> Level {
    let level = app.product.get(&format!("/products/{product}/stock")).await.expect(200);
    ["stock", "reserved", "sold", "received"].map(|column| level[column].as_i64().unwrap())
}

/// The status of an answer, and the code if it is a refusal.
pub fn outcome(answer: &Answer) -> (u16, String) {
    let code = if answer.status < 300 { Value::Null } else { answer.json()["code"].clone() };
    (answer.status, code.as_str().unwrap_or_default().to_owned())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl Shop<'_> {
    fn order(&self) -> i64 {
        *self.orders.last().unwrap()
    }

    /// Takes a step. The caller advances the clock.
    pub async fn take(&mut self, step: Step) -> (u16, String) {
        let answer = match step {
            Step::PlaceOrder(quantity) => {
                let also = self.also.map(|product| json!({"product_id": product, "quantity": 1}));
                let own = json!({"product_id": self.product, "quantity": quantity});
                let items: Vec<_> = std::iter::once(own).chain(also).collect();
                let answer = self.app.order.post("/orders", &json!({"user_id": 1, "items": items})).await;
                if answer.status == 201 {
                    self.orders.push(answer.json()["id"].as_i64().unwrap());
                }
                answer
            }
            step => self.step(step).await,
        };
        outcome(&answer)
    }

    /// Takes a step with the latest order.
    pub async fn step(&self, step: Step) -> Answer {
        let (order, id) = (&self.app.order, self.order());
        let payment = |status| async move {
            order.put(&format!("/orders/{id}/payment"), &json!({"payment_status": status})).await
        };
        let status =
            |status| async move { order.put(&format!("/orders/{id}/status"), &json!({"status": status})).await };
        match step {
            Step::Open { declined } => {
                let method = if declined { "card" } else { "qris" };
                self.app.payment.post("/payments", &json!({"order_id": id, "method": method})).await
            }
            Step::Settle => self.app.payment.post("/payments/confirm", &json!({"order_id": id})).await,
            Step::Pay => payment("paid").await,
            Step::Fail => payment("failed").await,
            Step::Expire => payment("expired").await,
            Step::Cancel => status("cancelled").await,
            Step::Confirm => order.put(&format!("/orders/{id}/confirm"), &json!({})).await,
            Step::Ship => status("shipped").await,
            Step::Complete => status("completed").await,
            Step::PlaceOrder(_) | Step::Advance(_) => unreachable!("{step:?} is no step of one order"),
        }
    }

    /// What a client can see of the latest order.
    pub async fn seen(&self) -> Seen {
        let id = self.order();
        let (order, payment, level) = join3(
            async { self.app.order.get(&format!("/orders/{id}")).await.expect(200) },
            async { self.app.payment.get(&format!("/payments/order/{id}")).await },
            level(self.app, self.product),
        )
        .await;
        let none = outcome(&payment) == (404, "payment_not_found".to_owned());
        Seen {
            status: text(&order["status"]),
            payment_status: text(&order["payment_status"]),
            payment: if none { String::new() } else { text(&payment.expect(200)["status"]) },
            level,
        }
    }

    /// The statuses that each order has had.
    pub async fn reached(&self) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        for id in &self.orders {
            let tracking = self.app.order.all(&format!("/orders/{id}/tracking")).await;
            all.push(tracking.iter().map(|reached| text(&reached["status"])).collect());
        }
        all
    }
}
