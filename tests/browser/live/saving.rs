//! A trace as a file.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{TRACE, address, arrows, count, order};
use crate::browser::Browser;
use crate::support::{TestApp, eventually};

impl Browser {
    /// Saves the chosen trace in a format and returns the file's content.
    async fn saves(&self, folder: &tempfile::TempDir, format: &str, ending: &str) -> String {
        self.press(&format!("[data-export={format}]")).await;
        let path = folder.path().join(format!("pasar-{}.{ending}", &TRACE[..12]));
        eventually(&format!("{} is saved", path.display()), async || std::fs::read_to_string(&path).ok()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_saved_in_five_formats() {
    let Some(browser) = Browser::start().await else { return };
    let app = TestApp::spawn().await;
    let records = order(&app).await;
    let folder = tempfile::tempdir().unwrap();
    let downloads = json!({"behavior": "allow", "downloadPath": folder.path()});
    browser.driver.cdp().send_raw("Browser.setDownloadBehavior", downloads).await.unwrap();
    browser.resize(1280).await;
    browser.open(&app.order, &address("id")).await;
    browser.draws(&records).await;
    let drawn = arrows(&records).len();
    let calls = count(&records, "call") + 1;

    let mermaid = browser.saves(&folder, "mermaid", "mmd").await;
    let mut lines = mermaid.lines();
    assert_eq!(lines.next(), Some("sequenceDiagram"));
    // Requests and events, then the answers.
    assert_eq!(
        lines.clone().filter(|line| line.contains("->>") || line.contains("--)")).count(),
        drawn + calls,
        "{mermaid}"
    );
    for line in lines {
        assert!(!line.contains(['<', ';', '"']) || line.contains("#"), "{line}");
    }

    let svg = browser.saves(&folder, "svg", "svg").await;
    let parsed = browser
        .driver
        .execute(
            "const drawing = new DOMParser().parseFromString(arguments[0], 'image/svg+xml');
            return [drawing.querySelector('parsererror') === null, drawing.querySelectorAll('[class], [style], script').length,
                    drawing.documentElement.localName, drawing.querySelectorAll('title').length]",
            vec![json!(svg)],
        )
        .await
        .unwrap();
    let titles = drawn + count(&records, "commit");
    assert_eq!(parsed.json(), &json!([true, 0, "svg", titles]));

    let har: Value = serde_json::from_str(&browser.saves(&folder, "har", "har").await).unwrap();
    assert_eq!(har["log"]["version"], "1.2");
    let entries = har["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), calls);
    assert_eq!(entries[0]["request"]["url"], format!("http://127.0.0.1:{}/orders", app.order.addr.port()));
    assert_eq!(entries[0]["response"]["status"], 201);
    assert!(entries[0]["request"]["postData"]["text"].as_str().unwrap().contains("product_id"), "{}", entries[0]);

    let otlp: Value = serde_json::from_str(&browser.saves(&folder, "otlp", "otlp.json").await).unwrap();
    let spans: Vec<&Value> = otlp["resourceSpans"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|resource| resource["scopeSpans"][0]["spans"].as_array().unwrap())
        .collect();
    assert_eq!(spans.len(), records.len());
    let ids: HashSet<&str> = spans.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), spans.len(), "span ids are unique");
    let roots =
        spans.iter().filter(|span| span["parentSpanId"].as_str().is_none_or(|parent| !ids.contains(parent))).count();
    assert_eq!(roots, 1, "all but the client's request have a parent");

    let html = browser.saves(&folder, "html", "html").await;
    let parsed = browser
        .driver
        .execute(
            "const page = new DOMParser().parseFromString(arguments[0], 'text/html');
            return [page.querySelectorAll('script, [style], [src], link').length, page.querySelectorAll('svg').length,
                    page.querySelectorAll('section').length, page.body.textContent.includes('<script>')]",
            vec![json!(html)],
        )
        .await
        .unwrap();
    assert_eq!(parsed.json(), &json!([0, 1, drawn, true]));
    assert!(html.contains("default-src 'none'"), "{html}");
}
