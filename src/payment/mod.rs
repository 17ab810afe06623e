//! The payment service: how orders are paid for. It reads and changes orders only through their service.

pub mod api;
pub mod client;
mod gateway;
mod handlers;
mod invariants;
mod jobs;
mod opening;
mod routes;
mod seed;
mod service;
mod settlement;
mod state;
mod store;
mod subscribers;

pub use gateway::Rule;
pub use seed::{PaidOrder, PastPayments};
pub use service::{Settings, build};
pub use subscribers::SUBSCRIBERS;
