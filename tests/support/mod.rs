//! What all suites use: the app in this process or the binary as a child process, and one HTTP client for both.

#![allow(dead_code, unused_imports, reason = "each suite is a crate of its own and uses only some of this")]

mod api;
mod app;
#[cfg(unix)]
pub mod binary;
pub mod blocking;
mod http;

pub use api::Api;
pub use app::{PASSWORD, TestApp, Visitor, eventually};
pub use http::{Answer, Broken, PATIENCE};
