//! SQLite: a pool of connections that read, and one thread that writes.

pub mod backup;
pub mod health;
pub mod open;
pub mod scan;
pub mod snapshot;
pub mod survey;
pub mod writer;
