//! Many buyers of few units.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::shop::{level, outcome, product};
use crate::support::TestApp;

const ROUNDS: usize = 100;
const BUYERS: usize = 50;

/// The result of one buyer.
struct Bought {
    /// `None` if the stock was insufficient.
    order: Option<i64>,
    quantity: i64,
    status: &'static str,
}

async fn buy(app: &TestApp, user: i64, product: i64, fickle: bool) -> Bought {
    let quantity = fastrand::i64(1..=5);
    let order = json!({"user_id": user, "product_id": product, "quantity": quantity});
    let answer = app.order.post("/orders", &order).await;
    if answer.status != 201 {
        assert_eq!(outcome(&answer), (409, "insufficient_stock".to_owned()), "{}", answer.text());
        return Bought { order: None, quantity, status: "" };
    }
    let id = answer.json()["id"].as_i64().unwrap();
    let put = async |path: &str, body| app.order.put(&format!("/orders/{id}/{path}"), &body).await.expect(200);
    let status = match fastrand::u8(0..if fickle { 4 } else { 3 }) {
        0 => "pending",
        1 => {
            put("payment", json!({"payment_status": "paid"})).await;
            "paid"
        }
        2 => {
            put("payment", json!({"payment_status": "paid"})).await;
            put("confirm", json!({})).await;
            "confirmed"
        }
        _ => {
            put("status", json!({"status": "cancelled"})).await;
            "cancelled"
        }
    };
    Bought { order: Some(id), quantity, status }
}

/// Reads the stock until the buyers are done: the sum of stock, reserved and sold never changes.
async fn watch(app: &TestApp, product: i64, received: i64, over: &AtomicBool) {
    loop {
        let last = over.load(Ordering::SeqCst);
        let level = level(app, product).await;
        let [stock, reserved, sold, put_in] = level;
        assert!(
            (stock + reserved + sold, put_in) == (received, received) && level.iter().all(|n| *n >= 0),
            "{level:?}"
        );
        if last {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_buyers_never_oversell() {
    let app = TestApp::with_flags(&["--sweep=1h"]).await;
    for round in 0..ROUNDS {
        let received = fastrand::i64(20..=60);
        // In odd rounds nobody cancels, so the stock only decreases.
        let fickle = round % 2 == 0;
        let user = app.user.post("/users", &json!({"name": "Pembeli"})).await.expect(201)["id"].as_i64().unwrap();
        let product = product(&app, received).await;
        let over = AtomicBool::new(false);
        let buying = async {
            let bought = join_all((0..BUYERS).map(|_| buy(&app, user, product, fickle))).await;
            over.store(true, Ordering::SeqCst);
            bought
        };
        let (bought, ()) = join(buying, watch(&app, product, received, &over)).await;

        let units = |statuses: &[&str]| -> i64 {
            bought.iter().filter(|one| statuses.contains(&one.status)).map(|one| one.quantity).sum()
        };
        let (reserved, sold) = (units(&["pending", "paid"]), units(&["confirmed"]));
        let stock = received - reserved - sold;
        assert_eq!(level(&app, product).await, [stock, reserved, sold, received], "round {round}");
        let smallest = bought.iter().filter(|one| one.order.is_none()).map(|one| one.quantity).min();
        assert!(
            fickle || smallest.is_none_or(|quantity| quantity > stock),
            "round {round}: refused although the stock was sufficient"
        );
        let shown = app.order.all(&format!("/orders/user/{user}")).await;
        let shown: BTreeSet<_> = shown
            .iter()
            .map(|order| {
                let quantity = order["items"][0]["quantity"].as_i64();
                (order["id"].as_i64(), quantity.unwrap(), order["status"].as_str().unwrap())
            })
            .collect();
        let answered = bought.iter().filter(|one| one.order.is_some());
        assert_eq!(shown, answered.map(|one| (one.order, one.quantity, one.status)).collect(), "round {round}");
    }
}
