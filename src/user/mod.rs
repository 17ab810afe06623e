//! The user service: users, their accounts and their notifications.

mod accounts;
pub mod api;
mod arrivals;
pub mod client;
mod handlers;
mod invariants;
mod limits;
mod password;
mod routes;
mod seed;
mod service;
mod state;
mod store;
mod stream;
mod subscribers;

pub use seed::add_customers;
pub use service::{build, refill, set_role, start_up};
pub use subscribers::SUBSCRIBERS;
