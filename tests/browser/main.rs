//! The pages in a real Chromium, used as a person would, and checked with axe-core.
//!
//! Needs `chromium` and `chromedriver` on the PATH, and `AXE`, the path of axe-core's `axe.min.js`
//! (`tests/tools/install` fetches it). Without them the tests are skipped with a message; with `CI=true` this is a
//! failure. With `PASAR_SHOTS=FOLDER` the pages that are checked are photographed too.

#![cfg(unix)]
#![allow(clippy::disallowed_methods, reason = "what is forbidden to the services is the business of their tests")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on has failed")]

mod admin;
mod browser;
mod docs;
mod journey;
mod live;
mod proxy;
mod service;
mod shop;
#[path = "../support/mod.rs"]
mod support;
