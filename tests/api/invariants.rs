//! `GET /invariants`: what must hold between the rows of each service.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Api, Clock, TestApp, eventually};

/// What each invariant of a service comes to, by its name.
async fn verdicts(api: &Api) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    api.all("/invariants").await.iter().map(|report| (text(&report["name"]), text(&report["holds"]))).collect()
}

async fn report(api: &Api, name: &str) -> Value {
    let all = api.all("/invariants").await;
    all.into_iter().find(|report| report["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

/// Waits until all invariants of all services hold.
pub async fn all_hold(app: &TestApp) {
    eventually("all invariants hold", async || {
        for (service, api) in app.services() {
            let verdicts = verdicts(api).await;
            let broken: Vec<_> = verdicts.iter().filter(|(_, holds)| *holds == "broken").collect();
            assert!(broken.is_empty(), "{service}: {broken:?}");
            if verdicts.values().any(|holds| holds != "good") {
                return None;
            }
        }
        Some(())
    })
    .await;
}

#[tokio::test]
async fn after_every_life_of_an_order_all_invariants_hold() {
    let clock = Clock::standing_at(Clock::system().now().as_millis());
    let flags = ["--sweep=20ms", "--payment-gateway=card=decline"];
    let app = TestApp::with_clock(&flags, &clock).await;
    app.registers("siti@example.com").await;
    let coffee = app.sells("Kopi", 20_000, Some(100)).await;
    let pays = async |order: i64, method: &str| {
        app.payment.post("/payments", &json!({"order_id": order, "method": method})).await.expect(201);
        app.payment.post("/payments/confirm", &json!({"order_id": order})).await
    };
    for life in ["pending", "paid", "completed", "by hand", "declined", "cancelled", "refunded", "late", "expired"] {
        let items = json!({"user_id": 1, "items": [{"product_id": coffee, "quantity": 2}, {"product_id": 1}]});
        let id = app.order.post("/orders", &items).await.expect(201)["id"].as_i64().unwrap();
        let sets = async |status: &str| {
            app.order.put(&format!("/orders/{id}/status"), &json!({"status": status})).await.expect(200)
        };
        match life {
            "paid" | "completed" | "refunded" => drop(pays(id, "qris").await.expect(200)),
            "declined" => drop(pays(id, "card").await.problem(409, "payment_declined")),
            "by hand" => {
                app.payment.post("/payments", &json!({"order_id": id})).await.expect(201);
                app.order.put(&format!("/orders/{id}/payment"), &json!({"payment_status": "paid"})).await.expect(200);
            }
            "late" => {
                app.payment.post("/payments", &json!({"order_id": id})).await.expect(201);
                clock.set(clock.now().as_millis() + 11_000);
            }
            _ => {}
        }
        match life {
            "completed" => {
                app.order.put(&format!("/orders/{id}/confirm"), &json!({})).await.expect(200);
                sets("shipped").await;
                sets("completed").await;
            }
            "cancelled" | "refunded" => drop(sets("cancelled").await),
            _ => {}
        }
        all_hold(&app).await;
    }
    // All that nobody has paid expires.
    clock.set(clock.now().as_millis() + 3_600_000);
    eventually("no order is pending", async || app.order.all("/orders?status=pending").await.is_empty().then_some(()))
        .await;
    all_hold(&app).await;
    let levels = report(&app.product, "stock_levels").await;
    assert_eq!(levels["figures"], json!({"on_hand": 94, "received": 100, "reserved": 4, "sold": 2}));
    assert_eq!(levels["sentence"], "Tersedia + ditahan + terjual = diterima, dan tidak ada yang negatif.");
    let english = app.product.get_as("/invariants", &[("accept-language", "en")]).await;
    assert_eq!(english.header("content-language"), "en");
    assert_eq!(english.json()[0]["sentence"], "On hand + reserved + sold = received, and nothing is negative.");
}

#[tokio::test]
async fn what_waits_for_a_job_is_under_way() {
    let app = TestApp::with_flags(&["--payment-gateway=qris=1h"]).await;
    app.order.post("/orders", &json!({"user_id": 1, "product_id": 1})).await.expect(201);
    app.payment.post("/payments", &json!({"order_id": 1, "method": "qris"})).await.expect(201);
    app.payment.post("/payments/confirm", &json!({"order_id": 1})).await.problem(503, "payment_unsettled");
    let settlement = report(&app.payment, "payment_settlement").await;
    assert_eq!(
        (&settlement["holds"], &settlement["rows"], &settlement["total"]),
        (&json!("owed"), &json!(["1"]), &json!(1))
    );
    assert_eq!(report(&app.payment, "payment_jobs").await["holds"], "owed");
    let [job] = &app.payment.all("/invariants/jobs").await[..] else { panic!("not one job") };
    assert_eq!((&job["service"], &job["action"], &job["target"]), (&json!("payment"), &json!("settle"), &json!("1")));
}

#[tokio::test]
async fn of_many_rows_at_fault_the_first_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::in_folder(&folder, &[]).await;
    for _ in 0..30 {
        app.order.post("/orders", &json!({"user_id": 1, "product_id": 1})).await.expect(201);
    }
    let damaged = rusqlite::Connection::open(folder.path().join("pasar.db")).unwrap();
    damaged.execute("UPDATE orders SET total_price = 1 WHERE id > 5", []).unwrap();
    let totals = report(&app.order, "order_totals").await;
    assert_eq!((&totals["holds"], &totals["total"]), (&json!("broken"), &json!(25)));
    assert_eq!(totals["rows"], json!((6..26).map(|id| id.to_string()).collect::<Vec<_>>()));
}

#[tokio::test]
async fn the_records_of_other_services_come_in_pages() {
    let app = TestApp::spawn().await;
    let coffee = app.sells("Kopi", 20_000, Some(100)).await;
    for _ in 0..5 {
        let id = &app.order.post("/orders", &json!({"user_id": 1, "product_id": coffee})).await.expect(201)["id"];
        app.payment.post("/payments", &json!({"order_id": id})).await.expect(201);
    }
    for (api, list) in [(&app.order, "orders"), (&app.payment, "payments"), (&app.product, "reservations")] {
        let all = api.all(&format!("/invariants/{list}")).await;
        assert_eq!(all.len(), 5, "{all:?}");
        let (mut paged, mut next) = (Vec::new(), format!("/invariants/{list}?limit=2"));
        loop {
            let page = api.get(&next).await;
            paged.extend(page.expect(200).as_array().unwrap().clone());
            let Some((target, _)) = page.header("link").trim_start_matches('<').split_once('>') else { break };
            next = target.to_owned();
        }
        assert_eq!(paged, all, "{list}");
    }
}
