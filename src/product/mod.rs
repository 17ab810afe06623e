//! The product service: the catalogue and its stock.

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
