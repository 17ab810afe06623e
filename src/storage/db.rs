//! [`Db`]: the reads and writes of a process.

use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::Context;
use r2d2_sqlite::SqliteConnectionManager;

use super::generation::{self, Generation};
use super::sqlite::health::{self, Health};
use super::sqlite::survey::{Results, Surveys};
use super::sqlite::writer::{self, Origin, Stats, Writer};
use super::sqlite::{open, scan::Scans, snapshot::on_snapshot};
use super::tx::Tx;
use super::url::DatabaseUrl;
use crate::calls;
use crate::error::{Error, Result, STORAGE_UNAVAILABLE};

/// The most writes of requests between two writes of one background task: a full queue, the group that is being
/// committed, and the next one.
pub const MAX_WRITES_BETWEEN: usize = writer::MAX_QUEUED + 2 * writer::MAX_GROUP;
/// The most rows that one read should take: its thread serves other requests in between.
pub const MAX_CHUNK_ROWS: usize = 100;

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    readers: r2d2::Pool<SqliteConnectionManager>,
    scans: Scans,
    surveys: Surveys,
    writer: Writer,
    thread: Mutex<Option<JoinHandle<()>>>,
    stats: Arc<Stats>,
    health: Arc<Health>,
    generation: Arc<Generation>,
}

impl Db {
    /// Opens the database; creates it and updates its tables as needed. If other users of the machine can read its
    /// files, it is refused if it must be `private`, otherwise a warning is logged. Blocks.
    pub fn open(url: &DatabaseUrl, private: bool) -> anyhow::Result<Self> {
        let DatabaseUrl::Sqlite(file) = url;
        Self::open_sqlite(file, private).with_context(|| url.to_string())
    }

    fn open_sqlite(file: &Path, private: bool) -> anyhow::Result<Self> {
        let connection = open::set_up(file, private)?;
        let generation = Arc::<Generation>::default();
        generation.notice(Tx::new(&connection).generation()?);
        let (stats, health) = (Arc::new(Stats::default()), Arc::new(Health::default()));
        let (writer, thread) = Writer::start(file.to_owned(), connection, Arc::clone(&stats), Arc::clone(&health))?;
        Ok(Self(Arc::new(Inner {
            // Connections open as they are needed: a read uses one for microseconds.
            readers: open::readers(file, crate::limits::max_readers()),
            scans: Scans::new(),
            surveys: Surveys::new(),
            writer,
            thread: Mutex::new(Some(thread)),
            stats,
            health,
            generation,
        })))
    }

    /// Runs `work` on a snapshot. One call should read at most [`MAX_CHUNK_ROWS`] rows; a longer list takes several calls.
    ///
    /// SQLite answers from its page cache in microseconds; the way to another thread and back takes tens of them. So
    /// the closure runs on the thread of the caller. (With WAL no reader waits for a writer.) An engine over a
    /// network will not do that, hence `async`, `Send` and `'static`.
    #[expect(clippy::unused_async, reason = "callers must be ready to wait, see above")]
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let outcome = self.0.readers.get().map_err(Error::from).and_then(|connection| on_snapshot(&connection, work));
        outcome.inspect_err(|error| self.0.health.record_failure(error))
    }

    /// Runs `work`, which may look at many rows, on a snapshot and on another thread.
    ///
    /// Few scans run at once, each for one second at most, and few wait. One too many is
    /// [`BUSY`](crate::error::BUSY), one that takes too long [`TOO_SLOW`](crate::error::TOO_SLOW). `network` is the
    /// client's: one network gets only a share of the capacity. `None`: no such limit.
    pub async fn scan<T, F>(&self, network: Option<IpAddr>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let outcome = self.0.scans.run(&self.0.readers, network, work).await;
        outcome.inspect_err(|error| self.0.health.record_failure(error))
    }

    /// Begins to run `work`, which may look at all rows and sends what it finds, on a snapshot and on another thread.
    ///
    /// One survey runs at a time, for five minutes at most, and slowly; another one is [`BUSY`](crate::error::BUSY).
    pub async fn survey<T, F>(&self, work: F) -> Result<Results<T>>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>, &mut dyn FnMut(T) -> Result<()>) -> Result<()> + Send + 'static,
    {
        self.0.surveys.begin(&self.0.readers, work).await
    }

    /// Runs `work` in a write transaction and returns once it is committed to the disk.
    ///
    /// An error from `work` rolls back its own changes and no others. A failure of the database is
    /// [`STORAGE_UNAVAILABLE`], a full queue is [`BUSY`](crate::error::BUSY); after either, nothing was written. The
    /// closure is `Fn`: an engine may run it again.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let work = generation::bound(&self.0.generation, work);
        let outcome = if let Some(trace) = calls::trace_of_request() {
            let began = Instant::now();
            let recorded = self.0.writer.write(Origin::Request, move |tx| tx.recorded(trace, &work)).await;
            recorded.map(|(value, wrote)| {
                calls::committed(began, wrote);
                value
            })
        } else {
            self.0.writer.write(Origin::Request, work).await
        };
        outcome.inspect_err(|error| self.0.health.record_failure(error))
    }

    /// As [`Db::write`], for a background task that waits for each write before it starts the next. It is not refused
    /// when writes of requests fill the queue.
    pub async fn write_in_background<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let work = generation::bound(&self.0.generation, work);
        let outcome = self.0.writer.write(Origin::Background, work).await;
        outcome.inspect_err(|error| self.0.health.record_failure(error))
    }

    /// Removes all rows while the database is in use, but for jobs; `refill` adds those of a new database, in the same
    /// transaction. What began before can't write any more, if [`Self::may_be_reset`] was called before and it runs
    /// [in its generation](Self::in_generation).
    pub async fn reset<F>(&self, refill: F) -> Result<()>
    where
        F: Fn(&Tx<'_>) -> Result<()> + Send + 'static,
    {
        let work = move |tx: &Tx<'_>| {
            let generation = tx.remove_all_rows()?;
            refill(tx)?;
            Ok(generation)
        };
        let generation = self.0.writer.write(Origin::Request, work).await;
        // Not before the commit: what begins in a generation must see its rows.
        self.0.generation.notice(generation.inspect_err(|error| self.0.health.record_failure(error))?);
        Ok(())
    }

    /// Says that [`Self::reset`] may be called.
    pub fn may_be_reset(&self) {
        self.0.generation.may_end();
    }

    /// Runs `work` in the present generation of rows: after a reset, its writes are refused with
    /// [`BUSY`](crate::error::BUSY).
    pub async fn in_generation<T>(&self, work: impl Future<Output = T>) -> T {
        self.0.generation.scope(None, work).await
    }

    /// The same for work that began elsewhere, in this generation.
    pub async fn in_generation_of<T>(&self, began: Option<i64>, work: impl Future<Output = T>) -> T {
        self.0.generation.scope(began, work).await
    }

    /// [`BUSY`](crate::error::BUSY) if the generation in which the present task began is over. What it has read is gone,
    /// so that it must not tell others of it.
    pub async fn check_generation(&self) -> Result<()> {
        let check = generation::bound(&self.0.generation, |_| Ok(()));
        self.read(move |tx| check(tx)).await
    }

    /// Checks that the database can be read and written; [`STORAGE_UNAVAILABLE`] if not.
    ///
    /// The result of the latest write counts, if it is at most a second old; otherwise a probe is written. After
    /// SQLite has reported a damaged file, this fails until a restart.
    pub async fn check(&self) -> Result<()> {
        let check = async {
            if let Some(known) = self.0.health.latest_result() {
                return known;
            }
            let _probing = self.0.health.probing.lock().await;
            // Another check may have probed meanwhile.
            if let Some(known) = self.0.health.latest_result() {
                return known;
            }
            self.read(|tx| tx.query_opt("SELECT id FROM probes", &[], |_| Ok(()))).await?;
            self.write(health::probe).await
        };
        let late = |_| Err(Error::new(&STORAGE_UNAVAILABLE).detail("a write takes too long"));
        tokio::time::timeout(health::CHECK_TIMEOUT, check).await.unwrap_or_else(late)
    }

    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// The number of writes answered since the start.
    pub fn writes(&self) -> u64 {
        self.0.stats.writes.load(Ordering::Relaxed)
    }

    /// Waits until more than `seen` writes have been answered.
    pub async fn written_since(&self, seen: u64) {
        loop {
            // Created first, so that no notification is lost between the check and the wait.
            let answered = self.0.stats.answered.notified();
            if self.writes() > seen {
                return;
            }
            answered.await;
        }
    }

    /// Finishes the waiting writes, checkpoints the log, and ends the writer thread. Blocks.
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

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;
    use crate::error::{BUSY, TOO_SLOW};

    #[tokio::test]
    async fn who_waits_for_a_write_is_woken_by_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&DatabaseUrl::Sqlite(folder.path().join("pasar.db")), false).unwrap();
        let (seen, other) = (db.writes(), db.clone());
        let mut waiting = pin!(other.written_since(seen));
        assert!(waiting.as_mut().now_or_never().is_none());
        db.write(|tx| tx.mark_done("a write")).await.unwrap();
        waiting.await;
        // What was written before one waits counts, too.
        db.written_since(seen).await;
        tokio::task::spawn_blocking(move || db.close()).await.unwrap();
    }

    #[tokio::test]
    async fn one_survey_runs_at_a_time_and_ends_when_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&DatabaseUrl::Sqlite(folder.path().join("pasar.db")), false).unwrap();
        let endless = |tx: &Tx<'_>, send: &mut dyn FnMut(i64) -> Result<()>| {
            send(1)?;
            let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
            send(tx.query_one(sql, &[], |row| row.get(0))?)
        };
        let mut first = db.survey(endless).await.unwrap();
        assert_eq!(first.recv().await.unwrap().unwrap(), 1);
        assert!(db.survey(endless).await.is_err_and(|error| error.is(&BUSY)));
        drop(first);
        let short = |tx: &Tx<'_>, send: &mut dyn FnMut(i64) -> Result<()>| {
            send(tx.query_one("SELECT count(*) FROM done", &[], |row| row.get(0))?)
        };
        let mut next = db.survey(short).await.unwrap();
        assert_eq!(next.recv().await.unwrap().unwrap(), 0);
        assert!(next.recv().await.is_none());
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
