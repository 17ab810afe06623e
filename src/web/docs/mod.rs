//! What a service says of itself: the OpenAPI document, and the pages for people.

pub(super) mod cache;
mod html;
pub(super) mod openapi;
mod pages;

pub use openapi::Doc;
pub use pages::{favicon, routes};
