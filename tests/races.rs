//! What happens at the same time, and in every order: nothing is sold that is not there, of two steps
//! that race one wins, and an order lives as its model does.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop, its helpers too")]

#[path = "races/buyers.rs"]
mod buyers;
#[path = "races/model.rs"]
mod model;
#[path = "races/pairs.rs"]
mod pairs;
#[path = "races/sequences.rs"]
mod sequences;
#[path = "races/shop.rs"]
mod shop;
#[allow(dead_code)]
#[path = "api/support.rs"]
mod support;
