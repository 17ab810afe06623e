//! Authentication and authorization: who makes a request, and what they may do.
//!
//! Each route names who may call it ([`Access`]), and `web::middleware::guard` calls [`Auth::admit`] before the handler
//! runs. A [`Scope`] goes into the `WHERE` of a query, so that the object of another user is not found.

mod access;
mod guard;
mod principal;
pub mod revocations;
pub mod token;

pub use access::{Access, Admission, Scope};
pub use guard::{Auth, TokenCheck};
pub use principal::{Principal, Role, UserPrincipal};
