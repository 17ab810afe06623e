//! The log: env_logger formats lines, and a thread writes them.
//!
//! A line is one event: a time, a level, a target, and a message of `key=value` pairs (logfmt). On a terminal the
//! `terminal` module formats it for people.
//!
//! A request that logs a line makes no system call, and a slow or paused terminal stops nobody: once a megabyte
//! waits, further lines are counted instead of kept.

mod terminal;

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use env_logger::fmt::Formatter;
use log::{Level, Log, Metadata, Record};

/// The most bytes that may wait to be written.
const MAX_WAITING_BYTES: usize = 1024 * 1024;
/// How long lines are collected before they are written together, and how many bytes end that early. A thread that
/// woke up for every line would delay the requests.
const FLUSH_PERIOD: Duration = Duration::from_millis(100);
const FLUSH_BYTES: usize = 64 * 1024;
/// How long the process waits at its end for the last lines to be written.
const FINISH_TIMEOUT: Duration = Duration::from_secs(1);

/// Who reads the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Programs: every line in full, without colours.
    Plain,
    /// People at a terminal.
    Terminal { colours: bool },
}

/// Starts logging to standard error; `filter` has the syntax of env_logger. [`Logging::finish`] writes the lines that
/// still wait at the end of the process.
pub fn start(filter: &str, style: Style) -> anyhow::Result<Logging> {
    let queue = Arc::new(Queue::default());
    let sink = Sink(Arc::clone(&queue));
    let mut builder = env_logger::Builder::new();
    builder.parse_filters(filter).target(env_logger::Target::Pipe(Box::new(sink)));
    match style {
        Style::Plain => builder.format(plain),
        Style::Terminal { colours } => builder.format(move |line, record| {
            let (time, message) = (line.timestamp_seconds().to_string(), one_line(record));
            let (level, target) = (record.level(), record.target());
            writeln!(
                line,
                "{}",
                terminal::render(&terminal::Line { level, target, time: &time, message: &message }, colours)
            )
        }),
    };
    let logger = builder.build();
    log::set_max_level(logger.filter());
    log::set_boxed_logger(Box::new(CappedLogger(logger))).context("the log is set up already")?;
    let writing = Arc::clone(&queue);
    let (running, ended) = channel();
    std::thread::Builder::new().name("log".into()).spawn(move || {
        writing.write_out();
        drop(running);
    })?;
    Ok(Logging { queue, ended })
}

/// A line for programs.
fn plain(line: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let time = line.timestamp_millis();
    write!(line, "[{time} {:<5} {}] ", record.level(), record.target())?;
    // A formatter writes into memory: only the message itself can fail.
    write!(OneLine(&mut *line), "{}", record.args()).map_err(io::Error::other)?;
    line.write_all(b"\n")
}

/// The message of a record, on one line.
fn one_line(record: &Record<'_>) -> String {
    let mut message = Vec::new();
    // Writing into memory does not fail.
    let _ = write!(OneLine(&mut message), "{}", record.args());
    String::from_utf8_lossy(&message).into_owned()
}

/// Escapes control characters: no text from outside can forge a line or control a terminal.
struct OneLine<W>(W);

impl<W: Write> fmt::Write for OneLine<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let written = if text.contains(char::is_control) {
            text.chars().try_for_each(|c| {
                if c.is_control() { write!(self.0, "{}", c.escape_default()) } else { write!(self.0, "{c}") }
            })
        } else {
            self.0.write_all(text.as_bytes())
        };
        written.map_err(|_| fmt::Error)
    }
}

/// The running log.
pub struct Logging {
    queue: Arc<Queue>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

impl Logging {
    /// Writes the waiting lines and ends. It does not wait for a reader that has stopped reading.
    pub fn finish(self) {
        self.queue.lock().closed = true;
        self.queue.filled.notify_one();
        // Disconnected or timed out: there is nothing left to do.
        let _ = self.ended.recv_timeout(FINISH_TIMEOUT);
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
                let few = |waiting: &mut Waiting| waiting.text.len() < FLUSH_BYTES && !waiting.closed;
                let gathered = self.filled.wait_timeout_while(waiting, FLUSH_PERIOD, few);
                let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
                std::mem::swap(&mut text, &mut waiting.text);
                (std::mem::take(&mut waiting.dropped), waiting.closed)
            };
            let mut out = io::stderr().lock();
            // There is nowhere to report that the log can't be written.
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
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock();
        if waiting.text.len() + line.len() > MAX_WAITING_BYTES {
            waiting.dropped += 1;
            return Ok(line.len());
        }
        let before = waiting.text.len();
        waiting.text.extend_from_slice(line);
        let after = waiting.text.len();
        drop(waiting);
        if before == 0 || (before < FLUSH_BYTES && after >= FLUSH_BYTES) {
            self.0.filled.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps libraries from logging what clients sent: at trace level they may print headers and parameters, and HTTP
/// libraries do so even below warnings.
struct CappedLogger(env_logger::Logger);

/// The libraries that handle what clients send.
const HTTP_LIBRARIES: [&str; 10] =
    ["actix_http", "actix_server", "actix_web", "h2", "hyper", "hyper_util", "mio", "reqwest", "tokio", "tokio_util"];

impl CappedLogger {
    /// The highest level that is logged for this target, a path of modules.
    fn most(target: &str) -> Level {
        match target.split("::").next() {
            Some("pasar") => Level::Trace,
            Some(library) if HTTP_LIBRARIES.contains(&library) => Level::Warn,
            _ => Level::Debug,
        }
    }
}

impl Log for CappedLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Self::most(metadata.target()) && self.0.enabled(metadata)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_without_control_characters() {
        let mut line = Vec::new();
        let (escape, high) = ("\u{1b}[31m", "é\u{9b}");
        write!(OneLine(&mut line), "a\nb {escape} {high}").unwrap();
        assert_eq!(String::from_utf8(line).unwrap(), r"a\nb \u{1b}[31m é\u{9b}");
    }

    #[test]
    fn libraries_that_read_requests_log_warnings_at_most() {
        let logger = CappedLogger(env_logger::Builder::new().parse_filters("trace").build());
        let logs = |target, level| logger.enabled(&Metadata::builder().target(target).level(level).build());
        for library in ["actix_http::h1::decoder", "actix_server::worker", "mio::poll", "hyper::proto", "reqwest", "h2"]
        {
            assert!(logs(library, Level::Warn), "{library}");
            assert!(!logs(library, Level::Info) && !logs(library, Level::Debug), "{library}");
        }
        assert!(logs("rusqlite", Level::Debug) && !logs("rusqlite", Level::Trace));
        assert!(logs("pasar::access", Level::Trace) && !logs("pasaraya", Level::Trace));
    }
}
