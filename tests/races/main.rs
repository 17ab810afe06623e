//! What happens at the same time, and in every order: nothing is sold that is not there, of two steps
//! that race one wins, and an order lives as its model does.

#![allow(clippy::disallowed_methods, reason = "what is forbidden to the services is the business of their tests")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop, its helpers too")]

mod buyers;
mod model;
mod pairs;
mod sequences;
mod shop;
#[path = "../support/mod.rs"]
mod support;
