//! Faults that people arm on purpose: what happens to a call, an event or a service, when, and how often it did.
//!
//! A fault fires where it is looked for: a call between services in `peer`, before it is sent; a request of a client in
//! the middleware of the server; an event in its delivery. None weakens the code that it meets: it only does what a
//! network, a gateway or a crash does.

pub mod api;
mod armed;
mod rule;
mod scope;

/// What something answers that is no service of ours.
pub const NONSENSE: &str = "<!doctype html><title>Welcome</title><p>It works!";
/// What a gateway answers that does not find the service.
pub const BARE_NOT_FOUND: &str = "404 page not found";
/// The header that arms a fault for one request, see [`Rule`].
pub const HEADER: &str = "pasar-fault";

pub use armed::{Armed, Faults, Fired, Refusal};
pub use rule::{ANYBODY, BadRule, CLIENT, DEFAULT_DELAY, EVENTS, Kind, Rule, Sent, Strike};
pub use scope::{OneRequest, has_fired, while_running};
