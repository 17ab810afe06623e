//! The user service: adding and showing users.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_fresh_database_has_the_demo_user() {
    let app = TestApp::spawn().await;
    let bambang = json!({"id": 1, "name": "Bambang"});
    assert_eq!(app.user.get("/users/1").await.expect(200), bambang);
    assert_eq!(app.user.all("/users").await, [bambang]);
}

#[tokio::test]
async fn without_demo_data_there_are_no_users() {
    let app = TestApp::with_flags(&["--demo", "off"]).await;
    assert!(app.user.all("/users").await.is_empty());
    app.user.get("/users/1").await.problem(404, "user_not_found");
}

#[tokio::test]
async fn a_user_is_stored_and_shown_with_exactly_its_fields() {
    let app = TestApp::spawn().await;
    for (id, mut user) in (2..).zip([
        json!({"name": "Siti"}),
        json!({"name": "Budi", "email": "Budi@Mail.co.id"}),
        json!({"name": "Dewi Ayu", "email": "dewi@mail.co.id", "phone": "+62 812-3456-7890"}),
        json!({"name": "Ünïçödé 😀 محمد"}),
        json!({"name": "x'; DROP TABLE users; --"}),
    ]) {
        let added = app.user.post("/users", &user).await;
        user["id"] = json!(id);
        assert_eq!(added.expect(201), user);
        let location = format!("/users/{id}");
        assert_eq!(added.header("location"), location);
        assert_eq!(app.user.get(&location).await.expect(200), user);
        assert_eq!(app.user.all("/users").await.last(), Some(&user));
    }
}

#[tokio::test]
async fn white_space_around_a_name_is_trimmed_and_null_means_absent() {
    let app = TestApp::spawn().await;
    let user = json!({"name": " Siti\t", "email": null, "phone": null});
    assert_eq!(app.user.post("/users", &user).await.expect(201), json!({"id": 2, "name": "Siti"}));
}

#[tokio::test]
async fn an_email_belongs_to_one_user_regardless_of_case() {
    let app = TestApp::spawn().await;
    let with = |email: &str| json!({"name": "Budi", "email": email});
    app.user.post("/users", &with("budi@mail.id")).await.expect(201);
    for again in ["budi@mail.id", "Budi@Mail.ID", " BUDI@MAIL.ID "] {
        let refused = app.user.post("/users", &with(again)).await;
        assert_eq!(refused.problem(409, "email_taken")["message"], "Email sudah terdaftar.");
    }
    assert_eq!(app.user.all("/users").await.len(), 2);
    // A refusal uses up no id.
    assert_eq!(app.user.post("/users", &with("siti@mail.id")).await.expect(201)["id"], 3);
}

#[tokio::test]
async fn one_of_many_concurrent_users_with_the_same_email_is_stored() {
    let app = TestApp::spawn().await;
    let user = json!({"name": "Budi", "email": "budi@mail.id"});
    let answers = join_all((0..32).map(|_| app.user.post("/users", &user))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (201, &[409; 31][..]));
    assert_eq!(app.user.all("/users").await.len(), 2);
}

#[tokio::test]
async fn many_users_can_have_no_email() {
    let app = TestApp::spawn().await;
    let user = json!({"name": "Anonim"});
    let answers = join_all((0..20).map(|_| app.user.post("/users", &user))).await;
    let mut ids: Vec<u64> = answers.iter().map(|answer| answer.expect(201)["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (2..=21).collect::<Vec<_>>());
}

#[tokio::test]
async fn only_positive_64_bit_numbers_are_ids_of_users() {
    let app = TestApp::spawn().await;
    for id in ["0", "2", "-1", "abc", "9223372036854775807", "9223372036854775808", "+1", "01", "1e0", "1%20", "null"] {
        let answer = app.user.get(&format!("/users/{id}")).await;
        assert_eq!(answer.problem(404, "user_not_found")["message"], "Pengguna tidak ditemukan.", "{id}");
    }
}
