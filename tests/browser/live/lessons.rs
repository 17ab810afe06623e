//! The lessons, walked through as a reader would: each command is copied from the page into a terminal.

use std::process::Command;

use crate::browser::Browser;
use crate::support::Api;
use crate::support::binary::{Layout, Shop, TOGETHER};

const VERDICT: &str = "#lesson .verdict";

/// A shop with a terminal, in which `pasar` is found.
struct Terminal {
    shop: Shop,
    bin: tempfile::TempDir,
}

impl Terminal {
    fn open(layout: Layout) -> Self {
        let bin = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pasar"), bin.path().join("pasar")).unwrap();
        Self { shop: Shop::start(layout, &[]), bin }
    }

    /// Runs a command line without changing it. It may fail: some answers are lost on purpose.
    fn run(&self, line: &str) {
        let pasar = self.shop.pasar(&[]);
        let mut shell = Command::new("/bin/sh");
        for (name, value) in pasar.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(self.bin.path().to_owned()).chain(std::env::split_paths(&path));
        shell.env("PATH", std::env::join_paths(paths).unwrap());
        let ran = shell.args(["-c", line]).current_dir(self.shop.folder.path()).output().unwrap();
        // Shown if the test fails.
        let text = |output: &[u8]| String::from_utf8_lossy(output).into_owned();
        eprintln!("{line}\n{}{}", text(&ran.stdout), text(&ran.stderr));
    }

    /// Whether `pasar lesson NUMBER --check` says that it was done, and what it says.
    fn checks(&self, number: usize) -> (bool, String) {
        let ran = self.shop.pasar(&["lesson", &number.to_string(), "--check"]).output().unwrap();
        (ran.status.success(), String::from_utf8(ran.stdout).unwrap())
    }
}

async fn walk_through(browser: &Browser, layout: Layout, number: usize, steps: usize) {
    let terminal = Terminal::open(layout);
    let order = Api::of(terminal.shop.order());
    browser.open(&order, "/live/?lang=id").await;
    browser.run(&format!("localStorage.setItem('lesson', {number})")).await;
    browser.press("[data-lessons]").await;
    browser.reads("#lesson-title", &format!("Pelajaran {number}: ")).await;
    browser.reads(VERDICT, "Belum.").await;
    let (is_done, said) = terminal.checks(number);
    assert!(!is_done && said.contains("Not yet. "), "{said}");
    for step in 1..=steps {
        let line =
            browser.find(&format!("#lesson .lesson-steps li:nth-child({step}) code")).await.text().await.unwrap();
        terminal.run(&line);
        // It ticks by itself.
        browser.find(&format!("#lesson .lesson-steps li:nth-child({step}).done")).await;
        if step == 1 {
            browser.reads(VERDICT, "Belum.").await;
        }
    }
    browser.reads(VERDICT, "Lulus.").await;
    let (is_done, said) = terminal.checks(number);
    assert!(is_done && said.contains("Passed. "), "{said}");
    terminal.shop.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_lesson_is_passed_by_its_own_commands() {
    let Some(browser) = Browser::start().await else { return };
    browser.resize(1280).await;
    for (number, steps) in [(1, 2), (2, 2), (3, 2), (4, 2), (5, 2), (6, 2), (7, 3)] {
        walk_through(&browser, TOGETHER, number, steps).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lessons_are_the_same_with_a_process_for_each_service() {
    let Some(browser) = Browser::start().await else { return };
    browser.resize(1280).await;
    for (number, steps) in [(2, 2), (6, 2), (7, 3)] {
        walk_through(&browser, crate::support::binary::APART, number, steps).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lesson_can_be_read_by_everybody_and_started_over() {
    let Some(browser) = Browser::start().await else { return };
    let terminal = Terminal::open(TOGETHER);
    let order = Api::of(terminal.shop.order());
    for (language, scheme) in [("id", "light"), ("en", "dark")] {
        browser.prefers(scheme).await;
        for width in [390, 1280] {
            browser.resize(width).await;
            browser.open(&order, &format!("/live/?lang={language}")).await;
            browser.press("[data-lessons]").await;
            browser.find("#lesson-title").await;
            for name in ["hint", "why", "code"] {
                browser.press(&format!("#lesson details[data-name={name}] summary")).await;
            }
            browser.check(&format!("lesson-{language}-{scheme}-{width}")).await;
            browser.press("[data-close-lesson]").await;
        }
    }
    browser.press("[data-lessons]").await;
    for step in 1..=2 {
        let line =
            browser.find(&format!("#lesson .lesson-steps li:nth-child({step}) code")).await.text().await.unwrap();
        terminal.run(&line);
    }
    browser.reads(VERDICT, "Passed.").await;
    browser.press("[data-again]").await;
    browser.reads(VERDICT, "Not yet.").await;
    browser.press("[data-lesson='3']").await;
    browser.reads("#lesson-title", "Lesson 3: ").await;
    // It is there again after a reload.
    browser.open(&order, "/live/?lang=en").await;
    browser.reads("#lesson-title", "Lesson 3: ").await;
    terminal.shop.stop();
}
