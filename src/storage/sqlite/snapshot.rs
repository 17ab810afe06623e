//! A read transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::storage::tx::Tx;

/// Runs `work` in a read transaction of its own.
pub fn on_snapshot<T>(connection: &Connection, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
    if !connection.is_autocommit() {
        // An earlier read could not end its transaction.
        connection.prepare_cached("ROLLBACK")?.raw_execute()?;
    }
    connection.prepare_cached("BEGIN")?.raw_execute()?;
    // Caught here, so that the connection returns to the pool without an open transaction.
    let outcome = catch_unwind(AssertUnwindSafe(|| work(&Tx::new(connection))))
        .unwrap_or_else(|_| Err(Error::internal(anyhow::anyhow!("a read panicked"))));
    // A disk error may have ended the transaction already. Nothing was written, so a failure here loses nothing; the
    // next read on this connection repairs it.
    if !connection.is_autocommit()
        && let Err(error) = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.raw_execute())
    {
        log::warn!("a read could not be ended: {error}");
    }
    outcome
}
