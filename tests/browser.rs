//! The pages in a real Chromium, used as a person would, and checked with axe-core.
//!
//! Needs `chromium` and `chromedriver` on the PATH, and `AXE`, the path of axe-core's `axe.min.js`
//! (`tests/tools/install` fetches it). Without them the tests are skipped with a message; with `CI=true` this is a
//! failure.

#![cfg(unix)]
#![allow(clippy::disallowed_methods, reason = "what is forbidden to the services is the business of their tests")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on has failed")]

mod support;

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::{Api, TestApp, eventually};
use thirtyfour::prelude::*;

/// A chromedriver process and its browser; dropping it ends both.
struct Browser {
    driver: WebDriver,
    process: Child,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browsers are children of the driver, in its process group.
        let group = format!("-{}", self.process.id());
        let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
        assert!(killed.is_ok_and(|status| status.success()) || std::thread::panicking(), "a browser is still running");
        let _ = self.process.wait();
    }
}

impl Browser {
    /// None, after a message, if the browser is missing.
    async fn start() -> Option<(Self, String)> {
        let axe = std::env::var("AXE").ok().and_then(|path| std::fs::read_to_string(path).ok());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let (Some(axe), Ok(process)) = (axe, process) else {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "chromedriver or AXE is missing");
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            // Not with `eprintln!`, whose output is hidden for tests that pass.
            let _ = writeln!(
                std::io::stderr(),
                "{test} was SKIPPED: it needs chromium, chromedriver and AXE=…/axe.min.js; tests/tools/install gets them"
            );
            return None;
        };
        let mut capabilities = DesiredCapabilities::chrome();
        for flag in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ] {
            capabilities.add_arg(flag).unwrap();
        }
        let server = format!("http://127.0.0.1:{port}");
        let driver =
            eventually("chromedriver answers", async || WebDriver::new(&server, capabilities.clone()).await.ok()).await;
        Some((Self { driver, process }, axe))
    }

    async fn open(&self, api: &Api, path: &str) {
        self.driver.goto(format!("http://{}{path}", api.addr)).await.unwrap();
    }

    async fn find(&self, css: &str) -> WebElement {
        self.driver.query(By::Css(css)).first().await.unwrap()
    }

    async fn run(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    async fn press(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    /// The text of the element, once it begins with `start`.
    async fn reads(&self, css: &str, start: &str) -> String {
        eventually(&format!("{css} reads {start}"), async || {
            // The page can replace the element in between.
            let text = self.find(css).await.text().await.ok()?;
            text.starts_with(start).then_some(text)
        })
        .await
    }

    /// Submits the form of a call on the info page, waits for this status, and returns the answer.
    async fn calls(&self, call: &str, status: &str) -> String {
        let section = section(call);
        self.press(&format!("{section} button")).await;
        self.reads(&format!("{section} [role=status]"), status).await;
        self.find(&format!("{section} [data-answer]")).await.text().await.unwrap()
    }

    /// The token in the field of the info page.
    async fn token(&self) -> String {
        self.find(TOKEN).await.value().await.unwrap().unwrap_or_default()
    }
}

/// The info page's field for a token.
const TOKEN: &str = "[data-token]";

/// The section of the page about one call.
fn section(call: &str) -> String {
    let (method, path) = call.split_once(' ').unwrap();
    format!("section.call:has(form[data-method=\"{method}\"][data-path=\"{path}\"])")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_can_order_with_the_info_page_alone() {
    let Some((browser, _)) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.open(&app.order, "/").await;
    let section = section("POST /orders");
    // The form is filled with an order that works.
    browser.press(&format!("{section} button")).await;
    let status = format!("{section} [role=status]");
    let said = browser.reads(&status, "201").await;
    assert!(said.ends_with(" ms"), "{said}");
    let answer = browser.find(&format!("{section} [data-answer]")).await.text().await.unwrap();
    assert!(answer.contains("\"order_id\": 1") && answer.contains("location: /orders/1"), "{answer}");
    let request = browser.find(&format!("{section} [data-request]")).await.text().await.unwrap();
    assert!(request.starts_with("curl -i -X POST 'http://127.0.0.1:"), "{request}");
    assert_eq!(app.order.all("/orders").await.len(), 1);

    // An invalid order with the keyboard alone: the answer says what is wrong, in the page's language.
    browser.open(&app.order, "/?lang=en").await;
    let body = browser.find(&format!("{section} textarea")).await;
    body.clear().await.unwrap();
    body.send_keys(r#"{"user_id": 1}"#).await.unwrap();
    body.send_keys(Key::Tab + "").await.unwrap();
    browser.driver.active_element().await.unwrap();
    // Idempotency-Key comes before the body, so the next stop is the button.
    browser.driver.active_element().await.unwrap().send_keys(Key::Enter + "").await.unwrap();
    browser.reads(&status, "422").await;
    let answer = browser.find(&format!("{section} [data-answer]")).await.text().await.unwrap();
    assert!(answer.contains("\"product_id\": \"is required\""), "{answer}");
    assert_eq!(app.order.all("/orders").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_page_shows_whether_the_other_services_answer() {
    let Some((browser, _)) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--product-url", "http://127.0.0.1:9"]).await;
    browser.open(&app.order, "/?lang=id").await;
    let shown = eventually("the peers are shown", async || {
        let text = browser.find("[data-peers]").await.text().await.unwrap();
        text.contains("product").then_some(text)
    })
    .await;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("user — ") && lines[0].ends_with("— menjawab"), "{shown}");
    assert!(lines[1].starts_with("product — http://127.0.0.1:9/ — tidak menjawab"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_accessible_in_both_languages_and_colour_schemes() {
    let Some((browser, axe)) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    for scheme in ["light", "dark"] {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.driver.cdp().send_raw("Emulation.setEmulatedMedia", features).await.unwrap();
        for language in ["id", "en"] {
            for (service, api) in app.services() {
                for path in ["/", "/errors"] {
                    browser.open(api, &format!("{path}?lang={language}")).await;
                    assert_eq!(browser.run("return document.documentElement.lang").await, language);
                    // With an exchange shown, because it belongs to the page too.
                    if path == "/" {
                        browser.find("section.call button").await.click().await.unwrap();
                        eventually("an exchange is shown", async || {
                            let hidden = browser.run("return document.querySelector('[data-exchange]').hidden").await;
                            (hidden == json!(false)).then_some(())
                        })
                        .await;
                    }
                    browser.run(&axe).await;
                    let found = browser
                        .driver
                        .execute_async(
                            "const done = arguments[arguments.length - 1]; \
                             axe.run().then((found) => done(found.violations), (error) => done(String(error)));",
                            Vec::new(),
                        )
                        .await
                        .unwrap();
                    assert_eq!(found.json(), &json!([]), "{service} {path} {language} {scheme}");
                    let elsewhere = "return performance.getEntriesByType('resource').map((entry) => entry.name)
                                     .filter((name) => !name.startsWith(location.origin) && !name.startsWith('data:'))";
                    assert_eq!(browser.run(elsewhere).await, json!([]));
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn swagger_ui_shows_every_call_without_the_internet() {
    let Some((browser, _)) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    for (_, api) in app.services() {
        browser.open(api, "/docs").await;
        let paths = api.get("/openapi.json").await.expect(200)["paths"].as_object().unwrap().len();
        eventually("every path is shown", async || {
            let shown = browser
                .run(
                    "return new Set([...document.querySelectorAll('.opblock-summary-path')]
                .map((path) => path.dataset.path)).size",
                )
                .await;
            (shown == json!(paths)).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_info_page_uses_the_token_of_a_registration() {
    let Some((browser, _)) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--auth", "required"]).await;
    browser.open(&app.user, "/").await;
    let refused = browser.calls("GET /auth/me", "401").await;
    assert!(refused.contains("\"code\": \"token_missing\""), "{refused}");
    assert_eq!(browser.token().await, "");

    // The form is filled with a new user.
    let session = browser.calls("POST /auth/register", "201").await;
    let token = browser.token().await;
    assert!(!token.is_empty() && session.contains(&format!("\"access_token\": \"{token}\"")), "{session}");
    let me = browser.calls("GET /auth/me", "200").await;
    assert!(me.contains("\"email\": \"siti@example.com\"") && me.contains("\"role\": \"customer\""), "{me}");
    let request = browser.find(&format!("{} [data-request]", section("GET /auth/me"))).await.text().await.unwrap();
    assert!(request.contains(&format!("-H 'Authorization: Bearer {token}'")), "{request}");

    // The token is gone after the page was left.
    browser.open(&app.user, "/").await;
    assert_eq!(browser.token().await, "");
    assert_eq!(browser.run("return localStorage.length + sessionStorage.length + document.cookie.length").await, 0);
    browser.calls("GET /auth/me", "401").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_page_shows_the_other_services_to_an_admin_alone() {
    let Some((browser, _)) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--auth", "required"]).await;
    let (siti, admin) = (app.registers("siti@example.com").await, app.admin().await);
    browser.open(&app.order, "/?lang=id").await;
    browser.reads("[data-peers]", "Silakan masuk terlebih dahulu.").await;
    for (token, shown) in [(&siti.token, "Anda tidak berhak melakukan ini."), (&admin.token, "user — http://")] {
        let field = browser.find(TOKEN).await;
        field.clear().await.unwrap();
        field.send_keys(token).await.unwrap();
        field.send_keys(Key::Tab + "").await.unwrap();
        browser.reads("[data-peers]", shown).await;
    }
    let peers = browser.reads("[data-peers]", "user").await;
    let answer = |line: &str| line.ends_with("— menjawab");
    assert!(peers.lines().count() == 3 && peers.lines().all(answer), "{peers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn swagger_ui_sends_the_token_that_was_entered() {
    let Some((browser, _)) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--auth", "required"]).await;
    let siti = app.registers("siti@example.com").await;
    browser.open(&app.user, "/docs").await;
    let call = "#operations-UserService-get_auth_me";
    browser.press(&format!("{call} .opblock-summary-control")).await;
    browser.press(&format!("{call} .try-out__btn")).await;
    let status = format!("{call} .live-responses-table .response .response-col_status");
    browser.press(&format!("{call} .execute")).await;
    browser.reads(&status, "401").await;

    browser.press(".auth-wrapper .authorize").await;
    browser.find(".modal-ux input").await.send_keys(&siti.token).await.unwrap();
    browser.press(".modal-ux button.authorize").await;
    browser.press(".modal-ux .btn-done").await;
    browser.press(&format!("{call} .execute")).await;
    browser.reads(&status, "200").await;
    let shown = format!("{call} .live-responses-table .response .response-col_description");
    eventually("the profile is shown", async || {
        let me = browser.find(&shown).await.text().await.ok()?;
        me.contains("\"email\": \"siti@example.com\"").then_some(())
    })
    .await;
}
