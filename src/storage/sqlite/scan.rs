//! Reads that may look at many rows: not on the threads that serve requests, few at once, each for a limited time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use r2d2_sqlite::SqliteConnectionManager;
use tokio::sync::{Semaphore, oneshot};

use super::snapshot::on_snapshot;
use crate::context::ANSWER_TIME;
use crate::error::{BUSY, Error, Result};
use crate::shares::{Share, Shares};
use crate::storage::tx::Tx;

/// How long one scan may run. Together with [`QUEUE_TIMEOUT`] it keeps an answer within three seconds.
const SCAN_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a scan may wait for a thread.
const QUEUE_TIMEOUT: Duration = Duration::from_millis(1500);
const _: () = assert!(
    QUEUE_TIMEOUT.as_millis() + SCAN_TIMEOUT.as_millis() < ANSWER_TIME.as_millis(),
    "a scan that has waited is answered in time"
);
/// The most scans that run or wait, of all clients and of one network.
const MAX_SCANS: usize = 32;
const MAX_PER_NETWORK: usize = 8;
const _: () = assert!(MAX_PER_NETWORK < MAX_SCANS, "one network leaves scans to others");
/// The delay of a refusal, so that a client that retries at once keeps no thread busy.
const REFUSAL_DELAY: Duration = Duration::from_millis(100);
/// Instructions of SQLite's virtual machine between two checks of the time: some tens of microseconds.
const INSTRUCTIONS_PER_CHECK: i32 = 1000;

/// Runs scans on half of the cores. After a scan its thread sleeps as long as the scan took: endless scans get a
/// quarter of the machine, and a single one runs at full speed.
pub struct Scans {
    threads: Arc<Semaphore>,
    /// Scans that run or wait, by network.
    admitted: Shares<Option<IpAddr>>,
}

impl Scans {
    pub fn new() -> Self {
        let cores = crate::limits::cores();
        Self { threads: Arc::new(Semaphore::new((cores / 2).max(1))), admitted: Shares::of(MAX_SCANS) }
    }

    /// Runs `work` on a snapshot; [`BUSY`] if there are too many scans, of all clients or of its `network`.
    pub async fn run<T, F>(
        &self,
        readers: &r2d2::Pool<SqliteConnectionManager>,
        network: Option<IpAddr>,
        work: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let Some(_admitted) = self.admit(network) else {
            tokio::time::sleep(REFUSAL_DELAY).await;
            return Err(busy());
        };
        let thread = tokio::time::timeout(QUEUE_TIMEOUT, Arc::clone(&self.threads).acquire_owned()).await;
        let thread = thread.map_err(|_| busy())?.map_err(Error::internal)?;
        let (done, outcome) = oneshot::channel();
        let readers = readers.clone();
        tokio::task::spawn_blocking(move || {
            let start = Instant::now();
            // An error means that the caller no longer waits.
            let _ = done.send(limited(&readers, start + SCAN_TIMEOUT, work));
            std::thread::sleep(start.elapsed());
            drop(thread);
        });
        outcome.await.map_err(Error::internal)?
    }

    fn admit(&self, network: Option<IpAddr>) -> Option<Share<Option<IpAddr>>> {
        let max = if network.is_some() { MAX_PER_NETWORK } else { MAX_SCANS };
        self.admitted.take(network, max)
    }
}

fn busy() -> Error {
    Error::new(&BUSY).detail("too many searches are waiting")
}

/// Runs `work`; SQLite interrupts its statement at `deadline`.
fn limited<T>(
    readers: &r2d2::Pool<SqliteConnectionManager>,
    deadline: Instant,
    work: impl FnOnce(&Tx<'_>) -> Result<T>,
) -> Result<T> {
    let connection = readers.get()?;
    connection.progress_handler(INSTRUCTIONS_PER_CHECK, Some(move || Instant::now() >= deadline))?;
    let outcome = on_snapshot(&connection, work);
    // Other reads use the connection afterwards.
    connection.progress_handler(0, None::<fn() -> bool>)?;
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_leaves_room_for_others() {
        let scans = Scans::new();
        let network = |last| Some(IpAddr::from([192, 0, 2, last]));
        let mut admitted: Vec<_> = (0..MAX_PER_NETWORK).map(|_| scans.admit(network(1)).unwrap()).collect();
        assert!(scans.admit(network(1)).is_none(), "more than its share");
        admitted.push(scans.admit(network(2)).unwrap());
        admitted.extend((admitted.len()..MAX_SCANS).map(|_| scans.admit(None).unwrap()));
        assert!(scans.admit(network(3)).is_none() && scans.admit(None).is_none(), "more than there may be");
        drop(admitted);
        assert!(scans.admit(network(1)).is_some() && scans.admitted.is_empty());
    }
}
