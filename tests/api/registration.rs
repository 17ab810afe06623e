//! Registration, and the rules for passwords and e-mail addresses.

use futures_util::future::join_all;
use serde_json::json;

use crate::accounts::{NEW_PASSWORD, SITI, assert_no_content, change_password, count, invalid_fields, login, register};
use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn registering_creates_a_user_and_a_session() {
    let app = TestApp::spawn().await;
    for (id, phone) in [(2, None), (3, Some("+62 812-3456"))] {
        let email = format!("Siti{id}@Example.com");
        let mut new = json!({"name": " Siti ", "email": email, "password": PASSWORD});
        let mut user = json!({"id": id, "name": "Siti", "email": email});
        if let Some(phone) = phone {
            new["phone"] = json!(phone);
            user["phone"] = json!(phone);
        }
        let mut profile = user.clone();
        profile["role"] = json!("customer");
        let registered = app.user.post("/auth/register", &new).await;
        assert_eq!(registered.header("location"), format!("/users/{id}"));
        let logged_in = login(&app, &email, PASSWORD).await;
        for (answer, status) in [(registered, 201), (logged_in, 200)] {
            assert_eq!(answer.header("cache-control"), "no-store");
            let mut session = answer.expect(status);
            let token = session["access_token"].take();
            let expected = json!({"access_token": null, "token_type": "Bearer", "expires_in": 900, "user": profile});
            assert_eq!(session, expected);
            let me = app.user.with_token(token.as_str().unwrap()).get("/auth/me").await;
            assert_eq!(me.expect(200), profile);
        }
        assert_eq!(app.user.get(&format!("/users/{id}")).await.expect(200), user);
        assert_eq!(app.user.all("/users").await.last(), Some(&user));
    }
}

#[tokio::test]
async fn an_email_is_taken_by_a_user_with_or_without_an_account() {
    let app = TestApp::spawn().await;
    app.user.post("/users", &json!({"name": "Budi", "email": "budi@example.com"})).await.expect(201);
    app.registers(SITI).await;
    for email in ["budi@example.com", "BUDI@example.com", SITI, " Siti@Example.COM "] {
        let refused = register(&app, email, PASSWORD).await;
        assert_eq!(refused.problem(409, "email_taken")["message"], "Email sudah terdaftar.");
    }
    app.user.post("/users", &json!({"name": "Siti", "email": SITI})).await.problem(409, "email_taken");
    assert_eq!(app.user.all("/users").await.len(), 3);
}

#[tokio::test]
async fn a_registration_is_checked_field_by_field() {
    let app = TestApp::spawn().await;
    let good = json!({"name": "Siti", "email": SITI, "password": PASSWORD});
    let cats = |count: usize| "\u{1f408}".repeat(count);
    for (changes, named) in [
        (json!({"password": ""}), "password"),
        (json!({"password": "7 chars"}), "password"),
        // The length is in characters, not bytes.
        (json!({"password": cats(7)}), "password"),
        (json!({"password": cats(129)}), "password"),
        (json!({"password": "x".repeat(129)}), "password"),
        (json!({"password": "password"}), "password"),
        (json!({"password": "iLoveYou1"}), "password"),
        // The same in full-width letters.
        (json!({"password": "\u{ff50}assword"}), "password"),
        (json!({"password": null}), "!password"),
        (json!({"password": 12_345_678}), "!password"),
        (json!({"password": [PASSWORD]}), "!password"),
        (json!({"password": {"eq": PASSWORD}}), "!password"),
        (json!({"email": ""}), "email"),
        (json!({"email": "siti"}), "email"),
        (json!({"email": "@example.com"}), "email"),
        (json!({"email": "siti@"}), "email"),
        (json!({"email": "siti@example..com"}), "email"),
        (json!({"email": "si ti@example.com"}), "email"),
        (json!({"email": "siti@example.com\nbcc: budi@example.com"}), "email"),
        (json!({"email": format!("{}@example.com", "s".repeat(65))}), "email"),
        (json!({"email": format!("siti@{}.com", "e".repeat(250))}), "email"),
        (json!({"email": null}), "!email"),
        (json!({"email": 1}), "!email"),
        (json!({"name": ""}), "name"),
        (json!({"name": " "}), "name"),
        (json!({"name": "Si\u{202e}ti"}), "name"),
        (json!({"name": "x".repeat(256)}), "name"),
        (json!({"name": null}), "!name"),
        (json!({"name": true}), "!name"),
        (json!({"phone": "no number"}), "phone"),
        (json!({"phone": 628_123}), "!phone"),
        (json!({"role": "admin"}), "role"),
        (json!({"id": 1, "is_admin": true}), "id is_admin"),
        (json!({"token_version": 1, "password_hash": "x"}), "password_hash token_version"),
        (json!({"name": "", "email": "", "password": "", "phone": ""}), "email name password phone"),
    ] {
        println!("{changes}");
        let mut body = good.clone();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        assert_eq!(invalid_fields(&app.user.post("/auth/register", &body).await), named);
    }
    assert_eq!(invalid_fields(&app.user.post("/auth/register", &json!({})).await), "email name password");
    for field in ["name", "email", "password"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(field);
        assert_eq!(invalid_fields(&app.user.post("/auth/register", &body).await), field);
    }
    for (body, named) in [
        (json!({}), "email password"),
        (json!({"email": SITI}), "password"),
        (json!({"email": SITI, "password": null}), "!password"),
        (json!({"email": [SITI], "password": 1}), "!email password"),
        (json!({"email": SITI, "password": PASSWORD, "role": "admin"}), "role"),
    ] {
        assert_eq!(invalid_fields(&app.user.post("/auth/login", &body).await), named);
    }
    assert_eq!(app.user.all("/users").await.len(), 1, "a refusal adds nobody");
    assert_eq!(app.user.post("/auth/register", &good).await.expect(201)["user"]["id"], 2);
}

#[tokio::test]
async fn a_password_can_have_any_characters_and_each_one_counts() {
    let app = TestApp::spawn().await;
    let long = "0123456789abcdef".repeat(8);
    for (at, password) in [
        "8 chars!",
        &long,
        "kucing \u{1f408} dan \u{1f408}\u{200d}\u{2b1b}",
        "  spasi di mana-mana  ",
        "\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c} \u{5bc6}\u{7801}",
        "'; DROP TABLE accounts; --",
        "tab\tand\nline\0and null",
    ]
    .into_iter()
    .enumerate()
    {
        println!("{password:?}");
        let email = format!("siti{at}@example.com");
        register(&app, &email, password).await.expect(201);
        login(&app, &email, password).await.expect(200);
        let shorter: String = password.chars().take(password.chars().count() - 1).collect();
        let swapped: String = password.chars().rev().collect();
        for other in [format!("{password}x"), format!(" {password}"), shorter, swapped, password.to_uppercase()] {
            login(&app, &email, &other).await.problem(401, "wrong_credentials");
        }
    }
    // Beyond 72 bytes, where some hash functions stop.
    login(&app, "siti1@example.com", &long[..72]).await.problem(401, "wrong_credentials");
}

#[tokio::test]
async fn equivalent_unicode_forms_are_the_same_password() {
    let app = TestApp::spawn().await;
    let spellings = ["jos\u{e9} dan kucing", "jose\u{301} dan kucing", "\u{ff4a}os\u{e9} dan\u{3000}kucing"];
    for (at, chosen) in spellings.into_iter().enumerate() {
        let email = format!("jose{at}@example.com");
        let registered = register(&app, &email, chosen).await.expect(201);
        for spelling in spellings {
            login(&app, &email, spelling).await.expect(200);
        }
        login(&app, &email, "jose dan kucing").await.problem(401, "wrong_credentials");
        let user = app.user.with_token(registered["access_token"].as_str().unwrap());
        assert_no_content(&change_password(&user, spellings[(at + 1) % 3], NEW_PASSWORD).await);
    }
}

#[tokio::test]
async fn login_does_not_reveal_which_accounts_exist() {
    let app = TestApp::spawn().await;
    app.user.post("/users", &json!({"name": "Budi", "email": "budi@example.com"})).await.expect(201);
    app.registers(SITI).await;
    let own = ["x-request-id", "traceparent", "date"];
    let refusal = async |email: &str, password: &str| {
        let mut answer = login(&app, email, password).await;
        answer.problem(401, "wrong_credentials");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"pasar\"");
        for header in own {
            assert!(answer.headers.remove(header).is_some(), "no {header}");
        }
        (answer.headers.clone(), answer.text())
    };
    let wrong = refusal(SITI, "lima ekor kucing").await;
    for (email, password) in [
        (SITI, "x"),
        (SITI, ""),
        ("nobody@example.com", PASSWORD),
        ("nobody@example.com", ""),
        // For a user without an account no password is right.
        ("budi@example.com", PASSWORD),
        ("budi@example.com", ""),
    ] {
        println!("{email} {password:?}");
        assert_eq!(refusal(email, password).await, wrong);
    }
    login(&app, SITI, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn one_of_many_concurrent_registrations_of_an_email_succeeds_in_any_spelling() {
    let app = TestApp::spawn().await;
    let spellings = [
        "jos\u{e9}@b\u{fc}cher.example",
        "jose\u{301}@b\u{fc}cher.example",
        "JOS\u{c9}@B\u{dc}CHER.EXAMPLE",
        "\u{ff4a}os\u{e9}@bu\u{308}cher.example",
        "jos\u{e9}@xn--bcher-kva.example",
        "Jose\u{301}@XN--BCHER-KVA.example",
        "jos\u{e9}@b\u{fc}cher\u{3002}example",
    ];
    for (id, spellings) in [(2, &["budi@example.com"][..]), (3, &spellings)] {
        let answers = join_all((0..50).map(|at| register(&app, spellings[at % spellings.len()], PASSWORD))).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
        assert_eq!((won.len(), lost.len()), (1, 49));
        for answer in lost {
            answer.problem(409, "email_taken");
        }
        // The address is stored as its owner wrote it, and the refusals use up no ids.
        let user = &won[0].expect(201)["user"];
        assert_eq!(user["id"], id);
        assert!(spellings.contains(&user["email"].as_str().unwrap()), "{user}");
        let ids: Vec<_> = app.user.all("/users").await.iter().map(|user| user["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, (1..=id).collect::<Vec<_>>());
        for email in spellings {
            assert_eq!(login(&app, email, PASSWORD).await.expect(200)["user"], *user);
        }
    }
}

#[tokio::test]
async fn too_many_registrations_are_refused_and_leave_nothing_half_done() {
    let app = TestApp::spawn().await;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // Three times as many as can wait for hashing.
    let emails: Vec<_> = (0..3 * (64 + cores)).map(|at| format!("siti{at}@example.com")).collect();
    let answers = join_all(emails.iter().map(|email| register(&app, email, PASSWORD))).await;
    assert_eq!(count(&answers, 201) + count(&answers, 503), emails.len());
    assert!(count(&answers, 201) > 0 && count(&answers, 503) > 0, "{} registered", count(&answers, 201));
    for (email, answer) in emails.iter().zip(&answers) {
        if answer.status == 503 {
            answer.problem(503, "busy");
            assert_ne!(answer.header("retry-after"), "");
        } else {
            let user = &answer.expect(201)["user"];
            assert_eq!(login(&app, email, PASSWORD).await.expect(200)["user"], *user);
        }
    }
    assert_eq!(app.user.all("/users").await.len(), 1 + count(&answers, 201));
    // The refused ones can try again.
    let turned_away = emails.iter().zip(&answers).find(|(_, answer)| answer.status == 503);
    register(&app, turned_away.unwrap().0, PASSWORD).await.expect(201);
}
