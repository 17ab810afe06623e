//! The product service: what there is to buy, and how much of it.

pub mod api;
pub mod client;
mod handlers;
mod routes;
mod service;
mod state;
mod store;
mod subscribers;

pub use service::build;
pub use subscribers::SUBSCRIBERS;
