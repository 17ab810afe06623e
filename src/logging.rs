//! The log: env_logger in front, a thread that writes behind it.
//!
//! A line costs the request that logs it no system call, and a terminal that is slow or paused stops
//! nobody: once a megabyte waits, further lines are counted instead of kept.

use std::io::Write;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use log::{Level, Log, Metadata, Record};

/// Bytes that may wait to be written.
const LIMIT: usize = 1024 * 1024;
/// How long lines gather before they are written together, and how many bytes cut that short: a thread
/// that woke for every line would be in the way of the requests.
const GATHER: Duration = Duration::from_millis(100);
const CHUNK: usize = 64 * 1024;
/// How long the end of the process may wait for the last lines to be written.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Starts logging to standard error what `filter` lets through (env_logger's syntax). What waits when
/// the process ends is written by [`Logging::finish`].
pub fn start(filter: &str) -> anyhow::Result<Logging> {
    let queue = Arc::new(Queue::default());
    let sink = Sink(Arc::clone(&queue));
    let logger =
        env_logger::Builder::new().parse_filters(filter).target(env_logger::Target::Pipe(Box::new(sink))).build();
    log::set_max_level(logger.filter());
    log::set_boxed_logger(Box::new(Capped(logger))).context("the log is set up already")?;
    let writing = Arc::clone(&queue);
    let (running, ended) = channel();
    std::thread::Builder::new().name("log".into()).spawn(move || {
        writing.write_out();
        drop(running);
    })?;
    Ok(Logging { queue, ended })
}

/// A log that is being written.
pub struct Logging {
    queue: Arc<Queue>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

impl Logging {
    /// Writes what waits, and ends. A reader that does not read is not waited for.
    pub fn finish(self) {
        self.queue.lock().closed = true;
        self.queue.filled.notify_one();
        // Disconnected or timed out, there is nothing more to do.
        let _ = self.ended.recv_timeout(LAST_WORDS);
    }
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

#[derive(Default)]
struct Waiting {
    text: Vec<u8>,
    dropped: u64,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_out(&self) {
        let mut text = Vec::new();
        loop {
            let (dropped, closed) = {
                let waiting = self.lock();
                let idle = |waiting: &mut Waiting| waiting.text.is_empty() && !waiting.closed;
                let waiting = self.filled.wait_while(waiting, idle).unwrap_or_else(PoisonError::into_inner);
                let few = |waiting: &mut Waiting| waiting.text.len() < CHUNK && !waiting.closed;
                let gathered = self.filled.wait_timeout_while(waiting, GATHER, few);
                let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
                std::mem::swap(&mut text, &mut waiting.text);
                (std::mem::take(&mut waiting.dropped), waiting.closed)
            };
            let mut out = std::io::stderr().lock();
            // A log that can't be written has nowhere to say so.
            let _ = out.write_all(&text);
            if dropped > 0 {
                let _ = writeln!(out, "[{dropped} lines were not written: the log could not keep up]");
            }
            text.clear();
            if closed {
                return;
            }
        }
    }
}

/// What env_logger writes to, a whole line at a time.
struct Sink(Arc<Queue>);

impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let mut waiting = self.0.lock();
        if waiting.text.len() + line.len() > LIMIT {
            waiting.dropped += 1;
            return Ok(line.len());
        }
        let before = waiting.text.len();
        waiting.text.extend_from_slice(line);
        let after = waiting.text.len();
        drop(waiting);
        if before == 0 || (before < CHUNK && after >= CHUNK) {
            self.0.filled.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Keeps the libraries from logging at trace level: there they print headers and parameters.
struct Capped(env_logger::Logger);

impl Log for Capped {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        (metadata.level() < Level::Trace || metadata.target().starts_with("pasar")) && self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}
