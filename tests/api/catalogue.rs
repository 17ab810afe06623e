//! The catalogue that `pasar seed shop` adds, and the pictures of its products.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::TestApp;

/// The most bytes of a picture.
const MAX_PICTURE_BYTES: usize = 1536;

/// The products that the catalogue adds to `app`.
async fn catalogue(app: &TestApp) -> Vec<Value> {
    app.seeds_shop().await;
    let all = app.product.get("/products").await.expect(200);
    all.as_array().unwrap().iter().filter(|product| product["image"].is_string()).cloned().collect()
}

/// The paths of the pictures of these products.
fn pictures(products: &[Value]) -> BTreeSet<&str> {
    products.iter().map(|product| product["image"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_catalogue_fills_four_categories_with_all_kinds_of_stock() {
    let app = TestApp::spawn().await;
    let products = catalogue(&app).await;
    assert!(products.len() >= 24);
    let mut sizes = BTreeMap::new();
    for product in &products {
        *sizes.entry(product["category"].as_str().unwrap()).or_insert(0) += 1;
        let description = product["description"].as_str().unwrap();
        assert!(description.ends_with('.') && !description.contains('!'), "{description}");
    }
    assert_eq!(sizes.keys().copied().collect::<Vec<_>>(), ["Dapur", "Elektronik", "Kerajinan", "Pakaian"]);
    assert!(sizes.values().all(|&size| size >= 6), "{sizes:?}");
    let stocks: Vec<_> = products.iter().map(|product| product["stock"].as_i64()).collect();
    assert!(stocks.contains(&None) && stocks.contains(&Some(0)), "{stocks:?}");
    assert!(stocks.iter().flatten().any(|stock| (1..=3).contains(stock)), "{stocks:?}");
    assert!(stocks.iter().flatten().all(|stock| (0..=60).contains(stock)), "{stocks:?}");
}

#[tokio::test]
async fn a_product_of_the_catalogue_is_found_ordered_and_counted_as_any_other() {
    let app = TestApp::spawn().await;
    for product in catalogue(&app).await {
        let id = product["id"].as_i64().unwrap();
        if product["stock"].is_i64() {
            assert_eq!(app.stock_levels(id).await, [product["stock"].as_i64().unwrap(), 0, 0]);
        }
    }
    let found = app.product.get("/products?search=gayo&category=Dapur").await.expect(200);
    let [coffee] = &found.as_array().unwrap()[..] else { panic!("{found}") };
    let id = coffee["id"].as_i64().unwrap();
    app.order.post("/orders", &json!({"user_id": 1, "product_id": id, "quantity": 2})).await.expect(201);
    assert_eq!(app.stock_levels(id).await, [6, 2, 0]);
}

#[tokio::test]
async fn a_product_that_exists_stays_as_it_is() {
    let app = TestApp::spawn().await;
    let own = json!({"name": "Kopi Gayo 250 g", "price": 1, "stock": 5});
    let own = app.product.post("/products", &own).await.expect(201)["product"].clone();
    assert_eq!(app.seeds_shop().await.found, 1);
    let named = app.product.get("/products?name=Kopi%20Gayo%20250%20g").await.expect(200);
    assert_eq!(named, json!([own]));
    let before = app.product.get("/products").await.expect(200);
    assert_eq!(app.seeds_shop().await.added, 0);
    assert_eq!(app.product.get("/products").await.expect(200), before);
}

#[tokio::test]
async fn every_service_serves_the_pictures() {
    let app = TestApp::spawn().await;
    let products = catalogue(&app).await;
    let pictures = pictures(&products);
    assert_eq!(pictures.len(), products.len(), "each product has a picture of its own");
    for path in &pictures {
        let file = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path[1..])).unwrap();
        for (_, api) in app.services() {
            let picture = api.get(path).await;
            assert_eq!((picture.status, picture.header("content-type")), (200, "image/svg+xml"), "{path}");
            assert_eq!(picture.header("x-content-type-options"), "nosniff");
            assert!(picture.body == file, "{path}");
        }
    }
    let folder = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("static")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<_> =
        names.filter(|name| name.starts_with("picture-")).map(|name| format!("/static/{name}")).collect();
    assert_eq!(files.iter().map(String::as_str).collect::<BTreeSet<_>>(), pictures, "no picture is left over");
}

/// The start tags of a picture: their names and attributes. Panics if there is any other text in it.
fn elements(svg: &str) -> Vec<(&str, Vec<(&str, &str)>)> {
    let tags = svg.strip_prefix('<').unwrap().split('<').map(|rest| {
        let (tag, text) = rest.split_once('>').unwrap();
        assert_eq!(text.trim(), "");
        tag.trim_end_matches('/')
    });
    tags.filter(|tag| *tag != "/svg")
        .map(|tag| {
            let (name, attributes) = tag.split_once(' ').unwrap();
            let halves: Vec<_> = attributes.trim().split('"').collect();
            let [pairs @ .., ""] = &halves[..] else { panic!("not attributes alone: {tag}") };
            let attributes = pairs.chunks(2).map(|pair| (pair[0].trim().strip_suffix('=').unwrap(), pair[1]));
            (name, attributes.collect())
        })
        .collect()
}

#[tokio::test]
async fn a_picture_only_paints() {
    let app = TestApp::spawn().await;
    for path in pictures(&catalogue(&app).await) {
        let svg = app.order.get(path).await.text();
        assert!(svg.len() <= MAX_PICTURE_BYTES, "{path} has {} bytes", svg.len());
        let elements = elements(&svg);
        let (root, shapes) = elements.split_first().unwrap();
        let namespace = ("xmlns", "http://www.w3.org/2000/svg");
        assert_eq!(*root, ("svg", vec![namespace, ("viewBox", "0 0 200 160")]), "{path}");
        for (name, attributes) in shapes {
            assert!(["circle", "ellipse", "path", "rect"].contains(name), "{path}: {name}");
            for (attribute, value) in attributes {
                let allowed = match *attribute {
                    "fill" | "stroke" => *value == "none" || is_colour(value),
                    "d" => value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" .-".contains(&byte)),
                    "stroke-linecap" | "stroke-linejoin" => *value == "round",
                    "cx" | "cy" | "r" | "rx" | "ry" | "x" | "y" | "width" | "height" | "stroke-width"
                    | "fill-opacity" => value.parse::<f64>().is_ok(),
                    _ => false,
                };
                assert!(allowed, "{path}: {attribute}=\"{value}\"");
            }
        }
        // The ground, since a picture is shown on light and dark paper.
        let (ground, painted) = &shapes[0];
        assert!(*ground == "rect" && painted.ends_with(&[("width", "200"), ("height", "160")]), "{path}");
    }
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}
