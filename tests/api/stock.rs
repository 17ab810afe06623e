//! Changes of products and stock, and reservations.

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

const KEY: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

/// The reservation key with this number.
fn key(number: usize) -> String {
    format!("0f8fad5b-d9cb-469f-a165-{number:012x}")
}

async fn reserve(app: &TestApp, key: &str, lines: &[(i64, i64)]) -> Answer {
    let items = lines.iter().map(|(id, quantity)| json!({"product_id": id, "quantity": quantity}));
    app.product.put(&format!("/reservations/{key}"), &json!({"items": items.collect::<Vec<_>>()})).await
}

async fn commit(app: &TestApp, key: &str) -> Answer {
    app.product.send(Method::POST, &format!("/reservations/{key}/commit"), &[], Vec::new()).await
}

async fn release(app: &TestApp, key: &str) -> Answer {
    app.product.delete(&format!("/reservations/{key}")).await
}

fn assert_no_content(answer: &Answer) {
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
}

#[tokio::test]
async fn a_product_shows_all_its_fields_and_put_replaces_them() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let whole = |name: &str| {
        json!({"name": name, "price": 1000, "stock": 5, "category": "Minuman", "description": "Satu\n\tdua",
               "image": "https://gambar.id/kopi.png?b=1&c=[2]"})
    };
    let mut expected = whole("Kopi");
    expected["id"] = json!(1);
    let added = app.product.post("/products", &whole("Kopi")).await.expect(201);
    assert_eq!(added, json!({"message": "Produk berhasil ditambahkan", "product": expected}));
    for (new, shown) in [
        (json!({"name": " Teh ", "price": 0}), json!({"id": 1, "name": "Teh", "price": 0})),
        (whole("Kopi"), expected),
        (
            json!({"name": "Susu", "price": 3, "stock": 0, "category": null, "image": "/susu.jpg"}),
            json!({"id": 1, "name": "Susu", "price": 3, "stock": 0, "image": "/susu.jpg"}),
        ),
    ] {
        assert_eq!(app.product.put("/products/1", &new).await.expect(200), shown);
        assert_eq!(app.product.get("/products/1").await.expect(200), shown);
        assert_eq!(app.product.all("/products").await, [shown]);
    }
    assert_eq!(app.stock_levels(1).await, [0, 0, 0]);
}

#[tokio::test]
async fn patch_keeps_absent_fields_and_removes_null_fields() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let whole = json!({"name": "Kopi", "price": 1000, "stock": 5, "category": "Minuman", "description": "Biji",
                       "image": "/kopi.png"});
    let mut product = app.product.post("/products", &whole).await.expect(201)["product"].clone();
    for edit in [
        json!({}),
        json!({"price": 2000}),
        json!({"category": null}),
        json!({"category": null, "description": null, "image": null}),
        json!({"name": "Kopi Gayo", "category": "Biji", "image": "http://gambar.id/a.png"}),
        json!({"description": "Tiga\nbaris\nlagi", "stock": 7}),
        json!({"stock": null}),
        json!({"stock": null, "price": 0}),
        json!({"stock": 0}),
        json!({"name": "Teh", "price": 1, "stock": 9, "category": "Daun", "description": "Hijau", "image": "/t.png"}),
    ] {
        for (name, value) in edit.as_object().unwrap() {
            let members = product.as_object_mut().unwrap();
            if value.is_null() {
                members.remove(name)
            } else {
                members.insert(name.clone(), value.clone())
            };
        }
        assert_eq!(app.product.patch("/products/1", &edit).await.expect(200), product, "{edit}");
        assert_eq!(app.product.get("/products/1").await.expect(200), product, "{edit}");
    }
    assert_eq!(app.stock_levels(1).await, [9, 0, 0]);
}

#[tokio::test]
async fn a_removed_product_is_gone_and_its_id_is_never_reused() {
    let app = TestApp::spawn().await;
    for id in [3, 1, 2] {
        assert_no_content(&app.product.delete(&format!("/products/{id}")).await);
        let path = format!("/products/{id}");
        let whole = json!({"name": "Kopi", "price": 1});
        for answer in [
            app.product.get(&path).await,
            app.product.put(&path, &whole).await,
            app.product.patch(&path, &json!({})).await,
            app.product.delete(&path).await,
            app.product.get(&format!("{path}/stock")).await,
            app.product.put(&format!("{path}/stock"), &json!({"stock": 1})).await,
            app.product.put(&format!("{path}/stock"), &json!({"change": 1})).await,
            app.product.get(&format!("{path}/check-stock")).await,
            reserve(&app, KEY, &[(id, 1)]).await,
            app.order.post("/orders", &json!({"user_id": 1, "product_id": id})).await,
        ] {
            answer.problem(404, "product_not_found");
        }
    }
    assert!(app.product.all("/products").await.is_empty());
    assert_eq!(app.sells("Kopi", 1, None).await, 4);
}

#[tokio::test]
async fn a_product_with_reserved_stock_can_not_be_removed_or_untracked() {
    let app = TestApp::spawn().await;
    let id = app.sells("Kopi", 1000, Some(5)).await;
    let path = format!("/products/{id}");
    let refused = async |held: i64| {
        let before = app.product.get(&path).await.expect(200);
        for answer in [
            app.product.delete(&path).await,
            app.product.patch(&path, &json!({"name": "Lain", "stock": null})).await,
            app.product.put(&path, &json!({"name": "Lain", "price": 1})).await,
        ] {
            answer.problem(409, "stock_held");
        }
        assert_eq!(app.product.get(&path).await.expect(200), before, "nothing was changed");
        assert_eq!(app.stock_levels(id).await[1], held);
    };
    reserve(&app, KEY, &[(id, 2)]).await.expect(200);
    refused(2).await;
    let order = app.order.post("/orders", &json!({"user_id": 1, "product_id": id})).await.expect(201)["id"].clone();
    refused(3).await;
    assert_no_content(&release(&app, KEY).await);
    refused(1).await;
    app.order.put(&format!("/orders/{order}/payment"), &json!({"payment_status": "paid"})).await.expect(200);
    refused(1).await;
    app.order.put(&format!("/orders/{order}/confirm"), &json!({})).await.expect(200);
    assert_eq!(app.stock_levels(id).await, [4, 0, 1]);
    assert_eq!(app.product.patch(&path, &json!({"stock": null})).await.expect(200).get("stock"), None);
    let level = app.product.get(&format!("{path}/stock")).await.expect(200);
    assert_eq!(level, json!({"product_id": id, "reserved": 0, "sold": 1}), "sold units are still counted");
    app.product.put(&format!("{path}/stock"), &json!({"stock": 3})).await.expect(200);
    assert_eq!(app.stock_levels(id).await, [3, 0, 1]);
    assert_no_content(&app.product.delete(&path).await);
}

#[tokio::test]
async fn stock_can_be_set_or_changed_and_a_refusal_changes_nothing() {
    const MOST: i64 = 1_000_000_000;
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let id = app.sells("Kopi", 1000, None).await;
    let level = async || app.product.get(&format!("/products/{id}/stock")).await.expect(200);
    let set = async |body: &Value| app.product.put(&format!("/products/{id}/stock"), body).await;
    let refused = async |body: Value, status, code, field: &str| {
        let before = level().await;
        let problem = set(&body).await.problem(status, code);
        assert_eq!(problem["errors"].as_object().map_or("", |errors| errors.keys().next().unwrap()), field, "{body}");
        assert_eq!(level().await, before, "{body}");
        problem
    };
    let becomes = async |body: Value, levels: [i64; 3]| {
        let answered = set(&body).await.expect(200);
        let [stock, reserved, sold] = levels;
        let received = stock + reserved + sold;
        let expected =
            json!({"product_id": id, "stock": stock, "reserved": reserved, "sold": sold, "received": received});
        assert_eq!((&answered, level().await), (&expected, expected.clone()), "{body}");
    };
    assert_eq!(level().await, json!({"product_id": id, "reserved": 0, "sold": 0}));
    let problem = refused(json!({"change": -1}), 409, "insufficient_stock", "").await;
    assert_eq!(problem["message"], "Stok tidak mencukupi.");
    becomes(json!({"change": 0}), [0, 0, 0]).await;
    becomes(json!({"change": 5}), [5, 0, 0]).await;
    refused(json!({"change": -6}), 409, "insufficient_stock", "").await;
    becomes(json!({"change": -5}), [0, 0, 0]).await;
    becomes(json!({"stock": 10}), [10, 0, 0]).await;

    reserve(&app, KEY, &[(id, 4)]).await.expect(200);
    assert_eq!(app.stock_levels(id).await, [6, 4, 0]);
    becomes(json!({"stock": 1}), [1, 4, 0]).await;
    refused(json!({"change": -2}), 409, "insufficient_stock", "").await;
    becomes(json!({"change": -1}), [0, 4, 0]).await;
    commit(&app, KEY).await.expect(200);
    becomes(json!({"change": 2}), [2, 0, 4]).await;

    becomes(json!({"change": MOST - 2}), [MOST, 0, 4]).await;
    refused(json!({"change": 1}), 409, "stock_too_large", "").await;
    becomes(json!({"stock": MOST}), [MOST, 0, 4]).await;
    for (body, field) in [
        (json!({"change": MOST + 1}), "change"),
        (json!({"change": -MOST - 1}), "change"),
        (json!({"change": i64::MIN}), "change"),
        (json!({"stock": MOST + 1}), "stock"),
        (json!({"stock": -1}), "stock"),
        (json!({"stock": 1, "change": 1}), "stock"),
        (json!({}), "stock"),
    ] {
        refused(body, 422, "invalid_fields", field).await;
    }
}

#[tokio::test]
async fn an_availability_check_says_whether_the_quantity_can_be_bought() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    for (stock, quantity, available) in [
        (None, "1", true),
        (None, "1000000", true),
        (Some(0), "", false),
        (Some(1), "", true),
        (Some(1), "1", true),
        (Some(1), "2", false),
        (Some(1_000_000), "1000000", true),
    ] {
        let id = app.sells("Kopi", 1000, stock).await;
        let query = if quantity.is_empty() { String::new() } else { format!("?quantity={quantity}") };
        let mut expected = json!({"product_id": id, "quantity": 1, "available": available});
        if let Ok(quantity) = quantity.parse::<i64>() {
            expected["quantity"] = json!(quantity);
        }
        if let Some(stock) = stock {
            expected["stock"] = json!(stock);
        }
        let answer = app.product.get(&format!("/products/{id}/check-stock{query}")).await;
        assert_eq!(answer.expect(200), expected, "{stock:?} {quantity}");
    }
}

#[tokio::test]
async fn a_reservation_reserves_all_its_lines_or_none() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let (a, b) = (app.sells("A", 100, Some(5)).await, app.sells("B", 200, Some(2)).await);
    let free = app.sells("C", 300, None).await;
    let problem = reserve(&app, KEY, &[(a, 3), (b, 3)]).await.problem(409, "insufficient_stock");
    assert_eq!(problem["message"], "Stok tidak mencukupi.");
    assert_eq!(problem["detail"], format!("of product {b} (B) 2 are left, 3 are asked for"));
    reserve(&app, KEY, &[(a, 1), (99, 1), (b, 1)]).await.problem(404, "product_not_found");
    commit(&app, KEY).await.problem(404, "reservation_not_found");
    assert_eq!((app.stock_levels(a).await, app.stock_levels(b).await), ([5, 0, 0], [2, 0, 0]));

    // Neither attempt has used up the key. Lines of the same product are added up, ordered by product id.
    let held = reserve(&app, KEY, &[(free, 9), (b, 1), (a, 2), (b, 1)]).await.expect(200);
    let expected = json!({"key": KEY, "state": "held", "items": [
        {"product_id": a, "name": "A", "price": 100, "quantity": 2, "stock": 3},
        {"product_id": b, "name": "B", "price": 200, "quantity": 2, "stock": 0},
        {"product_id": free, "name": "C", "price": 300, "quantity": 9},
    ]});
    assert_eq!(held, expected);
    assert_eq!((app.stock_levels(a).await, app.stock_levels(b).await), ([3, 2, 0], [0, 2, 0]));
    assert_eq!(app.product.get(&format!("/products/{a}")).await.expect(200)["stock"], 3);
    reserve(&app, &key(1), &[(b, 1)]).await.problem(409, "insufficient_stock");
    assert_no_content(&release(&app, KEY).await);
    assert_eq!((app.stock_levels(a).await, app.stock_levels(b).await), ([5, 0, 0], [2, 0, 0]));
}

#[tokio::test]
async fn a_repeated_reservation_is_made_once_and_committed_once() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let (a, b) = (app.sells("A", 100, Some(5)).await, app.sells("B", 200, Some(5)).await);
    let held = reserve(&app, KEY, &[(a, 2), (b, 1)]).await.expect(200);
    app.product.patch(&format!("/products/{a}"), &json!({"name": "Lain", "price": 7})).await.expect(200);
    for lines in [&[(a, 2), (b, 1)][..], &[(b, 1), (a, 2)], &[(a, 1), (b, 1), (a, 1)]] {
        assert_eq!(
            reserve(&app, KEY, lines).await.expect(200),
            held,
            "names and prices are those of the first request"
        );
    }
    let others = [&[(a, 2)][..], &[(a, 2), (b, 2)], &[(a, 3), (b, 1)], &[(a, 2), (b, 1), (99, 1)]];
    for lines in others {
        reserve(&app, KEY, lines).await.problem(409, "reservation_differs");
    }
    assert_eq!((app.stock_levels(a).await, app.stock_levels(b).await), ([3, 2, 0], [4, 1, 0]));

    let sold = json!({"key": KEY, "state": "committed", "items": held["items"]});
    for _ in 0..3 {
        assert_eq!(commit(&app, KEY).await.expect(200), sold);
        assert_eq!(reserve(&app, KEY, &[(a, 2), (b, 1)]).await.expect(200), sold);
        release(&app, KEY).await.problem(409, "reservation_committed");
        reserve(&app, KEY, others[0]).await.problem(409, "reservation_differs");
        assert_eq!((app.stock_levels(a).await, app.stock_levels(b).await), ([3, 0, 2], [4, 0, 1]), "the sale stays");
    }
}

#[tokio::test]
async fn a_released_key_never_reserves_again() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let id = app.sells("Kopi", 100, Some(5)).await;
    reserve(&app, KEY, &[(id, 2)]).await.expect(200);
    commit(&app, &key(2)).await.problem(404, "reservation_not_found");
    for key in [KEY, &key(1)] {
        for _ in 0..3 {
            assert_no_content(&release(&app, key).await);
            assert_eq!(app.stock_levels(id).await, [5, 0, 0]);
            reserve(&app, key, &[(id, 2)]).await.problem(409, "reservation_released");
            commit(&app, key).await.problem(409, "reservation_released");
            assert_eq!(app.stock_levels(id).await, [5, 0, 0]);
        }
    }
}

#[tokio::test]
async fn only_lower_case_uuids_are_reservation_keys() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let id = app.sells("Kopi", 100, Some(5)).await;
    reserve(&app, KEY, &[(id, 1)]).await.expect(200);
    let (upper, simple) = (KEY.to_uppercase(), KEY.replace('-', ""));
    let (braced, urn, long) = (format!("%7B{KEY}%7D"), format!("urn:uuid:{KEY}"), format!("{KEY}0"));
    let misplaced = KEY.replace("d9cb-469f", "d9c-b469f");
    for bad in [&simple, &braced, &urn, &long, &misplaced, &KEY[1..], "x", "1", "%00", "%20", &upper] {
        reserve(&app, bad, &[(id, 1)]).await.problem(404, "reservation_not_found");
        release(&app, bad).await.problem(404, "reservation_not_found");
        commit(&app, bad).await.problem(404, "reservation_not_found");
        assert_eq!(app.stock_levels(id).await, [4, 1, 0], "{bad}");
    }
}

#[tokio::test]
async fn products_untracked_when_reserved_are_neither_sold_nor_restocked() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let id = app.sells("Kopi", 100, None).await;
    for number in 0..2 {
        let held = reserve(&app, &key(number), &[(id, 1_000_000)]).await.expect(200);
        assert_eq!(held["items"], json!([{"product_id": id, "name": "Kopi", "price": 100, "quantity": 1_000_000}]));
    }
    let untracked = json!({"product_id": id, "reserved": 0, "sold": 0});
    assert_eq!(app.product.get(&format!("/products/{id}/stock")).await.expect(200), untracked);
    app.product.put(&format!("/products/{id}/stock"), &json!({"stock": 3})).await.expect(200);
    commit(&app, &key(0)).await.expect(200);
    assert_no_content(&release(&app, &key(1)).await);
    assert_eq!(app.stock_levels(id).await, [3, 0, 0]);
}

#[tokio::test]
async fn crossing_reservations_neither_deadlock_nor_oversell() {
    const BUYERS: usize = 64;
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let (a, b) = (app.sells("A", 1, Some(30)).await, app.sells("B", 1, Some(40)).await);
    let keys: Vec<_> = (0..BUYERS).map(key).collect();
    let baskets = [[(a, 1), (b, 1)], [(b, 1), (a, 1)]];
    let asked = keys.iter().zip(baskets.iter().cycle());
    let watching = async {
        for _ in 0..10 {
            join(app.stock_levels(a), app.stock_levels(b)).await;
        }
    };
    let (answers, ()) = join(join_all(asked.map(|(key, basket)| reserve(&app, key, basket))), watching).await;
    let held: Vec<_> = keys.iter().zip(&answers).filter(|(_, answer)| answer.status == 200).collect();
    answers.iter().filter(|answer| answer.status != 200).for_each(|answer| {
        answer.problem(409, "insufficient_stock");
    });
    assert_eq!(held.len(), 30);
    assert_eq!((app.stock_levels(a).await, app.stock_levels(b).await), ([0, 30, 0], [10, 30, 0]));

    // Of a concurrent commit and release one wins, and the other is refused.
    let races = join_all(held.iter().map(|(key, _)| join(commit(&app, key), release(&app, key)))).await;
    let sold = races.iter().filter(|(commit, release)| {
        match (commit.status, release.status) {
            (200, 409) => drop(release.problem(409, "reservation_committed")),
            (409, 204) => drop(commit.problem(409, "reservation_released")),
            both => panic!("{both:?}"),
        }
        commit.status == 200
    });
    let sold = sold.count() as i64;
    assert_eq!((app.stock_levels(a).await, app.stock_levels(b).await), ([30 - sold, 0, sold], [40 - sold, 0, sold]));
}

#[tokio::test]
async fn concurrent_retries_of_a_reservation_make_one() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let id = app.sells("Kopi", 1, Some(100)).await;
    for (number, key) in (1..=5).map(|number| (number, key(number as usize))) {
        let lines = [(id, 3)];
        let answers = join_all((0..16).map(|_| reserve(&app, &key, &lines))).await;
        assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body), "{answers:?}");
        assert_eq!(app.stock_levels(id).await, [100 - 3 * number, 3 * number, 0]);
    }
}

#[tokio::test]
async fn concurrent_stock_changes_are_all_applied() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    let id = app.sells("Kopi", 1, Some(0)).await;
    let changes = (0..80).map(|number| if number % 2 == 0 { 2 } else { -3 });
    let bodies: Vec<_> = changes.map(|change| json!({"change": change})).collect();
    let path = format!("/products/{id}/stock");
    let answers = join_all(bodies.iter().map(|body| app.product.put(&path, body))).await;
    let mut stock = 0;
    for (body, answer) in bodies.iter().zip(&answers) {
        if answer.status == 200 {
            stock += body["change"].as_i64().unwrap();
        } else {
            answer.problem(409, "insufficient_stock");
            assert_eq!(body["change"], -3);
        }
    }
    assert_eq!(app.stock_levels(id).await, [stock, 0, 0]);
}
