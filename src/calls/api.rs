//! The types of records that go over the wire.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::record::{Action, Exchange, Record, Wrote};
use super::recorder::Recorder;

/// What a service did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It answered a request.
    Answer,
    /// It called another service.
    Call,
    /// It wrote to its database.
    Commit,
    /// It applied an event.
    Event,
}

/// A call, an answer or a commit.
#[derive(Debug, Serialize, ToSchema)]
pub struct Call<'a> {
    /// Unique in the process.
    pub id: u64,
    pub kind: Kind,
    /// The service that did it.
    pub service: &'a str,
    /// The service that was called.
    pub peer: Option<&'a str>,
    /// The trace that it belongs to (W3C Trace Context).
    pub trace: String,
    /// A call and its answer have the same span.
    pub span: String,
    /// The span of the request during which it was done; null for an answer.
    pub parent: Option<String>,
    pub request_id: &'a str,
    pub method: &'a str,
    pub path: &'a str,
    /// The route that an answered request matched.
    pub route: Option<&'a str>,
    /// Of a call: 1, or 2 after a first attempt without a usable answer.
    pub attempt: Option<u32>,
    /// Of a call: the milliseconds that the request had left for it.
    pub budget_ms: Option<u64>,
    /// By the clock of this process.
    pub began_at: String,
    /// Milliseconds; null while it is under way.
    pub took_ms: Option<f64>,
    pub status: Option<u16>,
    /// Why there was no answer, or none that could be used.
    pub failure: Option<&'a str>,
    /// What an armed fault did to it, such as `lose_answer`.
    pub fault: Option<&'a str>,
    /// The event that was applied. Its `parent` is the request that emitted it.
    pub event: Option<Applied<'a>>,
    /// The rows that a commit changed.
    pub wrote: Vec<Written<'a>>,
}

/// The rows that a commit changed in one table.
#[derive(Debug, Serialize, ToSchema)]
pub struct Written<'a> {
    pub table: &'a str,
    pub rows: u64,
}

/// An event that a subscriber has applied.
#[derive(Debug, Serialize, ToSchema)]
pub struct Applied<'a> {
    /// Such as `order_created`.
    pub kind: &'a str,
    /// What it is about; events of one key are applied in order.
    pub key: &'a str,
    pub subscriber: &'a str,
}

/// A call with what was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallDetails<'a> {
    #[serde(flatten)]
    pub call: Call<'a>,
    pub request: Sent<'a>,
    pub response: Sent<'a>,
}

/// What was sent in one direction.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sent<'a> {
    /// Those headers that change what a request or an answer means.
    pub headers: BTreeMap<&'a str, &'a str>,
    /// Without secrets; null if there was none, or if it was longer than 2 KB or not JSON.
    #[schema(value_type = Value)]
    pub body: Option<Value>,
    /// The length of the body.
    pub bytes: usize,
}

/// The newest calls, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Calls<'a> {
    /// How many have begun since the start of the process.
    pub recorded: u64,
    /// How many of them are not kept any more.
    pub dropped: u64,
    pub calls: Vec<Call<'a>>,
}

/// A gap in a stream: changes that were dropped before they were sent.
#[derive(Debug, Serialize)]
pub struct Gap {
    pub dropped: u64,
}

impl Recorder {
    pub fn call<'a>(&self, record: &'a Record) -> Call<'a> {
        let began_at = UNIX_EPOCH + Duration::from_micros(self.micros(record.began));
        let mut call = Call {
            id: record.id,
            kind: Kind::Commit,
            service: record.service,
            peer: None,
            trace: format!("{:032x}", record.context.trace().id()),
            span: format!("{:016x}", record.span),
            parent: record.parent.map(|span| format!("{span:016x}")),
            request_id: record.context.request_id(),
            method: record.method,
            path: &record.path,
            route: None,
            attempt: None,
            budget_ms: None,
            began_at: humantime::format_rfc3339_micros(began_at).to_string(),
            took_ms: record.took.map(|took| (took.as_secs_f64() * 1e6).round() / 1e3),
            status: record.status,
            failure: record.failure.as_deref(),
            fault: record.fault,
            event: None,
            wrote: record.wrote.iter().map(|Wrote { table, rows }| Written { table, rows: *rows }).collect(),
        };
        match &record.action {
            Action::Answer { route } => {
                call.kind = Kind::Answer;
                call.route = Some(route);
            }
            Action::Call { peer, attempt, budget } => {
                call.kind = Kind::Call;
                call.peer = Some(peer);
                call.attempt = Some(*attempt);
                call.budget_ms = Some(u64::try_from(budget.as_millis()).unwrap_or(u64::MAX));
            }
            Action::Commit => {}
            Action::Event { subscriber, kind, key } => {
                call.kind = Kind::Event;
                call.event = Some(Applied { kind, key, subscriber });
            }
        }
        call
    }

    pub fn details<'a>(&self, record: &'a Record) -> CallDetails<'a> {
        CallDetails { call: self.call(record), request: sent(&record.request), response: sent(&record.response) }
    }
}

fn sent(Exchange { headers, body, bytes }: &Exchange) -> Sent<'_> {
    let headers = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    // What is kept may have the form of JSON without being it.
    Sent { headers, body: body.as_deref().and_then(|body| serde_json::from_str(body).ok()), bytes: *bytes }
}
