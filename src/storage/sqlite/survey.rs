//! Surveys: reads of whole tables on one snapshot.
//!
//! One runs at a time, on a thread of its own that rests between slices of work. So a survey takes half of a core from the
//! requests. Its snapshot keeps the write-ahead log from shrinking, hence a limit of its time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use r2d2_sqlite::SqliteConnectionManager;
use tokio::sync::{Semaphore, mpsc};

use super::snapshot::on_snapshot;
use crate::error::{BUSY, Error, Result};
use crate::storage::tx::Tx;

/// How long a survey may take.
const SURVEY_TIMEOUT: Duration = Duration::from_secs(300);
/// How long a survey may wait for another one.
const QUEUE_TIMEOUT: Duration = Duration::from_millis(1500);
/// How long a survey works before it rests, and how long it rests. The rest does not grow with the time that a slice
/// took: on a busy machine most of that went to others.
const SLICE: Duration = Duration::from_millis(5);
/// Instructions of SQLite's virtual machine between two looks at the time.
const INSTRUCTIONS_PER_CHECK: i32 = 5000;
/// Results that may wait to be sent; more than any survey has, so that no slow client makes it last longer.
const MAX_RESULTS: usize = 64;

/// The results of a survey, as they are found. Dropping it ends the survey. An error is the last result.
pub type Results<T> = mpsc::Receiver<Result<T>>;

pub struct Surveys(Arc<Semaphore>);

impl Surveys {
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Begins a survey, whose `work` sends its results; [`BUSY`] while there is another one.
    pub async fn begin<T, F>(&self, readers: &r2d2::Pool<SqliteConnectionManager>, work: F) -> Result<Results<T>>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>, &mut dyn FnMut(T) -> Result<()>) -> Result<()> + Send + 'static,
    {
        let only = tokio::time::timeout(QUEUE_TIMEOUT, Arc::clone(&self.0).acquire_owned()).await;
        let busy = |_| Error::new(&BUSY).detail("another check of all rows is in progress");
        let only = only.map_err(busy)?.map_err(Error::internal)?;
        let (sender, results) = mpsc::channel(MAX_RESULTS);
        let readers = readers.clone();
        tokio::task::spawn_blocking(move || {
            let mut send = |result| sender.blocking_send(Ok(result)).map_err(|_| Error::internal(Abandoned));
            if let Err(error) = limited(&readers, Limit::new(sender.clone()), |tx| work(tx, &mut send)) {
                // An error means that nobody waits any more.
                let _ = sender.blocking_send(Err(error));
            }
            drop(only);
        });
        Ok(results)
    }
}

#[derive(Debug)]
struct Abandoned;

impl std::fmt::Display for Abandoned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nobody waits for this survey")
    }
}

impl std::error::Error for Abandoned {}

/// When a survey rests, and when it ends.
struct Limit<T> {
    deadline: Instant,
    working_since: Instant,
    sender: mpsc::Sender<Result<T>>,
}

impl<T> Limit<T> {
    fn new(sender: mpsc::Sender<Result<T>>) -> Self {
        let now = Instant::now();
        Self { deadline: now + SURVEY_TIMEOUT, working_since: now, sender }
    }

    /// Rests if it is time to. Returns whether the survey must end.
    fn check(&mut self) -> bool {
        if self.working_since.elapsed() >= SLICE {
            std::thread::sleep(SLICE);
            self.working_since = Instant::now();
        }
        self.working_since >= self.deadline || self.sender.is_closed()
    }
}

fn limited<T: Send + 'static, R>(
    readers: &r2d2::Pool<SqliteConnectionManager>,
    mut limit: Limit<T>,
    work: impl FnOnce(&Tx<'_>) -> Result<R>,
) -> Result<R> {
    let connection = readers.get()?;
    connection.progress_handler(INSTRUCTIONS_PER_CHECK, Some(move || limit.check()))?;
    let outcome = on_snapshot(&connection, work);
    // Other reads use the connection afterwards.
    connection.progress_handler(0, None::<fn() -> bool>)?;
    outcome
}
