//! The OpenAPI document against what the servers really answer, both ways.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Api, TestApp};

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"];

/// A documented operation, sent as its examples say.
async fn send(api: &Api, path: &str, method: &str, operation: &Value) -> Answer {
    let mut target = path.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "path" {
            let example = &parameter["example"];
            let value = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            target = target.replace(&format!("{{{}}}", parameter["name"].as_str().unwrap()), &value);
        }
    }
    assert!(!target.contains('{'), "{path} lacks an example for a part of its path");
    let body = &operation["requestBody"]["content"]["application/json"]["example"];
    if operation["requestBody"].is_null() {
        return api.send(Method::from_bytes(method.as_bytes()).unwrap(), &target, &[], Vec::new()).await;
    }
    assert!(body.is_object(), "{method} {path} lacks an example of its body");
    let headers = [("content-type", "application/json")];
    api.send(Method::from_bytes(method.as_bytes()).unwrap(), &target, &headers, body.to_string().into_bytes()).await
}

#[tokio::test]
async fn every_documented_call_answers_as_documented() {
    let app = TestApp::spawn().await;
    // So that the order of the example is there.
    app.order.post("/orders", &serde_json::json!({"user_id": 1, "product_id": 1})).await.expect(201);
    for (service, api) in app.services() {
        let document = api.get("/openapi.json").await.expect(200);
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let method = method.to_uppercase();
                let answer = send(api, path, &method, operation).await;
                let documented = &operation["responses"][answer.status.to_string()];
                assert!(answer.status < 300 && documented.is_object(), "{service}: {method} {path}: {}", answer.status);
                for name in documented["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
                    let sometimes = ["Link", "Idempotent-Replayed"].contains(&name.as_str());
                    assert!(sometimes || answer.headers.contains_key(name), "{method} {path} has no {name}");
                }
                let media_type = answer.header("content-type").split(';').next().unwrap().to_owned();
                let content = documented["content"].as_object().unwrap();
                assert!(content.contains_key(&media_type) || content.contains_key("*/*"), "{path}: {media_type}");
            }
        }
    }
}

#[tokio::test]
async fn no_method_answers_that_is_not_documented() {
    let app = TestApp::spawn().await;
    for (service, api) in app.services() {
        let document = api.get("/openapi.json").await.expect(200);
        for (path, operations) in document["paths"].as_object().unwrap() {
            let mut documented: BTreeSet<String> =
                operations.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
            let target = path.replace("{id}", "1").replace("{file}", "x");
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

/// Whatever the project itself calls or links to is documented.
#[tokio::test]
async fn every_address_that_a_page_or_the_collection_names_is_documented() {
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
        let (_, api) = app.services().into_iter().find(|(name, _)| *name == service).unwrap();
        let document = api.get("/openapi.json").await.expect(200);
        let path = target.split(['?', '#']).next().unwrap();
        let known = document["paths"].as_object().unwrap().keys().any(|pattern| {
            let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
            let fits = |(pattern, part): (&&str, &&str)| pattern.starts_with('{') || pattern == part;
            pattern.len() == path.len() && pattern.iter().zip(&path).all(fits)
        });
        assert!(known || path == "/docs/", "{service} does not document {target}");
    }
}
