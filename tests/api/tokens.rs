//! Tokens: which ones each service accepts, and until when.

use std::time::UNIX_EPOCH;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestApp, Visitor, eventually};
use crate::tickets::ticket;

pub const SECRET: &str = "a secret that only the tests know";
const OTHER: &str = "a secret that somebody else knows";
/// The challenge of a 401, without a token and with an invalid one.
const CHALLENGE_WITHOUT_TOKEN: &str = r#"Bearer realm="pasar""#;
const CHALLENGE_INVALID_TOKEN: &str = r#"Bearer realm="pasar", error="invalid_token""#;

pub async fn shop(auth: &str) -> TestApp {
    TestApp::with_flags(&["--auth", auth, "--jwt-secret", SECRET]).await
}

/// A call to each service that only an admin can make.
const ADMIN_CALLS: [(&str, Method, &str); 3] =
    [("user", Method::GET, "/users"), ("product", Method::PUT, "/products/1/stock"), ("order", Method::GET, "/orders")];

async fn call(app: &TestApp, (service, method, path): &(&str, Method, &str), headers: &[(&str, &str)]) -> Answer {
    let (_, api) = app.services().into_iter().find(|(name, _)| name == service).unwrap();
    let headers = [&[("content-type", "application/json")], headers].concat();
    api.send(method.clone(), path, &headers, b"{\"stock\": 7}".to_vec()).await
}

/// The same with an `Authorization` header of this value.
async fn call_with_authorization(app: &TestApp, admin_call: &(&str, Method, &str), value: &str) -> Answer {
    call(app, admin_call, &[("authorization", value)]).await
}

pub fn assert_refused(answer: &Answer, code: &str) {
    answer.problem(401, code);
    assert_eq!(
        answer.header("www-authenticate"),
        if code == "token_missing" { CHALLENGE_WITHOUT_TOKEN } else { CHALLENGE_INVALID_TOKEN }
    );
}

pub fn now() -> u64 {
    UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// The claims of a token.
pub fn claims(token: &str) -> Value {
    serde_json::from_slice(&BASE64.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// The claims with some of them changed, or with null removed.
pub fn with_changes(claims: &Value, changes: &Value) -> Value {
    let mut claims = claims.clone();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

pub fn signed(claims: &Value) -> String {
    signed_by(SECRET, Algorithm::HS256, claims)
}

fn signed_by(secret: &str, algorithm: Algorithm, claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// A token with any header, signed with our secret.
fn signed_with_header(header: &Value, claims: &Value) -> String {
    let message = [header, claims].map(|json| BASE64.encode(json.to_string())).join(".");
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

/// Tokens that differ in one thing from a valid one with these claims: what that is, the token, and the refusal's
/// code.
pub fn forgeries(good: &Value, audiences: &[&str]) -> Vec<(String, String, &'static str)> {
    let (invalid, expired, now) = ("token_invalid", "token_expired", now());
    let mut all = Vec::new();
    for (changes, code) in [
        (json!({"exp": null}), invalid),
        (json!({"exp": "9999999999"}), invalid),
        (json!({"exp": -1}), invalid),
        (json!({"exp": now - 10}), expired),
        (json!({"exp": now - 60}), expired),
        (json!({"exp": 0}), expired),
        (json!({"nbf": null}), invalid),
        (json!({"nbf": now + 60}), invalid),
        (json!({"iss": null}), invalid),
        (json!({"iss": "elsewhere"}), invalid),
        (json!({"iss": ""}), invalid),
        (json!({"aud": null}), invalid),
        (json!({"aud": "elsewhere"}), invalid),
        (json!({"aud": ""}), invalid),
        (json!({"aud": []}), invalid),
        (json!({"aud": "elsewhere", "role": "service"}), invalid),
        (json!({"sub": null}), invalid),
        (json!({"sub": 1}), invalid),
        (json!({"sub": ""}), invalid),
        (json!({"sub": "0"}), invalid),
        (json!({"sub": "-1"}), invalid),
        (json!({"sub": "01"}), invalid),
        (json!({"sub": "1 "}), invalid),
        (json!({"sub": "pasar"}), invalid),
        (json!({"sub": "9223372036854775808"}), invalid),
        (json!({"role": null}), invalid),
        (json!({"role": "owner"}), invalid),
        (json!({"role": "Admin"}), invalid),
        (json!({"role": ["admin"]}), invalid),
        (json!({"role": "service"}), invalid),
        (json!({"ver": null}), invalid),
        (json!({"ver": "1"}), invalid),
    ] {
        all.push((changes.to_string(), signed(&with_changes(good, &changes)), code));
    }
    for audience in audiences {
        for role in ["customer", "admin"] {
            let changes = json!({"aud": audience, "role": role});
            all.push((changes.to_string(), signed(&with_changes(good, &changes)), invalid));
        }
    }
    for header in [
        json!({"alg": "none", "typ": "JWT"}),
        json!({"alg": "None"}),
        json!({"alg": ""}),
        json!({"alg": null}),
        json!({"typ": "JWT"}),
        // The public key of an asymmetric algorithm must not work as an HMAC secret.
        json!({"alg": "RS256", "typ": "JWT"}),
        json!({"alg": "ES256"}),
        json!({"alg": "HS512"}),
    ] {
        let token = signed_with_header(&header, good);
        let (message, _) = token.rsplit_once('.').unwrap();
        all.extend([
            (header.to_string(), token.clone(), invalid),
            (format!("{header} with an empty signature"), format!("{message}."), invalid),
            (format!("{header} without a signature"), message.to_owned(), invalid),
        ]);
    }
    let token = signed(good);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let late = with_changes(good, &json!({"exp": now - 60}));
    for (what, token) in [
        ("HS384", signed_by(SECRET, Algorithm::HS384, good)),
        ("HS512", signed_by(SECRET, Algorithm::HS512, good)),
        ("another secret", signed_by(OTHER, Algorithm::HS256, good)),
        ("another secret, and late", signed_by(OTHER, Algorithm::HS256, &late)),
        ("no secret", signed_by("", Algorithm::HS256, good)),
        ("no signature", message.to_owned()),
        ("an empty signature", format!("{message}.")),
        ("half a signature", format!("{message}.{}", &signature[..signature.len() / 2])),
        ("a padded signature", format!("{token}=")),
        ("a fourth segment", format!("{token}.{signature}")),
        ("an empty segment", format!(".{token}")),
        ("nothing but dots", "..".to_owned()),
        ("a word", "rubbish".to_owned()),
    ] {
        all.push((what.to_owned(), token, invalid));
    }
    all
}

#[tokio::test]
async fn a_token_contains_only_the_documented_claims() {
    let app = shop("required").await;
    let siti = app.registers("siti@example.com").await;
    let token = claims(&siti.token);
    let iat = token["iat"].as_u64().unwrap();
    let sub = siti.id.to_string();
    let all = json!({"iss": "pasar", "aud": "pasar", "sub": sub, "role": "customer", "ver": token["ver"],
        "iat": iat, "nbf": iat, "exp": iat + 15 * 60});
    assert_eq!(token, all);
    let ticket = claims(&ticket(&app, &siti).await);
    let iat = ticket["iat"].as_u64().unwrap();
    let changes = json!({"aud": "pasar/stream", "iat": iat, "nbf": iat, "exp": iat + 30});
    assert_eq!(ticket, with_changes(&token, &changes));
}

#[tokio::test]
async fn every_service_refuses_forged_and_misused_tokens() {
    for auth in ["required", "open"] {
        let app = shop(auth).await;
        let admin = app.admin().await;
        let good = claims(&admin.token);
        for admin_call in &ADMIN_CALLS {
            let audiences = ["user", "product", "order", "payment", "pasar/stream"];
            for (what, token, code) in forgeries(&good, &audiences) {
                println!("{auth} {admin_call:?} {what}");
                assert_refused(&call_with_authorization(&app, admin_call, &format!("Bearer {token}")).await, code);
            }
        }
        let product = app.product.get("/products/1").await.expect(200);
        assert_eq!(product.get("stock"), None, "a refusal changes nothing: {product}");
        // Shows that the refusals above had the right reason. Two clocks can differ by some seconds.
        for (claim, from_now) in [("exp", 60), ("exp", -2), ("nbf", 2)] {
            for admin_call in &ADMIN_CALLS {
                println!("{auth} {admin_call:?} {claim} {from_now}");
                let token = signed(&with_changes(&good, &json!({claim: now().saturating_add_signed(from_now)})));
                call_with_authorization(&app, admin_call, &format!("Bearer {token}")).await.expect(200);
            }
        }
    }
}

#[tokio::test]
async fn changing_any_character_makes_a_token_invalid() {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let app = shop("required").await;
    let admin = app.admin().await;
    app.user.with_token(&admin.token).get("/users").await.expect(200);
    for at in 0..admin.token.len() {
        let mut changed = admin.token.clone().into_bytes();
        // The lowest bit. The last character has two unused bits, which must be zero.
        let Some(letter) = ALPHABET.iter().position(|letter| *letter == changed[at]) else { continue };
        changed[at] = ALPHABET[letter ^ 1];
        let changed = String::from_utf8(changed).unwrap();
        println!("{at}: {changed}");
        assert_refused(&app.user.with_token(&changed).get("/users").await, "token_invalid");
    }
}

#[tokio::test]
async fn a_token_must_be_in_one_well_formed_authorization_header() {
    for auth in ["required", "open"] {
        let app = shop(auth).await;
        let token = app.admin().await.token;
        let endless = format!("Bearer {}", "x".repeat(10 * 1024));
        let no_longer_looked_at = format!("Bearer {token}{}", "x".repeat(4097 - token.len()));
        for admin_call in &ADMIN_CALLS {
            let malformed = [
                "",
                "Bearer",
                "Bearer ",
                &token,
                &format!("Bearer{token}"),
                &format!("Bearer\t{token}"),
                &format!("Bearer={token}"),
                &endless,
                &no_longer_looked_at,
            ];
            for value in malformed {
                println!("{auth} {admin_call:?} {value:?}");
                assert_refused(&call_with_authorization(&app, admin_call, value).await, "token_malformed");
            }
            // With open auth another scheme is ignored: it can be meant for a proxy in front.
            for value in ["Basic YWRtaW46YWRtaW4=", "Digest username=\"admin\"", &format!("Token {token}")] {
                let answer = call_with_authorization(&app, admin_call, value).await;
                if auth == "required" { assert_refused(&answer, "token_malformed") } else { drop(answer.expect(200)) }
            }
            let bearer = format!("Bearer {token}");
            for others in [&bearer, "Bearer rubbish", ""] {
                for two in [[&bearer, others], [others, &bearer]] {
                    println!("{auth} {admin_call:?} {two:?}");
                    assert_refused(
                        &call(&app, admin_call, &two.map(|value| ("authorization", value))).await,
                        "token_malformed",
                    );
                }
            }
            for value in [bearer.clone(), format!("bearer {token}"), format!("BEARER   {token} ")] {
                call_with_authorization(&app, admin_call, &value).await.expect(200);
            }
            let (service, method, path) = admin_call;
            let (_, api) = app.services().into_iter().find(|(name, _)| name == service).unwrap();
            let accented = format!("Authorization: {bearer}\u{e9}");
            let line = format!("{method} {path} HTTP/1.1");
            assert_refused(&api.raw_head(&line, &["Host: localhost", &accented]).await, "token_malformed");
        }
    }
}

#[tokio::test]
async fn a_request_without_a_token_gets_a_challenge() {
    let app = shop("required").await;
    let token = app.admin().await.token;
    for admin_call in &ADMIN_CALLS {
        assert_refused(&call(&app, admin_call, &[]).await, "token_missing");
        // Only this header is read.
        let bearer = format!("Bearer {token}");
        for header in ["cookie", "proxy-authorization", "x-authorization"] {
            assert_refused(&call(&app, admin_call, &[(header, &bearer)]).await, "token_missing");
        }
        for query in [format!("access_token={token}"), format!("token={token}"), format!("ticket={token}")] {
            let (service, method, path) = admin_call;
            let path = format!("{path}?{query}");
            assert_refused(&call(&app, &(*service, method.clone(), &path), &[]).await, "token_missing");
        }
    }
    let app = shop("open").await;
    assert_refused(&app.user.get("/auth/me").await, "token_missing");
    for admin_call in &ADMIN_CALLS {
        call(&app, admin_call, &[]).await.expect(200);
    }
}

#[tokio::test]
async fn routes_open_to_all_ignore_tokens() {
    let login = json!({"email": "siti@example.com", "password": PASSWORD});
    for auth in ["required", "open"] {
        let app = shop(auth).await;
        let siti = app.registers("siti@example.com").await;
        let late = signed(&with_changes(&claims(&siti.token), &json!({"exp": 0})));
        for value in ["", "Bearer", "Bearer rubbish", "Basic YWRtaW46YWRtaW4=", &format!("Bearer {late}")] {
            let headers = [("authorization", value)];
            println!("{auth} {value:?}");
            for path in ["/products", "/products/1", "/products/1/check-stock?quantity=1"] {
                app.product.get_as(path, &headers).await.expect(200);
            }
            for (_, api) in app.services() {
                for path in ["/", "/health", "/health/live", "/health/ready", "/openapi.json", "/postman.json"] {
                    api.get_as(path, &headers).await.expect(200);
                }
                for path in ["/docs", "/errors", "/metrics"] {
                    assert_eq!(api.get_as(path, &headers).await.status, 200, "{path}");
                }
            }
            app.user.post_as("/auth/login", &headers, &login).await.expect(200);
            let new = json!({"name": "Budi", "email": "siti@example.com", "password": PASSWORD});
            app.user.post_as("/auth/register", &headers, &new).await.problem(409, "email_taken");
        }
    }
}

#[tokio::test]
async fn changing_the_credentials_revokes_the_tokens() {
    let app = shop("required").await;
    let admin = app.admin().await;
    for end in ["logout", "password", "promotion", "demotion", "removal"] {
        println!("{end}");
        let email = format!("{end}@example.com");
        let mut old = vec![app.registers(&email).await];
        if end == "demotion" {
            app.makes_admin(&email, &[]).await;
            old.clear();
        }
        // Sessions of two devices.
        old.push(app.logs_in(&email).await);
        old.push(app.logs_in(&email).await);
        let (id, user) = (old[0].id, app.user.with_token(&old[0].token));
        for admin_call in &ADMIN_CALLS {
            for Visitor { token, .. } in &old {
                let before = call_with_authorization(&app, admin_call, &format!("Bearer {token}")).await;
                assert_eq!(before.status, if end == "demotion" { 200 } else { 403 }, "{}", before.text());
            }
        }
        let new_password = "empat ekor kucing";
        match end {
            "logout" => assert_eq!(user.post("/auth/logout", &json!({})).await.status, 204),
            "password" => {
                let change = json!({"current_password": PASSWORD, "new_password": new_password});
                assert_eq!(user.put("/auth/me/password", &change).await.status, 204);
            }
            "promotion" => app.makes_admin(&email, &[]).await,
            "demotion" => app.makes_admin(&email, &["--remove"]).await,
            _ => assert_eq!(user.remove(&format!("/users/{id}")).await.status, 204),
        }
        for admin_call in &ADMIN_CALLS {
            for Visitor { token, .. } in &old {
                let bearer = format!("Bearer {token}");
                if admin_call.0 != "user" {
                    let heard =
                        async || (call_with_authorization(&app, admin_call, &bearer).await.status == 401).then_some(());
                    eventually("the other services have received the revocation", heard).await;
                }
                assert_refused(&call_with_authorization(&app, admin_call, &bearer).await, "token_revoked");
            }
        }
        // Tokens of other users and of a later login are not affected.
        for admin_call in &ADMIN_CALLS {
            call_with_authorization(&app, admin_call, &format!("Bearer {}", admin.token)).await.expect(200);
        }
        if end == "removal" {
            continue;
        }
        let password = if end == "password" { new_password } else { PASSWORD };
        let login = json!({"email": email, "password": password});
        let session = app.user.post("/auth/login", &login).await.expect(200);
        let token = session["access_token"].as_str().unwrap();
        assert_eq!(app.user.with_token(token).get("/auth/me").await.expect(200)["id"], id);
        for admin_call in &ADMIN_CALLS {
            let again = call_with_authorization(&app, admin_call, &format!("Bearer {token}")).await;
            assert_eq!(again.status, if end == "promotion" { 200 } else { 403 }, "{}", again.text());
        }
    }
}
