//! Concurrency: nothing is oversold, of two racing steps one wins, and an order behaves like its model in every
//! sequence of steps.

#![allow(clippy::disallowed_methods, reason = "what is forbidden to the services is the business of their tests")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop, its helpers too")]

mod buyers;
mod model;
mod pairs;
mod sequences;
mod shop;
#[path = "../support/mod.rs"]
mod support;
