//! Compares the OpenAPI document with what the servers answer, in both directions.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api, TestApp, eventually};

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"];

/// Sends a documented operation with its examples.
async fn send(api: &Api, path: &str, method: &str, operation: &Value) -> Answer {
    let mut target = path.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "path" {
            let example = &parameter["example"];
            let value = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            target = target.replace(&format!("{{{}}}", parameter["name"].as_str().unwrap()), &value);
        }
    }
    assert!(!target.contains('{'), "{path} lacks an example for a parameter of its path");
    let body = &operation["requestBody"]["content"]["application/json"]["example"];
    if operation["responses"]["200"]["content"].get("text/event-stream").is_some() {
        return api.head_of_stream(&target).await;
    }
    if operation["requestBody"].is_null() {
        return api.send(Method::from_bytes(method.as_bytes()).unwrap(), &target, &[], Vec::new()).await;
    }
    assert!(body.is_object(), "{method} {path} lacks an example of its body");
    let headers = [("content-type", "application/json")];
    api.send(Method::from_bytes(method.as_bytes()).unwrap(), &target, &headers, body.to_string().into_bytes()).await
}

/// The calls that must be made before the example of this call can succeed.
fn setup_calls(call: &str) -> &'static [(&'static str, &'static str, &'static str)] {
    const ORDER: (&str, &str, &str) = ("POST", "/orders", r#"{"user_id": 1, "product_id": 1}"#);
    const PAYMENT: (&str, &str, &str) = ("POST", "/payments", r#"{"order_id": 1}"#);
    const STOCK: (&str, &str, &str) = ("POST", "/products", r#"{"name": "Monitor LG", "price": 1, "stock": 10}"#);
    const RESERVATION: (&str, &str, &str) = (
        "PUT",
        "/reservations/7f1c3a52-5d1e-4a34-9c5b-0c8f3d2e6a91",
        r#"{"items": [{"product_id": 4, "quantity": 2}]}"#,
    );
    match call {
        "PUT /reservations/{key}" => &[STOCK],
        "DELETE /reservations/{key}" | "POST /reservations/{key}/commit" => &[STOCK, RESERVATION],
        "PUT /orders/{id}/payment" | "PUT /orders/{id}/status" | "POST /payments" => &[ORDER],
        "PUT /orders/{id}/confirm" => &[ORDER, ("PUT", "/orders/1/payment", r#"{"payment_status": "paid"}"#)],
        "POST /payments/{id}/refund" => &[
            ORDER,
            PAYMENT,
            ("POST", "/payments/confirm", r#"{"payment_id": 1}"#),
            ("PUT", "/orders/1/status", r#"{"status": "cancelled"}"#),
        ],
        "POST /payments/order/{id}/settle" => &[ORDER, PAYMENT],
        "POST /payments/confirm" => &[ORDER, PAYMENT],
        call if call.starts_with("GET ") => {
            &[ORDER, PAYMENT, ("PUT", "/orders/1/payment", r#"{"payment_status": "paid"}"#), STOCK, RESERVATION]
        }
        _ => &[],
    }
}

/// An app in which the example of this call can succeed.
async fn app_ready_for(call: &str) -> TestApp {
    let mut app = TestApp::spawn().await;
    let email = if call == "POST /auth/register" { "budi@example.com" } else { "siti@example.com" };
    app.user = app.user.with_token(&app.registers(email).await.token);
    if call.starts_with("DELETE /faults") {
        for (service, api) in app.services() {
            let fault = json!({"from": "client", "to": service, "kind": "delay"});
            api.put("/faults/slow", &fault).await.expect(200);
        }
    }
    for (method, path, body) in setup_calls(call) {
        let api = if path.starts_with("/orders") || path.starts_with("/payments") { &app.order } else { &app.product };
        let headers = [("content-type", "application/json")];
        let answer = api.send(method.parse().unwrap(), path, &headers, body.as_bytes().to_vec()).await;
        assert!(answer.status < 300, "{call} needs {method} {path}: {}", answer.text());
    }
    app
}

#[tokio::test]
async fn every_documented_call_answers_as_documented() {
    let reading = app_ready_for("GET *").await;
    eventually("there is a notification and a change of an order to show", async || {
        reading.user.all("/users/1/notifications").await.pop()?;
        reading.order.all("/orders/activity").await.pop()
    })
    .await;
    let mut successes = BTreeSet::new();
    for at in 0..reading.services().len() {
        let (service, api) = reading.services()[at];
        let document = api.get("/openapi.json").await.expect(200);
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let call = format!("{} {path}", method.to_uppercase());
                let recorded = api.get("/calls?limit=1").await.expect(200)["calls"][0]["id"].clone();
                let path = if path == "/calls/{id}" { &format!("/calls/{recorded}") } else { path };
                let answer = if method == "get" {
                    send(api, path, "GET", operation).await
                } else {
                    let app = app_ready_for(&call).await;
                    send(app.services()[at].1, path, &method.to_uppercase(), operation).await
                };
                successes.insert(answer.status);
                let documented = &operation["responses"][answer.status.to_string()];
                let as_documented = answer.status < 300 && documented.is_object();
                assert!(as_documented, "{service}: {call}: {} {}", answer.status, answer.text());
                for name in documented["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
                    let sometimes = ["Link", "Idempotent-Replayed"].contains(&name.as_str());
                    assert!(sometimes || answer.headers.contains_key(name), "{call} has no {name}");
                }
                let media_type = answer.header("content-type").split(';').next().unwrap();
                match documented["content"].as_object() {
                    Some(content) => {
                        let known = content.contains_key(media_type) || content.contains_key("*/*");
                        assert!(known, "{call}: {media_type}");
                        assert_matches_schema(&answer, &content.values().next().unwrap()["schema"], &document, &call);
                    }
                    None => assert_eq!((answer.status, media_type, answer.body.len()), (204, "", 0), "{call}"),
                }
            }
        }
    }
    assert_eq!(successes, [200, 201, 204].into());
}

/// Asserts that an object has all members that its schema requires, and none that the schema lacks.
fn assert_matches_schema(answer: &Answer, schema: &Value, document: &Value, call: &str) {
    let rows = &schema["items"]["$ref"];
    let Some(name) = rows.as_str().or(schema["$ref"].as_str()) else { return };
    let schema = document.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{call}: no {name}"));
    let Some(members) = schema["properties"].as_object() else { return };
    // Jobs wait for moments.
    if call == "GET /invariants/jobs" && answer.json() == json!([]) {
        return;
    }
    let shown = if rows.is_null() { answer.json() } else { answer.json()[0].clone() };
    let shown = shown.as_object().unwrap_or_else(|| panic!("{call} shows none: {}", answer.text()));
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(shown.contains_key(required.as_str().unwrap()), "{call} lacks {required}");
    }
    for member in shown.keys() {
        assert!(members.contains_key(member), "{call} does not document {member}");
    }
}

#[tokio::test]
async fn every_method_that_is_answered_is_documented() {
    let app = TestApp::spawn().await;
    for (service, api) in app.services() {
        let document = api.get("/openapi.json").await.expect(200);
        for (path, operations) in document["paths"].as_object().unwrap() {
            let mut documented: BTreeSet<String> =
                operations.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
            let key = "7f1c3a52-5d1e-4a34-9c5b-0c8f3d2e6a91";
            let target = path.replace("{id}", "1").replace("{file}", "x").replace("{key}", key);
            for method in METHODS.iter().filter(|method| !documented.contains(**method)) {
                let answer = api.send(method.parse().unwrap(), &target, &[], Vec::new()).await;
                answer.problem(405, "method_not_allowed");
            }
            let options = api.send(Method::OPTIONS, &target, &[], Vec::new()).await;
            let allowed: BTreeSet<String> = options.header("allow").split(", ").map(str::to_owned).collect();
            documented.insert("OPTIONS".to_owned());
            if documented.contains("GET") {
                documented.insert("HEAD".to_owned());
            }
            assert_eq!(allowed, documented, "{service}: {path}");
        }
    }
}

/// Every URL that the project itself calls or links to is documented.
#[tokio::test]
async fn every_url_in_the_pages_and_the_collection_is_documented() {
    let app = TestApp::spawn().await;
    let collection = app.order.get("/postman.json").await.expect(200);
    let mut named: BTreeSet<(String, String)> = BTreeSet::new();
    for folder in collection["item"].as_array().unwrap() {
        for item in folder["item"].as_array().unwrap() {
            let url = item["request"]["url"].as_str().unwrap();
            let (service, target) = url.trim_start_matches("{{").split_once("_url}}").unwrap();
            named.insert((service.to_owned(), target.to_owned()));
        }
    }
    for (service, api) in app.services() {
        for page in ["/", "/errors", "/docs"] {
            let html = api.get_as(page, &[("accept", "text/html")]).await.text();
            for rest in html.split("=\"/").skip(1) {
                named.insert((service.to_owned(), format!("/{}", rest.split('"').next().unwrap())));
            }
        }
    }
    assert!(named.len() > 40, "only {}: {named:?}", named.len());
    let absent = [("order".to_owned(), "/nowhere".to_owned()), ("user".to_owned(), "{{next}}".to_owned())];
    for (service, target) in named.into_iter().filter(|one| !absent.contains(one)) {
        let mut services = app.services().into_iter().chain([("payment", &app.payment)]);
        let (_, api) = services.find(|(name, _)| *name == service).unwrap();
        let document = api.get("/openapi.json").await.expect(200);
        let path = target.split(['?', '#']).next().unwrap();
        let known = document["paths"].as_object().unwrap().keys().any(|pattern| {
            let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
            let fits = |(pattern, segment): (&&str, &&str)| pattern.starts_with('{') || pattern == segment;
            pattern.len() == path.len() && pattern.iter().zip(&path).all(fits)
        });
        assert!(known || path == "/docs/", "{service} does not document {target}");
    }
}
