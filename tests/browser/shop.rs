//! The shop: the catalogue, the cart, orders and payments.

mod access;
mod buying;
mod failures;
mod sessions;
mod unanswered;

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::browser::Browser;
use crate::support::{Api, TestApp, eventually};

const PLACE_ORDER: &str = "[data-order-now]";
const TITLE: &str = "main h1";

impl Browser {
    async fn adds(&self, product: i64) {
        self.press(&format!("[data-product-id=\"{product}\"] .buy button")).await;
    }

    async fn opens_cart(&self) {
        self.press("[data-opens=\"#cart\"]").await;
    }

    async fn fills(&self, form: &str, fields: &[(&str, &str)]) {
        for (name, value) in fields {
            self.find(&format!("[data-form={form}] [name={name}]")).await.send_keys(*value).await.unwrap();
        }
        self.press(&format!("[data-form={form}] [type=submit]")).await;
    }

    /// Opens the catalogue as a customer without an account.
    async fn visits_as(&self, app: &TestApp, name: &str) {
        self.open(&app.order, "/shop/?lang=id").await;
        self.press("[data-opens=\"#customer\"]").await;
        self.fills("guest", &[("name", name)]).await;
        self.reads("[data-account]", name).await;
    }

    async fn choose(&self, method: &str) {
        self.press(&format!("[name=method][value={method}]")).await;
        self.press("[data-act=start]").await;
    }

    /// Orders one unit of a product, and waits for the page of the order.
    async fn orders(&self, product: i64) {
        self.adds(product).await;
        self.opens_cart().await;
        self.press(PLACE_ORDER).await;
        self.reads(TITLE, "Bayar pesanan").await;
    }

    async fn has(&self, css: &str) {
        self.driver.query(By::Css(css)).first().await.unwrap();
    }

    async fn has_no(&self, css: &str) {
        eventually(&format!("no {css}"), async || {
            self.driver.find_all(By::Css(css)).await.unwrap().is_empty().then_some(())
        })
        .await;
    }

    async fn presses_key(&self, key: impl Into<TypingData>) {
        self.driver.active_element().await.unwrap().send_keys(key).await.unwrap();
    }

    /// Presses Tab until the element has the focus.
    async fn tabs_to(&self, css: &str) {
        for _ in 0..60 {
            let script = format!("return document.activeElement.matches({})", json!(css));
            if self.run(&script).await == json!(true) {
                return;
            }
            self.presses_key(Key::Tab + "").await;
        }
        panic!("{css} is not reached with the keyboard");
    }
}

/// The orders of all users.
async fn orders(order: &Api) -> Vec<Value> {
    order.all("/orders").await
}
