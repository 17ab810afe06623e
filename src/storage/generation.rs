//! Generations of rows: a reset removes all rows of a database that is in use, and ids begin anew.
//!
//! Work that began before a reset knows rows that are gone, and their ids may be those of others by now. So requests and
//! tasks run in the generation in which they began: after a reset, their writes are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::tx::Tx;
use crate::error::{BUSY, Error, Result};

/// Tables whose rows a reset keeps: those of the schema and of this module, and the jobs, which `events` removes. Job
/// ids do not begin anew.
const KEPT: [&str; 3] = ["migrations", "resets", "intents"];

tokio::task_local! {
    /// The generation in which the task's present work began.
    static BEGAN_IN: i64;
}

/// The present generation of a database, as this process knows it. An older one than the database's only leads to a
/// refusal.
#[derive(Default)]
pub struct Generation {
    present: AtomicI64,
    /// Whether this process may reset the database; work is not bound to its generation elsewhere.
    may_end: AtomicBool,
}

impl Generation {
    /// Notices that the database is in this generation.
    pub fn notice(&self, generation: i64) {
        self.present.fetch_max(generation, Ordering::SeqCst);
    }

    pub fn may_end(&self) {
        self.may_end.store(true, Ordering::SeqCst);
    }

    /// Runs `work` in the generation in which it `began` elsewhere, or in the present one.
    pub async fn scope<T>(&self, began: Option<i64>, work: impl Future<Output = T>) -> T {
        if self.may_end.load(Ordering::SeqCst) {
            let began = began.unwrap_or_else(|| self.present.load(Ordering::SeqCst));
            BEGAN_IN.scope(began, work).await
        } else {
            work.await
        }
    }
}

/// The generation in which the work of the current task began, for a call that must not outlive it.
pub fn began_in() -> Option<i64> {
    BEGAN_IN.try_with(|began_in| *began_in).ok()
}

/// `work`, refused with [`BUSY`] if the generation in which the present task began is over.
pub fn bound<T, F>(generation: &Arc<Generation>, work: F) -> impl Fn(&Tx<'_>) -> Result<T> + Send + use<T, F>
where
    F: Fn(&Tx<'_>) -> Result<T> + Send,
{
    let (generation, began_in) = (Arc::clone(generation), began_in());
    move |tx| {
        if let Some(began_in) = began_in {
            let present = tx.generation()?;
            generation.notice(present);
            if present != began_in {
                return Err(Error::new(&BUSY).detail("all rows were removed meanwhile"));
            }
        }
        work(tx)
    }
}

impl Tx<'_> {
    /// How often all rows of the database were removed.
    pub fn generation(&self) -> Result<i64> {
        self.query_one("SELECT count FROM resets", &[], |row| row.get(0))
    }

    /// Removes the rows of all tables but [`KEPT`], whichever service they belong to, and begins a new generation, which
    /// is returned. Ids begin anew, too.
    pub(super) fn remove_all_rows(&self) -> Result<i64> {
        // Those of the search index go with their products, by a trigger.
        let tables = "SELECT name FROM pragma_table_list
                      WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'";
        let tables = self.query(tables, &[], |row| row.get::<String>(0))?;
        for table in tables.iter().filter(|table| !KEPT.contains(&table.as_str())) {
            self.execute(&format!("DELETE FROM \"{table}\""), &[])?;
            self.execute("DELETE FROM sqlite_sequence WHERE name = $1", &[table.into()])?;
        }
        self.query_one("UPDATE resets SET count = count + 1 RETURNING count", &[], |row| row.get(0))
    }
}
