//! The database: [`Db`] hands a closure a [`Tx`], on a thread that may block.
//!
//! A service's store is plain functions over `&Tx`, so a change and whatever must stand or fall with it
//! share one transaction without ceremony. Reads see one moment; writes are grouped (see `writer`) and
//! answered once they are on the disk. This module knows nothing of HTTP or of a service.

mod sqlite;
mod tx;
mod writer;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context;
use r2d2_sqlite::SqliteConnectionManager;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::error::{BUSY, Error, Result};
pub use tx::{Param, Row, Tx};
use writer::Writer;

/// Reads that may wait for a connection before the next one is refused.
const READS_WAITING: usize = 4096;

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:PATH`
    Sqlite(PathBuf),
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        match url.strip_prefix("sqlite:") {
            Some("" | ":memory:") => Err("sqlite: needs the path of a file".to_owned()),
            Some(path) => Ok(Self::Sqlite(path.strip_prefix("//").unwrap_or(path).into())),
            None => Err("a database is written sqlite:PATH".to_owned()),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Sqlite(path) = self;
        write!(f, "sqlite:{}", path.display())
    }
}

/// What the writer has done since the start.
#[derive(Debug, Default)]
pub struct Stats {
    /// Groups committed.
    pub commits: AtomicU64,
    /// Jobs answered, whatever their outcome.
    pub writes: AtomicU64,
}

/// A database that is open. Clones share it.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    runtime: Handle,
    readers: r2d2::Pool<SqliteConnectionManager>,
    /// As many permits as the pool has connections, so that waiting for one never blocks a thread.
    permits: Semaphore,
    /// The places in the queue for a permit.
    waiting: Semaphore,
    writer: Writer,
    thread: Mutex<Option<JoinHandle<()>>>,
    stats: Arc<Stats>,
}

impl Db {
    /// Opens the database, creating it and bringing its tables up to date as needed. Blocks.
    /// Its threads belong to `runtime`.
    pub fn open(url: &DatabaseUrl, runtime: Handle) -> anyhow::Result<Self> {
        let DatabaseUrl::Sqlite(file) = url;
        Self::open_sqlite(file, runtime).with_context(|| url.to_string())
    }

    fn open_sqlite(file: &Path, runtime: Handle) -> anyhow::Result<Self> {
        let connection = sqlite::set_up(file)?;
        let stats = Arc::new(Stats::default());
        let (writer, thread) = Writer::start(file.to_owned(), connection, Arc::clone(&stats))?;
        let size = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 16));
        Ok(Self(Arc::new(Inner {
            runtime,
            readers: sqlite::readers(file, size as u32),
            permits: Semaphore::new(size),
            waiting: Semaphore::new(READS_WAITING),
            writer,
            thread: Mutex::new(Some(thread)),
            stats,
        })))
    }

    /// Runs `work` on a snapshot. Fails when the database does, or when too many reads wait.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let Ok(place) = inner.waiting.try_acquire() else {
            return Err(Error::new(&BUSY).detail("too many reads are waiting"));
        };
        let permit = inner.permits.acquire().await.map_err(Error::internal)?;
        drop(place);
        let readers = inner.readers.clone();
        let done = inner.runtime.spawn_blocking(move || {
            let connection = readers.get()?;
            connection.prepare_cached("BEGIN")?.raw_execute()?;
            // Caught here, so that the connection goes back to the pool without an open transaction.
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&Tx::new(&connection))))
                .unwrap_or_else(|_| Err(Error::internal(anyhow::anyhow!("a read panicked"))));
            // Nothing was written, so there is nothing that a failure here could lose.
            connection.prepare_cached("COMMIT")?.raw_execute()?;
            outcome
        });
        let outcome = done.await;
        drop(permit);
        outcome.unwrap_or_else(|panic| Err(Error::internal(panic)))
    }

    /// Runs `work` in a write transaction and answers once it is committed to the disk.
    ///
    /// An error from `work` undoes what it did and nothing else. A failure of the database is
    /// [`STORAGE_UNAVAILABLE`](crate::error::STORAGE_UNAVAILABLE), a full queue is [`BUSY`]; after
    /// either, nothing was kept. The closure is `Fn`: an engine may have to run it again.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.0.writer.write(work).await
    }

    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// Finishes the writes that wait, folds the log into the file and ends the writer. Blocks.
    pub fn close(&self) {
        self.0.writer.stop();
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            log::error!("the writer ended with a panic");
        }
    }
}
