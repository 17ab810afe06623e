//! The only writer of SQLite: a thread that commits all waiting writes as one group (group commit).
//!
//! SQLite has one write lock for a file, and each commit costs an fsync. So the writes that arrive while a group is
//! being synced become the next group. In a group of several, each write runs in a `SAVEPOINT`, so that it fails alone.
//! No caller is answered before the `COMMIT` has reached the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{Notify, oneshot};

use super::health::Health;
use super::open::open_writer;
use crate::error::{BUSY, Error, INTERNAL, Result, STORAGE_UNAVAILABLE};
use crate::storage::tx::Tx;

/// The most waiting writes; at this number a write of a request is refused. About a second of work.
pub const MAX_QUEUED: usize = 2048;
/// Further writes of background tasks that may wait; each task has one at a time.
const MAX_QUEUED_IN_BACKGROUND: usize = 64;
/// The most writes of one commit. A larger group would only delay the answers.
pub const MAX_GROUP: usize = 256;
/// The time without writes after which the log is checkpointed.
const CHECKPOINT_AFTER: Duration = Duration::from_secs(1);

/// Counts of the writer since the start.
#[derive(Debug, Default)]
pub struct Stats {
    /// Groups committed.
    pub commits: AtomicU64,
    /// Jobs answered, whatever their result.
    pub writes: AtomicU64,
    /// Notified after each group.
    pub answered: Notify,
}

pub struct Writer {
    queue: SyncSender<Message>,
    /// Jobs in the queue.
    waiting: Arc<AtomicUsize>,
}

/// Where a write comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Request,
    Background,
}

enum Message {
    Write(Box<dyn QueuedWrite>),
    Stop,
}

impl Writer {
    /// Starts the thread. It ends after [`Writer::stop`], or when the last `Writer` is dropped.
    pub fn start(
        file: PathBuf,
        connection: Connection,
        stats: Arc<Stats>,
        health: Arc<Health>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (queue, jobs) = sync_channel(MAX_QUEUED + MAX_QUEUED_IN_BACKGROUND);
        let waiting = Arc::<AtomicUsize>::default();
        let writing = WriterThread { file, connection: Some(connection), stats, health, waiting: Arc::clone(&waiting) };
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || writing.run(&jobs))?;
        Ok((Self { queue, waiting }, thread))
    }

    /// Runs `work` in the next group and returns after its commit.
    pub async fn write<T, F>(&self, origin: Origin, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let full = || Error::new(&BUSY).detail("too many writes are waiting");
        // Counted before it is sent, so that the writer never subtracts it first.
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_QUEUED && origin == Origin::Request {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(full());
        }
        let (reply, answer) = oneshot::channel();
        let call = Box::new(Call { work, outcome: None, reply });
        match self.queue.try_send(Message::Write(call)) {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(stopped())),
            Err(refused) => {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                Err(if matches!(refused, TrySendError::Full(_)) { full() } else { stopped() })
            }
        }
    }

    /// Ends the thread after the waiting writes. Blocks while the queue is full.
    pub fn stop(&self) {
        // An error means that the thread has ended already.
        let _ = self.queue.send(Message::Stop);
    }
}

fn stopped() -> Error {
    Error::new(&STORAGE_UNAVAILABLE).detail("the writer has stopped")
}

/// The closure of a caller and the channel for its result, with the types erased.
trait QueuedWrite: Send {
    /// Whether the caller still waits for the result.
    fn is_awaited(&self) -> bool;
    /// Runs the closure and keeps its result; true if its changes may be committed.
    fn run(&mut self, tx: &Tx<'_>) -> bool;
    /// Sends the result to the caller. If `committed` is false, a success has become a failure.
    fn answer(self: Box<Self>, committed: bool);
}

struct Call<T, F> {
    work: F,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> QueuedWrite for Call<T, F>
where
    T: Send,
    F: Fn(&Tx<'_>) -> Result<T> + Send,
{
    fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(&mut self, tx: &Tx<'_>) -> bool {
        // A panic fails this write alone; it is rolled back like any failure.
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.work)(tx)))
            .unwrap_or_else(|_| Err(Error::new(&INTERNAL).caused_by(anyhow::anyhow!("a write panicked"))));
        let kept = outcome.is_ok();
        self.outcome = Some(outcome);
        kept
    }

    fn answer(self: Box<Self>, committed: bool) {
        let outcome = match self.outcome {
            Some(Err(error)) => Err(error),
            Some(Ok(value)) if committed => Ok(value),
            _ => Err(Error::new(&STORAGE_UNAVAILABLE).detail("the write could not be committed")),
        };
        // The caller has gone without an answer, so nothing was promised.
        let _ = self.reply.send(outcome);
    }
}

struct WriterThread {
    file: PathBuf,
    /// `None` after a failure of the database, until it opens again.
    connection: Option<Connection>,
    stats: Arc<Stats>,
    health: Arc<Health>,
    waiting: Arc<AtomicUsize>,
}

impl WriterThread {
    fn run(mut self, jobs: &Receiver<Message>) {
        let mut group: Vec<Box<dyn QueuedWrite>> = Vec::with_capacity(MAX_GROUP);
        let mut dirty = false;
        let mut running = true;
        while running {
            let next = if dirty {
                jobs.recv_timeout(CHECKPOINT_AFTER)
            } else {
                jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match next {
                Ok(Message::Write(job)) => group.push(job),
                Err(RecvTimeoutError::Timeout) => {
                    self.checkpoint();
                    dirty = false;
                    continue;
                }
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
            while group.len() < MAX_GROUP {
                match jobs.try_recv() {
                    Ok(Message::Write(job)) => group.push(job),
                    Ok(Message::Stop) => {
                        running = false;
                        break;
                    }
                    Err(_) => break,
                }
            }
            self.waiting.fetch_sub(group.len(), Ordering::Relaxed);
            group.retain(|job| job.is_awaited());
            if group.is_empty() {
                continue;
            }
            let committed = match self.commit(&mut group) {
                Ok(written) => {
                    if written {
                        self.health.record_write(true);
                    }
                    true
                }
                Err(error) => {
                    log::error!("a group of {} writes was lost: {error}", group.len());
                    self.health.record_write(false);
                    self.health.record_failure(&error);
                    self.connection = None;
                    false
                }
            };
            self.stats.commits.fetch_add(u64::from(committed), Ordering::Relaxed);
            self.stats.writes.fetch_add(group.len() as u64, Ordering::Relaxed);
            for job in group.drain(..) {
                job.answer(committed);
            }
            self.stats.answered.notify_waiters();
            dirty = true;
        }
        self.checkpoint();
    }

    /// Runs the writes in one transaction; true if they changed anything on the disk. After an error nothing was
    /// committed.
    fn commit(&mut self, group: &mut [Box<dyn QueuedWrite>]) -> Result<bool> {
        let connection = match self.connection.take() {
            Some(connection) => self.connection.insert(connection),
            None => self.connection.insert(open_writer(&self.file)?),
        };
        let changes = connection.total_changes();
        run(connection, "BEGIN IMMEDIATE")?;
        let done = jobs_and_commit(connection, group);
        if done.is_err() && !connection.is_autocommit() {
            // If this fails too, the caller closes the connection.
            let _ = run(connection, "ROLLBACK");
        }
        Ok(done? && connection.total_changes() > changes)
    }

    /// Checkpoints the log, as far as readers allow it. The log keeps its length, so that the next commits need not
    /// grow it.
    fn checkpoint(&self) {
        if let Some(connection) = &self.connection {
            let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            if let Err(error) = done {
                log::debug!("the checkpoint has to wait: {error}");
            }
        }
    }
}

/// Runs the writes and commits; true if any of them is kept.
fn jobs_and_commit(connection: &Connection, group: &mut [Box<dyn QueuedWrite>]) -> Result<bool> {
    let tx = Tx::new(connection);
    if let [job] = group {
        // A single write has the transaction for itself.
        let kept = job.run(&tx);
        return if connection.is_autocommit() {
            Err(Error::new(&STORAGE_UNAVAILABLE).detail("SQLite rolled the transaction back"))
        } else {
            run(connection, if kept { "COMMIT" } else { "ROLLBACK" })?;
            Ok(kept)
        };
    }
    let mut any_kept = false;
    for job in group {
        run(connection, "SAVEPOINT job")?;
        let kept = job.run(&tx);
        any_kept |= kept;
        // A full disk, an I/O error or a lack of memory makes SQLite roll back *everything*. Going on would run the
        // next writes outside any transaction.
        if connection.is_autocommit() {
            return Err(Error::new(&STORAGE_UNAVAILABLE).detail("SQLite rolled the whole group back"));
        }
        if !kept {
            run(connection, "ROLLBACK TO job")?;
        }
        run(connection, "RELEASE job")?;
    }
    run(connection, "COMMIT")?;
    Ok(any_kept)
}

fn run(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql)?.raw_execute()?;
    Ok(())
}
