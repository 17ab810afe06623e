//! The product service: the catalogue and its stock.

pub mod api;
pub mod client;
mod handlers;
mod invariants;
mod routes;
mod seed;
mod service;
mod state;
mod store;
mod subscribers;

pub use seed::{PastStock, Seeded, seed};
pub use service::{build, refill};
pub use subscribers::SUBSCRIBERS;
