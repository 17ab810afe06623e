//! What a service says of itself to programs: the OpenAPI document, made from the table of routes, and the Postman
//! collection.

pub(super) mod cache;
mod documents;
pub(super) mod openapi;

pub use documents::routes;
pub use openapi::Doc;
