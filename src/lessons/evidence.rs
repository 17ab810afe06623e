//! [`Evidence`]: what was recorded, as lessons ask for it.

use std::collections::HashMap;

use serde_json::Value;

use crate::calls::{Action, Exchange, Record, Recorder};
use crate::domain::Timestamp;

/// The records that are looked at: the newest.
const MAX_RECORDS: usize = 2000;

/// What services have done.
pub struct Evidence {
    /// Oldest first.
    records: Vec<Record>,
    /// What was done for each request, by its trace and span.
    children: HashMap<(u128, u64), Vec<usize>>,
}

impl Evidence {
    /// What a recorder keeps of these services, since this moment.
    pub fn of(recorder: &Recorder, services: &[&str], since: Option<Timestamp>) -> Self {
        let since = since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0).saturating_mul(1000));
        let wanted = |record: &Record| services.contains(&record.service) && recorder.micros(record.began) >= since;
        let records = recorder.newest(MAX_RECORDS, wanted);
        let mut children: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, record) in records.iter().enumerate() {
            if let Some(parent) = record.parent {
                children.entry((record.context.trace().id(), parent)).or_default().push(at);
            }
        }
        Self { records, children }
    }

    /// The requests that were answered for this route, oldest first.
    pub(super) fn answers(&self, method: &str, route: &str) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| {
            record.method == method && matches!(record.action, Action::Answer { route: matched } if matched == route)
        })
    }

    /// The calls to a service, oldest first.
    pub(super) fn calls(&self, to: &str) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| matches!(record.action, Action::Call { peer, .. } if peer == to))
    }

    /// The calls that were made for a request.
    pub(super) fn calls_for(&self, answer: &Record) -> Vec<&Record> {
        self.done_for(answer).filter(|record| matches!(record.action, Action::Call { .. })).collect()
    }

    /// Whether something was committed for a request.
    pub(super) fn wrote_for(&self, answer: &Record) -> bool {
        self.done_for(answer).any(|record| matches!(record.action, Action::Commit))
    }

    fn done_for(&self, answer: &Record) -> impl Iterator<Item = &Record> {
        let children = self.children.get(&(answer.context.trace().id(), answer.span));
        children.into_iter().flatten().filter_map(|at| self.records.get(*at))
    }
}

/// A header that was recorded.
pub(super) fn header<'a>(exchange: &'a Exchange, name: &str) -> Option<&'a str> {
    exchange.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
}

/// The Idempotency-Key of a request.
pub(super) fn key(answer: &Record) -> Option<&str> {
    header(&answer.request, "Idempotency-Key")
}

/// Whether a request was answered as the first time.
pub(super) fn is_replay(answer: &Record) -> bool {
    header(&answer.response, "Idempotent-Replayed").is_some()
}

/// A body that was recorded; null if it was not.
pub(super) fn json(exchange: &Exchange) -> Value {
    exchange.body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
}

/// Whether a request was refused with this code of ours.
pub(super) fn is_refused(answer: &Record, code: &str) -> bool {
    json(&answer.response)["code"] == code
}
