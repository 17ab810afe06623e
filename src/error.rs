//! The error type of requests, and the catalogue of all error codes.
//!
//! An [`Error`] says what happened in terms of the domain; it knows nothing of HTTP. `web` maps each [`Kind`] to a
//! status and shows [`Code::message`] to people. The source of an unexpected error is logged once, there, and never
//! leaves the process.

mod catalogue;
mod code;

use std::fmt;

use crate::domain::Sentence;
pub use catalogue::*;
pub use code::{Code, Kind};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error: its catalogue entry and the details of this occurrence.
pub struct Error(Box<Occurrence>);

struct Occurrence {
    code: &'static Code,
    detail: Option<String>,
    fields: Vec<(String, Sentence)>,
    retry_after: Option<u64>,
    /// Whether another try would most likely end the same way.
    unlikely_to_recover: bool,
    source: Option<anyhow::Error>,
}

impl Error {
    pub fn new(code: &'static Code) -> Self {
        let (fields, retry_after, unlikely_to_recover) = (Vec::new(), None, false);
        Self(Box::new(Occurrence { code, detail: None, fields, retry_after, unlikely_to_recover, source: None }))
    }

    /// A bug of ours; the client learns nothing else about it.
    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        Self::new(&INTERNAL).caused_by(source)
    }

    /// Adds details for developers, in English. They reach the client.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds why a field was refused.
    pub fn field(mut self, name: impl Into<String>, why: Sentence) -> Self {
        self.0.fields.push((name.into(), why));
        self
    }

    /// Sets after how many seconds a retry is worthwhile.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Marks that a retry would most likely fail in the same way.
    pub fn unlikely_to_recover(mut self) -> Self {
        self.0.unlikely_to_recover = true;
        self
    }

    /// Adds the underlying error, for the log only.
    pub fn caused_by(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub fn code(&self) -> &'static Code {
        self.0.code
    }

    pub fn is(&self, code: &Code) -> bool {
        self.0.code.name == code.name
    }

    pub fn details(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    pub fn fields(&self) -> &[(String, Sentence)] {
        &self.0.fields
    }

    /// After how many seconds a retry is worthwhile, if that is known.
    pub fn wait(&self) -> Option<u64> {
        self.0.retry_after
    }

    /// Whether another try would most likely end the same way.
    pub fn is_unlikely_to_recover(&self) -> bool {
        self.0.unlikely_to_recover
    }

    pub fn source(&self) -> Option<&anyhow::Error> {
        self.0.source.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code.name)?;
        if let Some(detail) = &self.0.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(source) = &self.0.source {
            write!(f, ": {source:#}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
