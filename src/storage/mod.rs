//! The database: [`Db`] hands a closure a [`Tx`].
//!
//! A service's store is plain functions over `&Tx`, so a change and whatever must be committed with it share one
//! transaction without ceremony. Reads see one moment; writes are grouped (see `sqlite::writer`) and answered once
//! they are on the disk. This module knows nothing of HTTP or of a service.

mod db;
pub mod files;
mod generation;
pub mod idempotency;
mod page;
mod sqlite;
mod tx;
mod url;

pub use db::{Db, MAX_CHUNK_ROWS, MAX_WRITES_BETWEEN};
pub use generation::began_in;
pub use page::{Cursor, Listed, Sort, SortKey};
pub use sqlite::survey::Results;
pub use tx::{Param, Row, Tx};
pub use url::DatabaseUrl;
