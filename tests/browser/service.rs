//! The pages of the services.

use serde_json::json;
use thirtyfour::prelude::*;

use crate::browser::{Browser, MAX_PAGE_BYTES};
use crate::support::{Api, TestApp, eventually};

impl Browser {
    /// Opens a call on the page of its service, which must be shown, and waits until its form can be sent.
    async fn unfold(&self, call: &str) {
        if self.run(&format!("return document.getElementById({call:?}).open")).await == false {
            self.press(&format!("#{call} > summary")).await;
        }
        self.find(&format!("#{call} .send")).await;
    }

    /// Sends the form of a call, waits for this status, and returns the shown body.
    async fn calls(&self, call: &str, status: &str) -> String {
        self.unfold(call).await;
        // So that the answer is not an earlier one.
        self.run(&format!("document.querySelector('#{call} .answer').replaceChildren()")).await;
        self.press(&format!("#{call} .send")).await;
        self.reads(&format!("#{call} .answer .status"), status).await;
        self.text_of(&format!("#{call} .answer pre")).await
    }

    async fn text_of(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    /// The token in the field of the page.
    async fn token(&self) -> String {
        self.find("#token").await.value().await.unwrap().unwrap_or_default()
    }

    /// How many elements of this selector can be seen.
    async fn count_visible(&self, css: &str) -> usize {
        let script =
            format!("return [...document.querySelectorAll({css:?})].filter((one) => one.checkVisibility()).length");
        usize::try_from(self.run(&script).await.as_u64().unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_can_order_with_the_page_alone() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.open(&app.order, "/?lang=id").await;
    // The form is filled with an order that works.
    let answer = browser.calls("post_orders", "201 Created").await;
    assert!(answer.contains("\"order_id\": 1,\n") && answer.contains("\"status\": \"pending\""), "{answer}");
    browser.press("#post_orders .answer .raw summary").await;
    let headers = browser.text_of("#post_orders .hdr").await;
    assert!(headers.contains("location") && headers.contains("/orders/1"), "{headers}");
    let others = browser.text_of("#post_orders .also").await;
    assert!(others.contains("409 insufficient_stock") && others.contains("404 user_not_found"), "{others}");
    assert_eq!(app.order.all("/orders").await.len(), 1);
    browser.press("#post_orders .also a[href='/errors#insufficient_stock']").await;
    browser.reads("#insufficient_stock .says", "Stok tidak mencukupi.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_can_order_with_the_keyboard_alone() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.open(&app.order, "/?lang=en").await;
    // The search, the only endpoint that is left, its fields.
    browser.find("body").await.send_keys("/").await.unwrap();
    browser.types("post /orders places").await;
    eventually("one call is left", async || (browser.count_visible(".call").await == 1).then_some(())).await;
    browser.types(Key::Tab + "").await;
    browser.types(Key::Enter + "").await;
    browser.find("#post_orders .send").await;
    browser.types(Key::Tab + "").await;
    browser.types(Key::Delete + "").await;
    browser.types(Key::Tab + "").await;
    browser.types(Key::Delete + "").await;
    browser.types(Key::Control + Key::Enter).await;
    browser.reads("#post_orders .status", "422").await;
    // The answer is in the page's language, and says at the fields what is wrong with them.
    let answer = browser.text_of("#post_orders .answer pre").await;
    assert!(answer.contains("\"product_id\": \"is required\""), "{answer}");
    let invalid =
        browser.run("return [...document.querySelectorAll('[aria-invalid=true]')].map(({name}) => name)").await;
    assert_eq!(invalid, json!(["user_id", "product_id"]));
    browser.types("1").await;
    browser.types(Key::Shift + Key::Tab).await;
    browser.types("1").await;
    browser.types(Key::Enter + "").await;
    browser.reads("#post_orders .status", "201").await;
    assert_eq!(app.order.all("/orders").await.len(), 1);
    assert_eq!(browser.count_visible("[aria-invalid=true]").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_filters_the_contents_and_the_calls() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.open(&app.order, "/?lang=id").await;
    let all = browser.count_visible(".call").await;
    assert_eq!(browser.count_visible(".toc li").await, all);
    browser.fill("[data-search]", "refund").await;
    eventually("one call is left", async || (browser.count_visible(".call").await == 1).then_some(())).await;
    assert_eq!((browser.count_visible(".toc li").await, browser.count_visible(".toc h2").await), (1, 1));
    browser.fill("[data-search]", "<script>").await;
    browser.reads("#nothing", "Tidak ada endpoint yang cocok.").await;
    browser.press("#nothing button").await;
    eventually("all calls are back", async || (browser.count_visible(".call").await == all).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_by_hand_goes_before_the_fields_while_it_is_open() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.open(&app.order, "/").await;
    browser.unfold("post_orders").await;
    browser.fill("#post_orders-quantity", "2").await;
    browser.press("#post_orders .raw summary").await;
    let area = browser.find("#post_orders textarea").await;
    let draft = area.value().await.unwrap().unwrap();
    assert_eq!(draft, "{\n  \"user_id\": 1,\n  \"product_id\": 1,\n  \"quantity\": 2\n}");
    browser.fill("#post_orders textarea", r#"{"user_id": 1, "menu_ids": [3, 3]}"#).await;
    let curl = browser.text_of("#post_orders .curl").await;
    assert!(curl.ends_with(r#"--data-raw '{"user_id": 1, "menu_ids": [3, 3]}'"#), "{curl}");
    browser.calls("post_orders", "201").await;
    browser.fill("#post_orders textarea", "{").await;
    let refused = browser.calls("post_orders", "400").await;
    assert!(refused.contains("\"code\": \"bad_json\""), "{refused}");
    // Closed, it is kept, and the fields count again.
    browser.press("#post_orders .raw summary").await;
    browser.calls("post_orders", "201").await;
    browser.press("#post_orders .raw summary").await;
    assert_eq!(area.value().await.unwrap().unwrap(), "{");
    let orders = app.order.all("/orders").await;
    let ordered: Vec<_> = orders.iter().map(|order| (&order["product_id"], &order["quantity"])).collect();
    assert_eq!(ordered, [(&json!(3), &json!(2)), (&json!(1), &json!(2))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_with_dots_is_refused_and_not_taken_for_a_fraction() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let before = app.product.all("/products").await.len();
    browser.open(&app.product, "/?lang=id").await;
    browser.unfold("post_products").await;
    for (price, stock, status, wrong) in [("85.000", "", "400", "price"), ("85000", "seribu", "400", "stock")] {
        browser.fill("#post_products-price", price).await;
        browser.fill("#post_products-stock", stock).await;
        browser.calls("post_products", status).await;
        browser.reads(&format!(".field:has(#post_products-{wrong}) .err-text"), "harus bilangan bulat").await;
    }
    assert_eq!(app.product.all("/products").await.len(), before);
    browser.fill("#post_products-stock", "1000").await;
    let made = browser.calls("post_products", "201").await;
    assert!(made.contains("\"price\": 85000") && made.contains("\"stock\": 1000"), "{made}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_for_a_terminal_is_the_call() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.open(&app.user, "/?lang=id").await;
    browser.unfold("post_users").await;
    browser.fill("#post_users-name", "O'Neil $(id)").await;
    let curl = browser.text_of("#post_users .curl").await;
    let expected = format!(
        "curl -i 'http://{}/users' \\\n  -H 'Accept-Language: id' \\\n  -H 'Content-Type: application/json' \\\n  \
         --data-raw '{{\"name\": \"O'\\''Neil $(id)\"}}'",
        app.user.addr
    );
    assert_eq!(curl, expected);
    browser.unfold("delete_users_id").await;
    let delete = browser.text_of("#delete_users_id .curl").await;
    assert!(delete.starts_with(&format!("curl -i -X DELETE 'http://{}/users/1' ", app.user.addr)), "{delete}");
    // A POSIX shell makes the same call of it.
    if let Ok(output) = std::process::Command::new("sh").args(["-c", &curl]).output() {
        let answer = String::from_utf8_lossy(&output.stdout);
        assert!(answer.starts_with("HTTP/1.1 201") && answer.contains("O'Neil $(id)"), "{answer}");
    }
    browser.open(&app.order, "/").await;
    browser.unfold("post_orders").await;
    browser.press("#post_orders [data-new-key]").await;
    let key = browser.find("#post_orders-Idempotency-Key").await.value().await.unwrap().unwrap();
    assert!(uuid::Uuid::parse_str(&key).is_ok_and(|key| key.get_version_num() == 4), "{key}");
    let curl = browser.text_of("#post_orders .curl").await;
    assert!(curl.contains(&format!("-H 'Idempotency-Key: {key}'")), "{curl}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_long_answer_only_the_beginning_is_read() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    for number in 0..150 {
        let description = "panjang ".repeat(240);
        app.product
            .post("/products", &json!({"name": format!("P{number}"), "price": 1, "description": description}))
            .await
            .expect(201);
    }
    browser.open(&app.product, "/?lang=en").await;
    let shown = browser.calls("get_products", "200").await;
    assert!(shown.starts_with("[\n  {\n    \"id\": 1,"), "{shown}");
    assert_eq!(shown.trim_end().lines().count(), 200);
    let notice = browser.text_of("#get_products .notice").await;
    assert!(notice.contains("more than 256 KB") && notice.contains("first 200 lines"), "{notice}");
    let link = browser.find("#get_products .notice a").await;
    assert_eq!(link.attr("href").await.unwrap().as_deref(), Some("/products"));
    assert!(link.attr("download").await.unwrap().is_some());
    browser.check("service-long").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_stream_is_shown_and_stopped() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--auth", "required"]).await;
    let siti = app.registers("siti@example.com").await;
    let order = app.order.clone().with_token(&siti.token);
    browser.open(&app.user, "/?lang=en").await;
    let call = "get_users_id_notifications_stream";
    browser.fill("#token", &siti.token).await;
    browser.unfold(call).await;
    browser.fill(&format!("#{call}-id"), &siti.id.to_string()).await;
    browser.press(&format!("#{call} .send")).await;
    browser.reads(&format!("#{call} .answer .num"), "Live; events: 0").await;
    order.post("/orders", &json!({"user_id": siti.id, "product_id": 1})).await.expect(201);
    browser.reads(&format!("#{call} .answer .num"), "Live; events: 1").await;
    let event = browser.text_of(&format!("#{call} .events pre")).await;
    assert!(event.contains("\"status\": \"pending\""), "{event}");
    assert_eq!(browser.text_of(&format!("#{call} .send")).await, "Stop");
    browser.check("service-stream").await;
    browser.press(&format!("#{call} .send")).await;
    browser.reads(&format!("#{call} .answer .num"), "Stopped; events: 1").await;
    assert_eq!(browser.text_of(&format!("#{call} .send")).await, "Listen");
    // A refusal is shown as an answer.
    browser.fill("#token", "").await;
    let refused = browser.calls(call, "401").await;
    assert!(refused.contains("\"code\": \"token_missing\""), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_shown_as_text_whatever_they_are() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let name =
        format!("<script>document.title = 'x'</script><img src=x onerror=\"document.title = 'x'\">{}", "W".repeat(100));
    app.product.post("/products", &json!({"name": name, "price": 1})).await.expect(201);
    browser.open(&app.product, "/").await;
    browser.resize(390).await;
    let shown = browser.calls("get_products", "200").await;
    assert!(shown.contains("<script>document.title = 'x'</script><img src=x onerror="), "{shown}");
    assert_eq!(browser.run("return document.querySelectorAll('.answer img, .answer script').length").await, 0);
    assert_ne!(browser.driver.title().await.unwrap(), "x");
    browser.check("service-hostile-390").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_is_said_in_the_page() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.open(&app.order, "/?lang=id").await;
    browser.unfold("post_orders").await;
    drop(app);
    browser.press("#post_orders .send").await;
    let said = browser.reads("#post_orders .notice", "Tidak ada jawaban").await;
    assert!(said.contains("Perubahannya mungkin sudah terjadi"), "{said}");
    // It can be sent again.
    browser.reads("#post_orders .send", "Kirim").await;
    browser.check("service-away").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_page_shows_whether_the_other_services_answer() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--product-url", "http://127.0.0.1:9"]).await;
    browser.open(&app.order, "/?lang=id").await;
    let shown = browser.reads("#peers", "UserService").await;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].contains(&app.user.addr.port().to_string()) && lines[0].ends_with(" ya"), "{shown}");
    assert!(lines[1].starts_with("ProductService 127.0.0.1:9") && lines[1].ends_with(" tidak"), "{shown}");
    let state = |service: &str| format!(".stalls [data-service={service}] .sr");
    for (service, state_of_it) in [("user", "hidup: "), ("product", "tidak menjawab: "), ("payment", "hidup: ")] {
        let script = format!("return document.querySelector({:?}).textContent", state(service));
        eventually("the state is shown", async || (browser.run(&script).await == state_of_it).then_some(())).await;
    }
    let current = browser.find(".stalls [aria-current=page]").await;
    assert_eq!(current.attr("data-service").await.unwrap().as_deref(), Some("order"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_page_shows_the_other_services_to_an_admin_alone() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--auth", "required"]).await;
    let (siti, admin) = (app.registers("siti@example.com").await, app.admin().await);
    browser.open(&app.order, "/?lang=id").await;
    let said = browser.reads("#peers", "Silakan masuk terlebih dahulu.").await;
    assert!(said.ends_with("Hanya admin yang melihatnya: isi tokennya di bawah."), "{said}");
    for (token, shown) in [(&siti.token, "Anda tidak berhak melakukan ini."), (&admin.token, "UserService")] {
        browser.fill("#token", token).await;
        browser.types(Key::Tab + "").await;
        browser.reads("#peers", shown).await;
    }
    let peers = browser.reads("#peers", "UserService").await;
    assert!(peers.lines().count() == 3 && peers.lines().all(|line| line.ends_with(" ya")), "{peers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_uses_the_token_of_a_registration() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--auth", "required"]).await;
    // The way from another service to the form that gives a token.
    browser.open(&app.order, "/?lang=id").await;
    let login = browser.find("#login[href]").await;
    login.click().await.unwrap();
    browser.find("#post_auth_login[open] .send").await;
    let refused = browser.calls("get_auth_me", "401").await;
    assert!(refused.contains("\"code\": \"token_missing\""), "{refused}");
    assert_eq!(browser.token().await, "");

    // The form is filled with a new user.
    let session = browser.calls("post_auth_register", "201").await;
    let token = browser.token().await;
    assert!(!token.is_empty() && session.contains(&format!("\"access_token\": \"{token}\"")), "{session}");
    let said = browser.text_of("#post_auth_register .answer").await;
    assert!(said.contains("Token dipakai untuk panggilan berikutnya."), "{said}");
    let me = browser.calls("get_auth_me", "200").await;
    assert!(me.contains("\"email\": \"siti@example.com\"") && me.contains("\"role\": \"customer\""), "{me}");
    let curl = browser.text_of("#get_auth_me .curl").await;
    assert!(curl.contains(&format!("-H 'Authorization: Bearer {token}'")), "{curl}");

    // A token that is not valid any more is cleared, and so is one after the logout.
    browser.unfold("post_auth_logout").await;
    browser.press("#post_auth_logout .send").await;
    browser.reads("#post_auth_logout .status", "204").await;
    assert_eq!(browser.token().await, "");
    browser.fill("#token", &token).await;
    let refused = browser.calls("get_auth_me", "401").await;
    assert!(refused.contains("\"code\": \"token_revoked\""), "{refused}");
    assert_eq!(browser.token().await, "");

    // The token is gone after the page was left.
    browser.calls("post_auth_login", "200").await;
    assert_ne!(browser.token().await, "");
    browser.open(&app.user, "/").await;
    assert_eq!(browser.token().await, "");
    let kept = browser.run("return [localStorage.length, sessionStorage.length, document.cookie]").await;
    assert_eq!(kept, json!([0, 0, "lang=id"]));
    browser.calls("get_auth_me", "401").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_and_the_scheme_are_kept_across_the_services() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.prefers("light").await;
    browser.open(&app.user, "/?lang=id").await;
    browser.press(".tools a[hreflang=en]").await;
    browser.reads(".lead", "Keeps the users").await;
    browser.press("[data-theme-toggle]").await;
    browser.press(".stalls a[data-service=product][href]").await;
    browser.reads(".lead", "Keeps the catalogue").await;
    assert_eq!(browser.run("return document.documentElement.dataset.theme").await, "dark");
    browser.press(".links a[href='/errors']").await;
    browser.reads("h1", "Error codes").await;
    browser.press(".nav a[href='/']").await;
    browser.press(".links a[href='/docs']").await;
    browser.find("#swagger .opblock").await;
    let colours =
        "return ['.opblock-summary-path', '.opblock-tag'].map((css) => document.querySelector(`#swagger ${css}`))
        .concat(document.body).map((element) => getComputedStyle(element).color)";
    let light_ink = "rgb(244, 236, 223)";
    assert_eq!(browser.run(colours).await, json!([light_ink, light_ink, light_ink]));
}

/// Checks a page in both languages and colour schemes and on three widths of windows.
async fn check_everywhere(browser: &Browser, api: &Api, name: &str, path: &str, before: impl AsyncFn()) {
    for scheme in ["light", "dark"] {
        browser.prefers(scheme).await;
        for language in ["id", "en"] {
            for width in [390, 1280, 1920] {
                browser.resize(width).await;
                browser.open(api, &path.replace("LANG", language)).await;
                assert_eq!(browser.run("return document.documentElement.lang").await, language);
                before().await;
                browser.check(&format!("{name}-{language}-{scheme}-{width}")).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_accessible_in_both_languages_and_colour_schemes() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    check_everywhere(&browser, &app.order, "service", "/?lang=LANG", async || {
        browser.find("#peers .dot").await;
    })
    .await;
    check_everywhere(&browser, &app.order, "service-answer", "/?lang=LANG#post_orders", async || {
        browser.calls("post_orders", "201").await;
        browser.press("#post_orders form .raw summary").await;
    })
    .await;
    check_everywhere(&browser, &app.order, "errors", "/errors?lang=LANG#order_state", async || {
        browser.find("#order_state:target").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_small() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    for (_, api) in app.services() {
        for path in ["/", "/errors"] {
            browser.open(api, path).await;
            let bytes = browser.weight().await;
            assert!(bytes < MAX_PAGE_BYTES, "{}{path}: {bytes}", api.addr);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_codes_can_be_searched_and_lead_to_the_calls() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    browser.open(&app.order, "/errors?lang=en").await;
    browser.fill("[data-search]", "there is not enough stock").await;
    eventually("one code is left", async || (browser.count_visible(".err").await == 1).then_some(())).await;
    assert_eq!(browser.count_visible(".side li").await, 1);
    let entry = browser.text_of("#insufficient_stock").await;
    assert!(entry.contains("There is not enough stock.") && entry.contains("Stok tidak mencukupi."), "{entry}");
    assert!(entry.contains("Fewer units are left") && entry.contains("POST /orders"), "{entry}");
    assert_eq!(browser.find("#insufficient_stock .other").await.attr("lang").await.unwrap().as_deref(), Some("id"));
    browser.press("#insufficient_stock .from a").await;
    browser.find("#post_orders[open] .send").await;
}
