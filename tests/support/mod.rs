//! Shared by all suites: the app in this process, the binary as a child process, and one HTTP client for both.

#![allow(dead_code, unused_imports, reason = "each suite is a crate of its own and uses only some of this")]

mod api;
mod app;
#[cfg(unix)]
pub mod binary;
pub mod blocking;
mod http;

use clap::ValueEnum;

pub use api::Api;
pub use app::{PASSWORD, TestApp, Visitor, eventually};
pub use http::{Answer, Broken, PATIENCE};
// Other items of the library that the suites use, so that a moved module is renamed only here.
pub use pasar::auth::token::{Secret, Tokens};
pub use pasar::clock::Clock;
pub use pasar::error::CATALOGUE;
pub use pasar::limits::raise as raise_limits;
pub use pasar::peer::ServiceToken;
use pasar::service::ServiceName;

/// A time in epoch milliseconds, as the API shows it.
pub fn rfc3339(epoch_ms: i64) -> String {
    pasar::domain::Timestamp::from_millis(epoch_ms).to_string()
}

/// The services with an address of their own. The payment service shares the one of the order service.
pub fn services_with_address() -> impl Iterator<Item = ServiceName> {
    ServiceName::value_variants().iter().copied().filter(|service| *service != ServiceName::Payment)
}
