//! The order service: the orders and their life. It reads users, products and payments only through their services.

mod activity;
pub mod api;
pub mod client;
mod expiry;
mod figures;
mod forms;
mod handlers;
mod hints;
mod invariants;
mod jobs;
mod lifecycle;
mod placement;
mod routes;
mod seed;
mod service;
mod state;
mod store;
mod subscribers;

pub use jobs::OrderJob;
pub use lifecycle::{Initiator, Transition};
pub use seed::PastOrders;
pub use service::{Settings, build, refill};
pub use state::Quota;
pub use subscribers::SUBSCRIBERS;
