//! Tests over HTTP against servers that run in this process.

#![allow(clippy::disallowed_methods, reason = "what is forbidden to the services is the business of their tests")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop, its helpers too")]
#![allow(clippy::print_stdout, reason = "of a table, the last case printed is the one that failed")]

mod access;
mod accounts;
mod attempts;
mod calls;
mod catalogue;
mod clock;
mod connections;
mod customers;
mod document;
mod errors;
mod events;
mod fake;
mod faults;
mod figures;
mod forms;
mod gateway;
mod hints;
mod invariants;
mod journeys;
mod lessons;
mod lifecycle;
mod lists;
mod notifications;
mod order;
mod pages;
mod payment;
mod peers;
mod product;
mod quota;
mod refusals;
mod registration;
mod reset;
mod search;
mod stock;
#[path = "../support/mod.rs"]
mod support;
mod tickets;
mod tokens;
mod transport;
mod user;
