//! [`Record`]: one call, answer or commit.

use std::time::{Duration, Instant};

use super::secrets;
use crate::context::Context;

/// What a service did.
#[derive(Clone, Debug)]
pub enum Action {
    /// It answered a request that matched the route with this pattern.
    Answer { route: &'static str },
    /// It called another service. The time that is left for the request was `budget` when the attempt began.
    Call { peer: &'static str, attempt: u32, budget: Duration },
    /// It wrote to its database.
    Commit,
    /// Its subscriber applied an event.
    Event { subscriber: &'static str, kind: &'static str, key: Box<str> },
}

/// The rows that a commit has changed in one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrote {
    pub table: Box<str>,
    pub rows: u64,
}

/// What was sent in one direction: the headers that matter, and the body.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    pub headers: Vec<(&'static str, Box<str>)>,
    /// JSON without secrets; `None` if there was none, or if it was too long or could not be read.
    pub body: Option<Box<str>>,
    /// The length of the body.
    pub bytes: usize,
}

impl Exchange {
    /// Has those of the headers `kept` that `header` finds.
    pub fn of<'a>(header: impl Fn(&str) -> Option<&'a str>, kept: &[&'static str]) -> Self {
        let headers = kept.iter().filter_map(|name| Some((*name, header(name)?.into()))).collect();
        Self { headers, ..Self::default() }
    }

    /// Keeps a body that is short enough, without its secrets.
    pub fn set_body(&mut self, body: &[u8]) {
        self.bytes = body.len();
        self.body = secrets::hide(body);
    }
}

/// One call, answer or commit, from its beginning.
#[derive(Clone)]
pub struct Record {
    /// Unique in this process, in the order in which they began.
    pub id: u64,
    /// The service that did it.
    pub service: &'static str,
    pub action: Action,
    /// The request that it belongs to.
    pub context: Context,
    /// An answer and the call that it answers have the same span.
    pub span: u64,
    /// The span of the request during which it was done; `None` for an answer.
    pub parent: Option<u64>,
    /// One of the known methods, or "other".
    pub method: &'static str,
    /// The path and the query, without secrets.
    pub path: Box<str>,
    pub began: Instant,
    /// `None` while it is under way.
    pub took: Option<Duration>,
    pub status: Option<u16>,
    /// Why there is no answer, or none that can be used.
    pub failure: Option<Box<str>>,
    /// What a fault did to it.
    pub fault: Option<&'static str>,
    pub request: Exchange,
    pub response: Exchange,
    /// What a commit wrote.
    pub wrote: Vec<Wrote>,
}
