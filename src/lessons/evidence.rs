//! [`Evidence`]: what was recorded, as lessons ask for it.

use serde_json::Value;

use crate::calls::{Action, Exchange, Record, Recorder};
use crate::domain::Timestamp;

/// What services have done, oldest first.
pub struct Evidence(Vec<Record>);

impl Evidence {
    /// What a recorder keeps of these services, since this moment.
    pub fn of(recorder: &Recorder, services: &[&str], since: Option<Timestamp>) -> Self {
        let since = since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0).saturating_mul(1000));
        let wanted = |record: &Record| services.contains(&record.service) && recorder.micros(record.began) >= since;
        Self(recorder.newest(usize::MAX, wanted))
    }

    /// The requests that were answered for this route, oldest first.
    pub(super) fn answers(&self, method: &str, route: &str) -> impl Iterator<Item = &Record> {
        self.0.iter().filter(move |record| {
            record.method == method && matches!(record.action, Action::Answer { route: matched } if matched == route)
        })
    }

    /// The calls to a service, oldest first.
    pub(super) fn calls(&self, to: &str) -> impl Iterator<Item = &Record> {
        self.0.iter().filter(move |record| matches!(record.action, Action::Call { peer, .. } if peer == to))
    }

    /// The calls that were made for a request.
    pub(super) fn calls_for(&self, answer: &Record) -> Vec<&Record> {
        let is_call = |record: &&Record| matches!(record.action, Action::Call { .. });
        self.0.iter().filter(is_call).filter(|record| is_for(record, answer)).collect()
    }

    /// Whether something was committed for a request.
    pub(super) fn wrote_for(&self, answer: &Record) -> bool {
        self.0.iter().any(|record| matches!(record.action, Action::Commit) && is_for(record, answer))
    }
}

fn is_for(record: &Record, answer: &Record) -> bool {
    record.context.trace().id() == answer.context.trace().id() && record.parent == Some(answer.span)
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
