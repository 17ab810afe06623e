//! The services from outside: everything here goes over HTTP to servers that run in this process.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop, its helpers too")]
#![allow(clippy::print_stdout, reason = "of a table, the last case printed is the one that failed")]

mod document;
mod errors;
mod fake;
mod journeys;
mod lists;
mod order;
mod pages;
mod peers;
mod product;
mod support;
mod transport;
mod user;
