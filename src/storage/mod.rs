//! The database: [`Db`] hands a closure a [`Tx`].
//!
//! A service's store is plain functions over `&Tx`, so a change and whatever must stand or fall with it
//! share one transaction without ceremony. Reads see one moment; writes are grouped (see `writer`) and
//! answered once they are on the disk. This module knows nothing of HTTP or of a service.

pub mod files;
mod health;
pub mod idempotency;
mod page;
mod scan;
mod sqlite;
mod tx;
mod writer;

use std::fmt;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;
use tokio::sync::Notify;

use crate::error::{Error, Result, STORAGE_UNAVAILABLE};
use health::Health;
pub use page::{Listed, Place, Sort, SortKey};
use scan::Scans;
pub use tx::{Param, Row, Tx};
use writer::{For, Writer};

/// The most writes of requests that run between two of one background task: what the queue holds, the group that
/// is being committed and the one after it.
pub const WRITES_BETWEEN: usize = writer::QUEUE + 2 * writer::GROUP;
/// The most rows that a read should take at once: its thread serves others in between.
pub const CHUNK: usize = 100;

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:PATH`
    Sqlite(PathBuf),
}

impl DatabaseUrl {
    /// Whether there is a database already.
    pub fn exists(&self) -> bool {
        let Self::Sqlite(file) = self;
        file.exists()
    }

    /// The files that it consists of, as far as there are such.
    pub fn files(&self) -> Vec<PathBuf> {
        let Self::Sqlite(file) = self;
        let files = ["", "-wal", "-shm", "-journal"].map(|end| {
            let mut path = file.clone().into_os_string();
            path.push(end);
            PathBuf::from(path)
        });
        files.into_iter().filter(|file| file.exists()).collect()
    }

    /// An error if another process uses the database, or if it is another program's. Blocks.
    pub fn check_unused(&self) -> anyhow::Result<()> {
        let Self::Sqlite(file) = self;
        sqlite::check_unused(file)
    }

    /// The path of a file of this name beside the database.
    pub fn beside(&self, name: &str) -> PathBuf {
        let Self::Sqlite(file) = self;
        file.with_file_name(name)
    }
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
    /// Notified after each group.
    answered: Notify,
}

/// A database that is open. Clones share it.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    readers: r2d2::Pool<SqliteConnectionManager>,
    scans: Scans,
    writer: Writer,
    thread: Mutex<Option<JoinHandle<()>>>,
    stats: Arc<Stats>,
    health: Arc<Health>,
}

impl Db {
    /// Opens the database, creating it and bringing its tables up to date as needed. If others can read its files,
    /// it is refused where they must be `private`, else the log says so. Blocks.
    pub fn open(url: &DatabaseUrl, private: bool) -> anyhow::Result<Self> {
        let DatabaseUrl::Sqlite(file) = url;
        Self::open_sqlite(file, private).with_context(|| url.to_string())
    }

    fn open_sqlite(file: &Path, private: bool) -> anyhow::Result<Self> {
        let connection = sqlite::set_up(file, private)?;
        let (stats, health) = (Arc::new(Stats::default()), Arc::new(Health::default()));
        let (writer, thread) = Writer::start(file.to_owned(), connection, Arc::clone(&stats), Arc::clone(&health))?;
        Ok(Self(Arc::new(Inner {
            // A read holds one for microseconds; they open as they are needed.
            readers: sqlite::readers(file, crate::limits::readers()),
            scans: Scans::new(),
            writer,
            thread: Mutex::new(Some(thread)),
            stats,
            health,
        })))
    }

    /// Runs `work` on a snapshot, in [`CHUNK`]s of rows if it reads many.
    ///
    /// SQLite answers from its page cache in microseconds, where the way to another thread and back
    /// takes tens of them: so the closure runs right here, on the thread of the caller. (Behind WAL no
    /// reader waits for a writer.) An engine over a network will not do that, hence `async`, `Send` and
    /// `'static`.
    #[expect(clippy::unused_async, reason = "callers must be ready to wait, see above")]
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let outcome = self.0.readers.get().map_err(Error::from).and_then(|connection| on_snapshot(&connection, work));
        outcome.inspect_err(|error| self.0.health.failed(error))
    }

    /// Runs `work`, which may look at many rows, on a snapshot and on another thread.
    ///
    /// Few scans run at once, each for a second at most, and few wait: what is too much is
    /// [`BUSY`](crate::error::BUSY), what takes too long [`TOO_SLOW`](crate::error::TOO_SLOW). `network` says for
    /// whom it is, as one network gets a part of the capacity only; `None`: without that limit.
    pub async fn scan<T, F>(&self, network: Option<IpAddr>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let outcome = self.0.scans.run(&self.0.readers, network, work).await;
        outcome.inspect_err(|error| self.0.health.failed(error))
    }

    /// Runs `work` in a write transaction and answers once it is committed to the disk.
    ///
    /// An error from `work` undoes what it did and nothing else. A failure of the database is
    /// [`STORAGE_UNAVAILABLE`], a full queue is
    /// [`BUSY`](crate::error::BUSY); after either, nothing was kept. The closure is `Fn`: an engine may have to run it again.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let outcome = self.0.writer.write(For::Request, work).await;
        outcome.inspect_err(|error| self.0.health.failed(error))
    }

    /// As [`Db::write`], for a task behind the services that waits for one write before it begins the next: it
    /// is not refused because the writes of requests fill the queue.
    pub async fn write_in_background<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let outcome = self.0.writer.write(For::Background, work).await;
        outcome.inspect_err(|error| self.0.health.failed(error))
    }

    /// Whether the database can be read and written to; [`STORAGE_UNAVAILABLE`] if not.
    ///
    /// The outcome of the latest write tells, if it is at most a second old; otherwise a write of its own does. A
    /// file that SQLite has found damaged counts as unavailable until a restart.
    pub async fn check(&self) -> Result<()> {
        let check = async {
            if let Some(known) = self.0.health.known() {
                return known;
            }
            let _probing = self.0.health.probing.lock().await;
            // Somebody else may have probed meanwhile.
            if let Some(known) = self.0.health.known() {
                return known;
            }
            self.read(|tx| tx.query_opt("SELECT id FROM probes", &[], |_| Ok(()))).await?;
            self.write(health::probe).await
        };
        let late = |_| Err(Error::new(&STORAGE_UNAVAILABLE).detail("a write takes too long"));
        tokio::time::timeout(health::PATIENCE, check).await.unwrap_or_else(late)
    }

    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// How many writes have been answered since the start.
    pub fn writes(&self) -> u64 {
        self.0.stats.writes.load(Ordering::Relaxed)
    }

    /// Waits until more writes have been answered than `seen`.
    pub async fn written_since(&self, seen: u64) {
        loop {
            // First, so that no notification between the look and the wait is lost.
            let answered = self.0.stats.answered.notified();
            if self.writes() > seen {
                return;
            }
            answered.await;
        }
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

/// Runs `work` in a read transaction of its own.
fn on_snapshot<T>(connection: &Connection, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
    if !connection.is_autocommit() {
        // What an earlier read could not end.
        connection.prepare_cached("ROLLBACK")?.raw_execute()?;
    }
    connection.prepare_cached("BEGIN")?.raw_execute()?;
    // Caught here, so that the connection goes back to the pool without an open transaction.
    let outcome = catch_unwind(AssertUnwindSafe(|| work(&Tx::new(connection))))
        .unwrap_or_else(|_| Err(Error::internal(anyhow::anyhow!("a read panicked"))));
    // An error of the disk may have ended the transaction already. Nothing was written, so a failure
    // here loses nothing either; the next read on this connection sees to it.
    if !connection.is_autocommit()
        && let Err(error) = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.raw_execute())
    {
        log::warn!("a read could not be ended: {error}");
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;
    use crate::error::TOO_SLOW;

    #[tokio::test]
    async fn who_waits_for_a_write_is_woken_by_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&DatabaseUrl::Sqlite(folder.path().join("pasar.db")), false).unwrap();
        let (seen, other) = (db.writes(), db.clone());
        let mut waiting = pin!(other.written_since(seen));
        assert!(waiting.as_mut().now_or_never().is_none());
        db.write(|tx| tx.first_time("a write")).await.unwrap();
        waiting.await;
        // What was written before one waits counts, too.
        db.written_since(seen).await;
        tokio::task::spawn_blocking(move || db.close()).await.unwrap();
    }

    #[tokio::test]
    async fn a_scan_ends_at_its_limit_and_takes_nothing_else_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&DatabaseUrl::Sqlite(folder.path().join("pasar.db")), false).unwrap();
        let endless = |tx: &Tx<'_>| {
            let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
            tx.query_one(sql, &[], |row| row.get::<i64>(0))
        };
        let (scan, other) =
            futures_util::future::join(db.scan(None, endless), db.read(|tx| tx.query("SELECT 1", &[], |_| Ok(()))))
                .await;
        assert!(scan.is_err_and(|error| error.is(&TOO_SLOW)));
        assert_eq!(other.unwrap().len(), 1);
        // The next one has its own time, and so have reads on the same connection.
        let count = |tx: &Tx<'_>| tx.query_one("SELECT count(*) FROM done", &[], |row| row.get::<i64>(0));
        assert_eq!(db.scan(None, count).await.unwrap(), 0);
        assert_eq!(db.read(count).await.unwrap(), 0);
        tokio::task::spawn_blocking(move || db.close()).await.unwrap();
    }
}
