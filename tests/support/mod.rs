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
// What else the suites use of the library, so that a module that moves is renamed here alone.
pub use pasar::auth::token::{Secret, Tokens};
pub use pasar::clock::Clock;
pub use pasar::error::CATALOGUE;
pub use pasar::limits::raise as raise_limits;
pub use pasar::peer::ServiceToken;

/// A time in epoch milliseconds, as the API shows it.
pub fn rfc3339(epoch_ms: i64) -> String {
    pasar::domain::Timestamp::from_millis(epoch_ms).to_string()
}
