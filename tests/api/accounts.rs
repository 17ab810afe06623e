//! Accounts: login, profile, password, logout and removal.

use futures_util::future::join_all;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::events::wait_until_idle;
use crate::lifecycle::{show, take_step};
use crate::support::{Answer, Api, PASSWORD, TestApp, Visitor, eventually};

pub const SITI: &str = "siti@example.com";
pub const NEW_PASSWORD: &str = "empat ekor kucing";

pub async fn register(app: &TestApp, email: &str, password: &str) -> Answer {
    app.user.post("/auth/register", &json!({"name": "Siti", "email": email, "password": password})).await
}

pub async fn login(app: &TestApp, email: &str, password: &str) -> Answer {
    app.user.post("/auth/login", &json!({"email": email, "password": password})).await
}

pub async fn change_password(user: &Api, current: &str, new: &str) -> Answer {
    user.put("/auth/me/password", &json!({"current_password": current, "new_password": new})).await
}

/// 204, without a body.
pub fn assert_no_content(answer: &Answer) {
    assert_eq!((answer.status, &*answer.text()), (204, ""), "{:?}", answer.headers);
}

pub fn fields(problem: &Value) -> String {
    problem["errors"].as_object().into_iter().flatten().map(|(name, _)| &**name).collect::<Vec<_>>().join(" ")
}

/// The refused fields, sorted; a `!` marks a field of the wrong type.
pub fn invalid_fields(answer: &Answer) -> String {
    if answer.status == 400 {
        return format!("!{}", fields(&answer.problem(400, "wrong_type")));
    }
    fields(&answer.problem(422, "invalid_fields"))
}

/// How many of the answers have this status.
pub fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[tokio::test]
async fn a_user_can_change_single_fields_of_the_profile_and_the_login_email() {
    for auth in ["open", "required"] {
        let app = TestApp::with_flags(&["--auth", auth]).await;
        app.registers("budi@example.com").await;
        let siti = app.registers(SITI).await;
        let user = app.user.with_token(&siti.token);
        let mut profile = json!({"id": siti.id, "name": "Siti", "email": SITI, "role": "customer"});
        for (patch, named) in [
            (json!({"email": null}), "email"),
            (json!({"email": "siti"}), "email"),
            (json!({"email": null, "name": "Dewi"}), "email"),
            (json!({"name": null}), "!name"),
            (json!({"name": ""}), "name"),
            (json!({"phone": "no number"}), "phone"),
            (json!({"role": "admin"}), "role"),
            (json!({"id": 1}), "id"),
            (json!({"name": "Dewi", "password": NEW_PASSWORD}), "password"),
            (json!({"email": "dewi@example.com"}), "current_password"),
        ] {
            println!("{auth} {patch}");
            for path in ["/auth/me", &format!("/users/{}", siti.id)] {
                assert_eq!(invalid_fields(&user.patch(path, &patch).await), named);
            }
            assert_eq!(user.get("/auth/me").await.expect(200), profile);
        }
        for taken in ["budi@example.com", "BUDI@example.com"] {
            let patch = json!({"name": "Dewi", "email": taken, "current_password": PASSWORD});
            user.patch("/auth/me", &patch).await.problem(409, "email_taken");
        }
        for (patch, name, value) in [
            (json!({}), "name", Some("Siti")),
            (json!({"name": " Siti Aminah "}), "name", Some("Siti Aminah")),
            (json!({"phone": "0812-3456"}), "phone", Some("0812-3456")),
            (json!({"phone": null}), "phone", None),
            (json!({"phone": null}), "phone", None),
            // A user can change the case of their own address.
            (json!({"email": "Siti@Example.com", "current_password": PASSWORD}), "email", Some("Siti@Example.com")),
            (json!({"email": "aminah@example.com", "current_password": PASSWORD}), "email", Some("aminah@example.com")),
        ] {
            println!("{auth} {patch}");
            match value {
                Some(value) => profile[name] = json!(value),
                None => _ = profile.as_object_mut().unwrap().remove(name),
            }
            assert_eq!(user.patch("/auth/me", &patch).await.expect(200), profile);
            assert_eq!(user.get("/auth/me").await.expect(200), profile);
        }
        let mut shown = user.get(&format!("/users/{}", siti.id)).await.expect(200);
        shown["role"] = json!("customer");
        assert_eq!(shown, profile);
        login(&app, SITI, PASSWORD).await.problem(401, "wrong_credentials");
        login(&app, "AMINAH@example.com", PASSWORD).await.expect(200);
        // Others can register the old address, with their own password.
        let next = register(&app, SITI, NEW_PASSWORD).await.expect(201);
        assert_eq!(login(&app, SITI, NEW_PASSWORD).await.expect(200)["user"], next["user"]);
    }
}

#[tokio::test]
async fn with_open_auth_anybody_can_edit_a_user() {
    let app = TestApp::spawn().await;
    app.registers(SITI).await;
    let siti = json!({"id": 2, "name": "Siti", "email": SITI});
    for (patch, user) in [
        (json!({}), json!({"id": 1, "name": "Bambang"})),
        (json!({"email": "b@example.com"}), json!({"id": 1, "name": "Bambang", "email": "b@example.com"})),
        (json!({"name": "Bam", "email": null, "phone": "123"}), json!({"id": 1, "name": "Bam", "phone": "123"})),
        (json!({"phone": null}), json!({"id": 1, "name": "Bam"})),
    ] {
        assert_eq!(app.user.patch("/users/1", &patch).await.expect(200), user);
        assert_eq!(app.user.all("/users").await, [user, siti.clone()]);
    }
    app.user.patch("/users/1", &json!({"email": "SITI@example.com"})).await.problem(409, "email_taken");
    assert_eq!(invalid_fields(&app.user.patch("/users/2", &json!({"email": null})).await), "email");
    assert_eq!(app.user.all("/users").await, [json!({"id": 1, "name": "Bam"}), siti]);
    for id in ["3", "0", "-1", "abc", "01", "9223372036854775808"] {
        let path = format!("/users/{id}");
        app.user.patch(&path, &json!({"name": "Dewi"})).await.problem(404, "user_not_found");
        app.user.delete(&path).await.problem(404, "user_not_found");
    }
    assert_no_content(&app.user.delete("/users/1").await);
    app.user.delete("/users/1").await.problem(404, "user_not_found");
}

#[tokio::test]
async fn only_the_orders_of_a_removed_user_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::in_folder(&folder, &[]).await;
    let siti = app.registers(SITI).await;
    let database = Connection::open(folder.path().join("pasar.db")).unwrap();
    let kept = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table} WHERE user_id = {}", siti.id);
        database.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let user = app.user.with_token(&siti.token);
    let own = format!("/users/{}", siti.id);
    let new = json!({"user_id": siti.id, "product_id": 1});
    let order = app.order.post("/orders", &new).await.expect(201);
    let id = order["id"].as_i64().unwrap();
    wait_until_idle(&app).await;
    assert_eq!(app.user.all(&format!("{own}/notifications")).await.len(), 1);
    assert_eq!(["accounts", "notifications", "orders"].map(kept), [1; 3]);

    assert_no_content(&user.remove(&own).await);
    app.user.get(&own).await.problem(404, "user_not_found");
    app.user.get(&format!("{own}/notifications")).await.problem(404, "user_not_found");
    app.user.get(&format!("{own}/notifications/stream")).await.problem(404, "user_not_found");
    user.get("/auth/me").await.problem(401, "token_revoked");
    login(&app, SITI, PASSWORD).await.problem(401, "wrong_credentials");

    // The order keeps the user's name of then. It continues, but the user can send no new order.
    assert_eq!(show(&app, id).await, order);
    let detail = app.order.get(&format!("/orders/{id}/detail")).await.expect(200);
    assert_eq!(detail["user"], json!({"id": siti.id, "name": "Siti"}));
    assert_eq!(detail["product"]["id"], 1);
    app.order.post("/orders", &new).await.problem(404, "user_not_found");
    take_step(&app, id, "paid").await.expect(200);
    wait_until_idle(&app).await;
    assert_eq!(["accounts", "notifications", "orders"].map(kept), [0, 0, 1]);

    // A later account with the same address is a different user.
    let next = app.registers(SITI).await;
    assert_eq!(next.id, siti.id + 1);
    assert!(app.user.all(&format!("/users/{}/notifications", next.id)).await.is_empty());
    user.get("/auth/me").await.problem(401, "token_revoked");
}

#[tokio::test]
async fn a_user_id_is_never_reused() {
    let folder = tempfile::tempdir().unwrap();
    for (round, email) in [SITI, "siti2@example.com"].into_iter().enumerate() {
        let app = TestApp::in_folder(&folder, &[]).await;
        for step in 0..2 {
            let id = 2 + 2 * i64::try_from(round).unwrap() + step;
            assert_eq!(app.registers(email).await.id, id);
            assert_no_content(&app.user.remove(&format!("/users/{id}")).await);
        }
    }
}

#[tokio::test]
async fn changing_a_password_requires_the_current_password() {
    let app = TestApp::spawn().await;
    let siti = app.registers(SITI).await;
    let user = app.user.with_token(&siti.token);
    for (body, named) in [
        (json!({"current_password": "lima ekor kucing", "new_password": NEW_PASSWORD}), "current_password"),
        (json!({"current_password": "", "new_password": NEW_PASSWORD}), "current_password"),
        (json!({"current_password": PASSWORD, "new_password": "password"}), "new_password"),
        (json!({"current_password": PASSWORD, "new_password": "short"}), "new_password"),
        (json!({"current_password": PASSWORD, "new_password": "x".repeat(129)}), "new_password"),
        (json!({"current_password": PASSWORD, "new_password": null}), "!new_password"),
        (json!({"current_password": 1, "new_password": NEW_PASSWORD}), "!current_password"),
        (json!({"new_password": NEW_PASSWORD}), "current_password"),
        (json!({}), "current_password new_password"),
        (json!({"current_password": PASSWORD, "new_password": NEW_PASSWORD, "id": 1}), "id"),
    ] {
        println!("{body}");
        let refused = user.put("/auth/me/password", &body).await;
        assert_eq!(invalid_fields(&refused), named);
        user.get("/auth/me").await.expect(200);
    }
    login(&app, SITI, NEW_PASSWORD).await.problem(401, "wrong_credentials");
    let other = app.logs_in(SITI).await;
    assert_no_content(&change_password(&user, PASSWORD, NEW_PASSWORD).await);
    for token in [&siti.token, &other.token] {
        app.user.with_token(token).get("/auth/me").await.problem(401, "token_revoked");
        change_password(&app.user.with_token(token), NEW_PASSWORD, PASSWORD).await.problem(401, "token_revoked");
    }
    login(&app, SITI, PASSWORD).await.problem(401, "wrong_credentials");
    assert_eq!(login(&app, SITI, NEW_PASSWORD).await.expect(200)["user"]["id"], siti.id);
}

#[tokio::test]
async fn one_of_many_concurrent_password_changes_succeeds() {
    let app = TestApp::spawn().await;
    let user = app.user.with_token(&app.registers(SITI).await.token);
    // Together with the logins below these are at most ten attempts, the limit.
    let passwords: Vec<_> = (0..4).map(|at| format!("{at} ekor kucing")).collect();
    let answers = join_all(passwords.iter().map(|new| change_password(&user, PASSWORD, new))).await;
    let made = answers.iter().position(|answer| answer.status == 204).unwrap();
    // The others found their token revoked or, earlier, the old password wrong.
    assert_eq!((count(&answers, 204), count(&answers, 401) + count(&answers, 422)), (1, 3));
    login(&app, SITI, PASSWORD).await.problem(401, "wrong_credentials");
    for (at, password) in passwords.iter().enumerate() {
        assert_eq!(login(&app, SITI, password).await.status, if at == made { 200 } else { 401 }, "{password}");
    }
}

#[tokio::test]
async fn a_logout_ends_all_sessions_of_one_user() {
    let app = TestApp::spawn().await;
    let devices = [app.registers(SITI).await, app.logs_in(SITI).await, app.logs_in(SITI).await];
    let budi = app.registers("budi@example.com").await;
    assert_no_content(&app.user.with_token(&devices[1].token).post("/auth/logout", &json!({})).await);
    for Visitor { token, .. } in &devices {
        let user = app.user.with_token(token);
        user.get("/auth/me").await.problem(401, "token_revoked");
        user.post("/auth/logout", &json!({})).await.problem(401, "token_revoked");
        user.post("/auth/ticket", &json!({})).await.problem(401, "token_revoked");
        user.patch("/auth/me", &json!({"name": "Dewi"})).await.problem(401, "token_revoked");
        // A logout needs a token with open auth too.
        user.get("/users").await.problem(401, "token_revoked");
    }
    app.user.with_token(&budi.token).get("/auth/me").await.expect(200);
    let again = app.logs_in(SITI).await;
    assert_eq!(app.user.with_token(&again.token).get("/auth/me").await.expect(200)["name"], "Siti");
}

#[tokio::test]
async fn the_secret_and_revocations_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--auth", "required"];
    let app = TestApp::in_folder(&folder, &flags).await;
    let (siti, budi) = (app.registers(SITI).await, app.registers("budi@example.com").await);
    assert_no_content(&app.user.with_token(&budi.token).post("/auth/logout", &json!({})).await);
    let own = |visitor: &Visitor| format!("/orders/user/{}", visitor.id);
    eventually("the other services have received the revocation", async || {
        (app.order.with_token(&budi.token).get(&own(&budi)).await.status == 401).then_some(())
    })
    .await;
    drop(app);

    let file = folder.path().join("jwt-secret");
    let secret = std::fs::read(&file).unwrap();
    assert!(secret.len() >= 32, "{} bytes", secret.len());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let app = TestApp::in_folder(&folder, &flags).await;
    assert_eq!(std::fs::read(&file).unwrap(), secret);
    app.user.with_token(&siti.token).get("/auth/me").await.expect(200);
    app.order.with_token(&siti.token).get(&own(&siti)).await.expect(200);
    let siti_again = app.logs_in(SITI).await;
    app.user.with_token(&siti_again.token).get("/auth/me").await.expect(200);
    app.user.with_token(&budi.token).get("/auth/me").await.problem(401, "token_revoked");
    app.order.with_token(&budi.token).get(&own(&budi)).await.problem(401, "token_revoked");
    let stock = json!({"stock": 1});
    app.product.with_token(&budi.token).put("/products/1/stock", &stock).await.problem(401, "token_revoked");
    drop(app);

    // With another secret all tokens are invalid.
    let flags = [&flags[..], &["--jwt-secret", "another secret, as long as it has to be"]].concat();
    let app = TestApp::in_folder(&folder, &flags).await;
    app.user.with_token(&siti.token).get("/auth/me").await.problem(401, "token_invalid");
    app.logs_in(SITI).await;
    assert_eq!(std::fs::read(&file).unwrap(), secret, "a configured secret is not stored");
}
