//! Who makes a request, and what they may do.
//!
//! Each route says in its `Doc` who may call it ([`Access`]); `web::middleware::guard` asks [`Auth::admit`] before the
//! handler runs. What belongs to somebody is found within a [`Scope`], which goes into the `WHERE` of the query:
//! another's object is simply not there.

mod access;
mod guard;
mod principal;
pub mod revocations;
pub mod token;

pub use access::{Access, Admitted, Scope};
pub use guard::{Auth, TokenCheck};
pub use principal::{Principal, Role, UserPrincipal};
