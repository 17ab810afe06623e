//! Rate limits on password attempts, and the operations that require the current password.

use std::net::Ipv4Addr;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::accounts::{NEW_PASSWORD, SITI, assert_no_content, change_password, count, invalid_fields, login};
use crate::support::{Answer, Api, PASSWORD, TestApp, Visitor};

const WRONG: &str = "lima ekor kucing";

/// Asserts that ten of these attempts were made, or a few more, and that the others got a `Retry-After`.
fn assert_ten_made(answers: &[Answer]) {
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    let made = answers.len() - refused.len();
    assert!((10..20).contains(&made), "{made} were made");
    for answer in refused {
        let problem = answer.problem(429, "too_many_attempts");
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=7).contains(&wait), "{wait}");
        assert!(problem["detail"].as_str().unwrap().contains(&format!("in {wait} s")), "{problem}");
    }
}

#[tokio::test]
async fn password_attempts_are_limited_to_a_burst_of_ten() {
    let app = TestApp::spawn().await;
    let siti = app.registers(SITI).await;
    let [budi, dewi] = [app.registers("budi@example.com").await, app.registers("dewi@example.com").await];
    let spellings = [SITI, "Siti@Example.com", "\u{ff33}ITI@EXAMPLE.COM"];
    let attempts = (0..40).map(async |at| {
        let body = json!({"email": spellings[at % 3], "password": WRONG});
        // A client can't choose its address with a header.
        let elsewhere = format!("192.0.2.{at}");
        app.user.post_as("/auth/login", &[("x-forwarded-for", &elsewhere), ("forwarded", &elsewhere)], &body).await
    });
    assert_ten_made(&join_all(attempts).await);
    // The limit covers the right password and unknown accounts as well.
    let attempts = join_all((0..20).map(|_| login(&app, SITI, PASSWORD))).await;
    assert!(count(&attempts, 429) > 10, "{} of 20 were refused", count(&attempts, 429));
    assert_ten_made(&join_all((0..40).map(|_| login(&app, "nobody@example.com", PASSWORD))).await);

    // The limit also covers callers who have a token.
    let attempts = (0..40).map(|_| change_password(&app.user, WRONG, NEW_PASSWORD));
    assert_eq!(count(&join_all(attempts).await, 401), 40);
    let user = app.user.with_token(&dewi.token);
    assert_ten_made(&join_all((0..40).map(|_| change_password(&user, WRONG, NEW_PASSWORD))).await);

    // Other accounts are not limited, and the token is still valid.
    app.logs_in("budi@example.com").await;
    assert_no_content(&change_password(&app.user.with_token(&budi.token), PASSWORD, NEW_PASSWORD).await);
    app.user.with_token(&siti.token).get("/auth/me").await.expect(200);
}

/// Tries a password with one of the calls that check it.
async fn attempt(app: &TestApp, siti: &Visitor, way: usize) -> Answer {
    let user = app.user.with_token(&siti.token);
    let own = format!("/users/{}", siti.id);
    let patch = json!({"email": "elsewhere@example.com", "current_password": WRONG});
    match way % 5 {
        0 => login(app, SITI, WRONG).await,
        1 => change_password(&user, WRONG, NEW_PASSWORD).await,
        2 => user.patch("/auth/me", &patch).await,
        3 => user.patch(&own, &patch).await,
        _ => user.delete_with(&own, &json!({"current_password": WRONG})).await,
    }
}

#[tokio::test]
async fn all_ways_to_try_a_password_count_against_the_same_account() {
    let app = TestApp::with_flags(&["--auth", "required"]).await;
    let siti = app.registers(SITI).await;
    let admin = app.admin().await;
    assert_ten_made(&join_all((0..40).map(|way| attempt(&app, &siti, way))).await);
    let moved = json!({"email": "aminah@example.com"});
    app.user.with_token(&admin.token).patch(&format!("/users/{}", siti.id), &moved).await.expect(200);
    let attempts = join_all((0..20).map(|_| login(&app, "aminah@example.com", PASSWORD))).await;
    assert!(count(&attempts, 429) > 10, "{} of 20 were refused", count(&attempts, 429));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn all_loopback_addresses_are_one_network() {
    let app = TestApp::spawn().await;
    app.registers(SITI).await;
    let body = json!({"email": SITI, "password": WRONG}).to_string();
    let attempts = (0..40).map(async |at: u8| {
        let head =
            "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json";
        let text = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        app.user.raw_from(Ipv4Addr::new(127, 0, 1, at + 1), text).await
    });
    assert_ten_made(&join_all(attempts).await);
}

/// Asserts that a missing and a wrong password are refused and nothing changes.
async fn assert_protected(user: &Api, id: i64, me: bool) {
    let own = format!("/users/{id}");
    let [address, wrong] = [
        json!({"name": "Dewi", "email": "dewi@example.com"}),
        json!({"name": "Dewi", "email": "dewi@example.com", "current_password": WRONG}),
    ];
    for path in [Some(&*own), me.then_some("/auth/me")].into_iter().flatten() {
        for body in [&address, &wrong] {
            assert_eq!(invalid_fields(&user.patch(path, body).await), "current_password");
        }
        let no_text = json!({"email": "dewi@example.com", "current_password": 1});
        assert_eq!(invalid_fields(&user.patch(path, &no_text).await), "!current_password");
    }
    assert_eq!(invalid_fields(&user.delete(&own).await), "current_password");
    assert_eq!(invalid_fields(&user.delete_with(&own, &json!({})).await), "current_password");
    assert_eq!(invalid_fields(&user.delete_with(&own, &json!({"current_password": WRONG})).await), "current_password");
    assert_eq!(invalid_fields(&user.delete_with(&own, &json!({"current_password": null, "id": 1})).await), "id");
    let text = user.send(reqwest::Method::DELETE, &own, &[("content-type", "text/plain")], PASSWORD.into()).await;
    text.problem(415, "unsupported_media_type");
}

fn renamed(visitor: &Visitor, name: &str, email: &str) -> Value {
    json!({"id": visitor.id, "name": name, "email": email})
}

#[tokio::test]
async fn changing_the_email_or_removing_the_account_requires_the_password() {
    for auth in ["open", "required"] {
        println!("{auth}");
        let app = TestApp::with_flags(&["--auth", auth]).await;
        let (siti, budi, admin) =
            (app.registers(SITI).await, app.registers("budi@example.com").await, app.admin().await);
        let own = format!("/users/{}", siti.id);
        let (user, by_admin) = (app.user.with_token(&siti.token), app.user.with_token(&admin.token));
        assert_protected(&user, siti.id, true).await;
        // Admins need the password for their own account too.
        assert_protected(&by_admin, admin.id, true).await;
        let others = app.user.with_token(&budi.token);
        if auth == "open" {
            assert_protected(&others, siti.id, false).await;
        } else {
            // For accounts of others not even their existence is revealed.
            others.patch(&own, &json!({"email": "dewi@example.com"})).await.problem(404, "user_not_found");
            others.delete(&own).await.problem(404, "user_not_found");
        }
        assert_eq!(by_admin.get(&own).await.expect(200), renamed(&siti, "Siti", SITI));

        // Fields that are not used for login need no password.
        let named = user.patch(&own, &json!({"name": "Aminah", "phone": null})).await.expect(200);
        assert_eq!(named, renamed(&siti, "Aminah", SITI));
        let moved = json!({"email": "aminah@example.com", "current_password": PASSWORD});
        assert_eq!(user.patch(&own, &moved).await.expect(200), renamed(&siti, "Aminah", "aminah@example.com"));
        assert_no_content(&user.remove(&own).await);
        user.get("/auth/me").await.problem(401, "token_revoked");

        // An admin needs no password for accounts of others.
        let of_budi = format!("/users/{}", budi.id);
        by_admin.patch(&of_budi, &json!({"email": "b@example.com"})).await.expect(200);
        assert_no_content(&by_admin.delete(&of_budi).await);
    }
}

#[tokio::test]
async fn with_open_auth_the_password_replaces_the_token() {
    let app = TestApp::spawn().await;
    let siti = app.registers(SITI).await;
    assert_protected(&app.user, siti.id, false).await;
    let own = format!("/users/{}", siti.id);
    let moved = json!({"email": "aminah@example.com", "current_password": PASSWORD});
    assert_eq!(app.user.patch(&own, &moved).await.expect(200), renamed(&siti, "Siti", "aminah@example.com"));
    assert_no_content(&app.user.remove(&own).await);
    // A user without an account has no password to check.
    app.user.patch("/users/1", &json!({"email": "b@example.com", "current_password": WRONG})).await.expect(200);
    assert_no_content(&app.user.delete_with("/users/1", &json!({"current_password": WRONG})).await);
}
