//! HTTP, shared by the servers of all services. A service adds its routes and its state; everything about HTTP as
//! such is here.

mod allowlist;
mod auth;
mod body;
mod calls;
mod connections;
mod docs;
mod extract;
mod faults;
mod form;
mod health;
mod invariants;
mod json;
mod lessons;
mod middleware;
mod page;
mod pages;
mod problem;
mod public_address;
mod query;
mod reset;
mod response;
mod route;
mod routes;
mod server;
mod sse;
mod state;
mod struck;

pub use allowlist::Hosts;
pub(crate) use body::body;
pub use connections::MAX_WAIT_FOR_ROOM;
pub use docs::Doc;
pub use extract::{ClientAddress, IdempotencyKey, PathId, PathKey};
pub use form::{Body, Fields, array};
pub use json::{Json, OptionalJson};
pub use page::{Page, list};
pub use public_address::{PublicAddress, is_loopback};
pub use query::Query;
pub use response::{created, created_once, in_language, no_content, no_store, ok};
pub use routes::{Mount, Routes};
pub use server::{KEEP_ALIVE, serve};
pub use sse::{LastEventId, LiveStreams, Message, MessageSource, follow};
pub use state::{Documentation, Reset, Server};
