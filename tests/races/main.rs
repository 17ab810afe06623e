//! What happens at the same time, and in every order: nothing is sold that is not there, of two steps
//! that race one wins, and an order lives as its model does.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop, its helpers too")]

mod buyers;
mod model;
mod pairs;
mod sequences;
mod shop;
#[path = "../support/mod.rs"]
mod support;
