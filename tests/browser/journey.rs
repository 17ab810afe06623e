//! Seed 001's whole flow, in the browser alone: two customers at two services, and an admin at a third. The pictures of
//! the README are taken on the way.

use serde_json::json;
use thirtyfour::WindowHandle;

use crate::browser::Browser;
use crate::support::{Api, TestApp};

const TITLE: &str = "main h1";

impl Browser {
    /// Opens a page in a tab of its own. Each service is another origin, so its tabs share nothing with another's.
    async fn tab(&self, api: &Api, path: &str) -> WindowHandle {
        let tab = self.driver.new_tab().await.unwrap();
        self.goes_to(&tab).await;
        self.resize(1280).await;
        self.open(api, path).await;
        tab
    }

    async fn goes_to(&self, tab: &WindowHandle) {
        self.driver.switch_to_window(tab.clone()).await.unwrap();
    }

    /// Gives name and telephone number, chooses products, and orders them.
    async fn orders_as(&self, name: &str, products: &[i64], title: &str) {
        self.press("[data-opens=\"#customer\"]").await;
        self.fill("[data-form=guest] [name=name]", name).await;
        self.fill("[data-form=guest] [name=phone]", "081234567890").await;
        self.press("[data-form=guest] [type=submit]").await;
        self.reads("[data-account]", name).await;
        for product in products {
            self.press(&format!("[data-product-id=\"{product}\"] .buy button")).await;
        }
        self.press("[data-opens=\"#cart\"]").await;
        self.press("[data-order-now]").await;
        self.reads(TITLE, title).await;
    }

    /// Presses what an order that waits for the shop can be given next.
    async fn advances(&self, order: i64, state: &str) {
        let row = format!("#orders [data-id='{order}']");
        self.press(&format!("{row} [data-act]")).await;
        self.reads(&format!("{row} .state"), state).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_customers_and_an_admin_bring_orders_from_the_market_to_the_door() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::with_flags(&["--payment-window", "60s"]).await;
    app.seeds_shop().await;
    let id = async |name: &str| app.product.all(&format!("/products?search={name}")).await[0]["id"].as_i64().unwrap();
    let (kopi, payung) = (id("kopi").await, id("payung").await);

    let siti = browser.tab(&app.order, "/shop/?lang=id").await;
    browser.reads(&format!("[data-product-id=\"{kopi}\"] h2"), "Kopi Gayo").await;
    browser.check("readme-shop").await;
    browser.orders_as("Siti", &[kopi, kopi, payung], "Bayar pesanan #1").await;
    browser.press("[name=method][value=qris]").await;
    browser.press("[data-act=start]").await;
    browser.reads(".qris-top b", "QRIS").await;
    browser.check("readme-payment").await;

    // Another customer at another service orders the same coffee.
    let wayan = browser.tab(&app.product, "/shop/?lang=id&search=kopi").await;
    browser.orders_as("Wayan", &[kopi], "Bayar pesanan #2").await;
    for (tab, name) in [(&siti, "Siti"), (&wayan, "Wayan")] {
        browser.goes_to(tab).await;
        if name == "Wayan" {
            browser.press("[name=method][value=transfer]").await;
            browser.press("[data-act=start]").await;
        }
        browser.press("[data-act=confirm]").await;
        browser.reads(TITLE, &format!("Lunas. Terima kasih, {name}.")).await;
        browser.reads(".track .now b", "Menunggu konfirmasi toko").await;
    }

    let desk = browser.tab(&app.user, "/admin/?lang=id").await;
    browser.reads("#waiting .count", "2").await;
    browser.reads("#stock tbody tr", "").await;
    browser.check("readme-admin").await;
    browser.advances(1, "Dikonfirmasi").await;
    browser.goes_to(&siti).await;
    browser.reads(".track .now b", "Disiapkan untuk dikirim").await;
    browser.goes_to(&desk).await;
    browser.advances(1, "Dikirim").await;
    browser.advances(1, "Selesai").await;
    browser.advances(2, "Dikonfirmasi").await;

    browser.goes_to(&siti).await;
    browser.reads(TITLE, "Pesanan #1 selesai").await;
    browser.open(&app.order, "/shop/orders").await;
    browser.reads("[data-orders] .state", "Selesai").await;
    browser.goes_to(&wayan).await;
    browser.reads(".track .now b", "Disiapkan untuk dikirim").await;
    let sold = app.product.get(&format!("/products/{kopi}/stock")).await.expect(200);
    assert_eq!((&sold["reserved"], &sold["sold"]), (&json!(0), &json!(3)));

    browser.tab(&app.order, "/?lang=id#post_orders").await;
    browser.press("#post_orders .send").await;
    browser.reads("#post_orders .status", "201").await;
    browser.check("readme-service").await;
}
