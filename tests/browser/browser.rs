//! Chromium, and what all tests do with it.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::support::{Api, eventually};

/// A page with its styles and modules may weigh 100 KB; the rest is a margin.
pub const MAX_PAGE_BYTES: f64 = 101_376.0;

/// A chromedriver process and its browser; dropping it ends both.
pub struct Browser {
    pub driver: WebDriver,
    process: Child,
    axe: String,
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
    pub async fn start() -> Option<Self> {
        let axe = std::env::var("AXE").ok().and_then(|path| std::fs::read_to_string(path).ok());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let start = || {
            let mut command = Command::new("chromedriver");
            command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
            command.spawn().ok()
        };
        let process = axe.is_some().then(start).flatten();
        let (Some(axe), Some(process)) = (axe, process) else {
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
        Some(Self { driver, process, axe })
    }

    pub async fn open(&self, api: &Api, path: &str) {
        self.driver.goto(format!("http://{}{path}", api.addr)).await.unwrap();
    }

    pub async fn find(&self, css: &str) -> WebElement {
        self.driver.query(By::Css(css)).first().await.unwrap()
    }

    pub async fn run(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    pub async fn press(&self, css: &str) {
        eventually(&format!("{css} can be pressed"), async || {
            // The page can replace the element in between, and in the middle of the window no bar covers it.
            let element = self.find(css).await;
            element.scroll_into_view().await.ok()?;
            self.stands_still(&element).await?;
            element.click().await.ok()
        })
        .await;
    }

    /// None while the page still moves the element: a click would meet what has moved there meanwhile.
    async fn stands_still(&self, element: &WebElement) -> Option<()> {
        let script = "const [element, done] = arguments;
            const box = () => JSON.stringify(element.getBoundingClientRect());
            const before = box();
            setTimeout(() => done(element.isConnected && before === box()), 50);";
        let still = self.driver.execute_async(script, vec![element.to_json().ok()?]).await.ok()?;
        (still.json() == true).then_some(())
    }

    /// Replaces what is in a field.
    pub async fn fill(&self, css: &str, value: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(value).await.unwrap();
    }

    /// Types into whatever has the focus.
    pub async fn types(&self, keys: impl Into<TypingData>) {
        self.driver.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// The text of the element, once it begins with `start`.
    pub async fn reads(&self, css: &str, start: &str) -> String {
        eventually(&format!("{css} reads {start}"), async || {
            // The page can replace the element in between.
            let text = self.find(css).await.text().await.ok()?;
            text.starts_with(start).then_some(text)
        })
        .await
    }

    /// The bytes of the page with its styles and modules, before compression.
    pub async fn weight(&self) -> f64 {
        let script = "return performance.getEntries()
            .filter(({name, entryType}) => entryType === 'navigation' || /[.](css|js)$/.test(name))
            .reduce((sum, {decodedBodySize}) => sum + decodedBodySize, 0)";
        let bytes = self.run(script).await.as_f64().unwrap();
        assert!(bytes >= 1.0, "nothing was loaded");
        bytes
    }

    /// From the next page of this tab on, counts its calls and its timers, for [`Self::rests`]. Answers from addresses
    /// that match `held` come only after `calls.release()`.
    pub async fn watches_calls(&self, held: &str) {
        let script = "
            const [real, later] = [fetch, setTimeout];
            globalThis.calls = {begun: 0, ended: 0, timers: new Set()};
            const released = new Promise((resolve) => (calls.release = resolve));
            // After everything that follows from the answer at once.
            const end = () => later(() => (calls.ended += 1));
            globalThis.fetch = async (address, ...options) => {
              calls.begun += 1;
              const answer = await real(address, ...options).finally(() => HELD.test(address) && released);
              for (const name of ['text', 'json']) {
                const read = answer[name].bind(answer);
                answer[name] = () => read().finally(end);
              }
              return answer;
            };
            globalThis.setTimeout = (run, ms) => {
              const timer = later(() => (calls.timers.delete(timer), run()), ms);
              if (ms >= 1000) calls.timers.add(timer);
              return timer;
            };";
        let script = script.replace("HELD", &format!("new RegExp({})", json!(held)));
        self.driver.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await.unwrap();
    }

    /// Waits until the page makes no call.
    pub async fn rests(&self) {
        eventually("no call is under way", async || {
            (self.run("return calls.begun > 0 && calls.begun === calls.ended").await == true).then_some(())
        })
        .await;
    }

    /// The colour scheme of the system: "light" or "dark".
    pub async fn prefers(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.driver.cdp().send_raw("Emulation.setEmulatedMedia", features).await.unwrap();
    }

    /// The width of the window: 390 is a phone's, 1920 a projector's.
    pub async fn resize(&self, width: u32) {
        let height = if width < 760 { 844 } else { width * 9 / 16 };
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.driver.cdp().send_raw("Emulation.setDeviceMetricsOverride", metrics).await.unwrap();
    }

    /// Asserts that the page as it is now has no violation that axe-core finds, does not scroll sideways and loads
    /// nothing from elsewhere; photographs it under `name`.
    pub async fn check(&self, name: &str) {
        if let Ok(folder) = std::env::var("PASAR_SHOTS") {
            std::fs::create_dir_all(&folder).unwrap();
            let shot = self.driver.screenshot_as_png().await.unwrap();
            std::fs::write(format!("{folder}/{name}.png"), shot).unwrap();
        }
        self.run(&self.axe).await;
        let script = "const done = arguments[arguments.length - 1];
            axe.run().then(({violations}) => done(violations.map(({id, nodes}) => [id, ...nodes.map(({html}) => html)])),
                           (error) => done(String(error)));";
        let found = self.driver.execute_async(script, Vec::new()).await.unwrap();
        assert_eq!(found.json(), &json!([]), "{name}");
        let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(self.run(overflow).await, 0, "{name} scrolls sideways");
        let elsewhere = "const known = [location.hostname];
            return performance.getEntriesByType('resource').map(({name}) => name)
                .filter((name) => !known.includes(new URL(name).hostname) && !name.startsWith('data:'))";
        assert_eq!(self.run(elsewhere).await, json!([]), "{name}");
    }
}
