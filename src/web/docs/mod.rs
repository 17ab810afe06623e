//! What a service says of itself: the OpenAPI document, and the pages for people.

mod html;
pub(super) mod openapi;
mod pages;

pub use openapi::{Doc, Endpoint};
pub use pages::{Pages, favicon, routes};
