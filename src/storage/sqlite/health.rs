//! The health of the database, as its latest writes show it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::open::is_corruption;
use crate::context::ANSWER_TIME;
use crate::error::{Error, Result, STORAGE_UNAVAILABLE};
use crate::storage::tx::Tx;

/// How long the result of a write counts. There is at most one probe in this time.
const RESULT_TTL: Duration = Duration::from_secs(1);
/// How long a check may take.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
const _: () = assert!(CHECK_TIMEOUT.as_millis() < ANSWER_TIME.as_millis(), "a health check is answered in time");

#[derive(Default)]
pub struct Health {
    state: Mutex<State>,
    /// Locked while a probe is in progress.
    pub probing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// SQLite has reported a damaged file. Other writes may still succeed, and spread the damage: so it stays true
    /// until a restart.
    corrupt: bool,
    /// When the latest write ended, and whether it reached the disk.
    latest: Option<(Instant, bool)>,
}

impl Health {
    /// Whether the database can be written; `None` if only a probe can tell.
    pub fn latest_result(&self) -> Option<Result<()>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.corrupt {
            let detail = "the database file is damaged: restore it and restart the service";
            return Some(Err(Error::new(&STORAGE_UNAVAILABLE).detail(detail)));
        }
        let (at, written) = state.latest?;
        (at.elapsed() < RESULT_TTL).then(|| match written {
            true => Ok(()),
            false => Err(Error::new(&STORAGE_UNAVAILABLE).detail("the latest write failed")),
        })
    }

    /// Records whether a write reached the disk.
    pub fn record_write(&self, written: bool) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).latest = Some((Instant::now(), written));
    }

    /// Records damage of the file, if that is the reason of a failure.
    pub fn record_failure(&self, error: &Error) {
        if is_corruption(error) {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::mem::replace(&mut state.corrupt, true) {
                log::error!("the database file is damaged, this process is not ready any more: {error}");
            }
        }
    }
}

/// Writes at least as much as requests write, to need as much room. The data is random, since SQLite skips a page
/// that has not changed.
pub fn probe(tx: &Tx<'_>) -> Result<()> {
    let sql = "INSERT INTO probes (id, filler) VALUES (1, randomblob(32768))
               ON CONFLICT (id) DO UPDATE SET filler = excluded.filler";
    tx.execute(sql, &[])?;
    Ok(())
}
