//! What a request carries through every hop: its id, its trace, its deadline.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The time that one request may spend on all its calls to other services.
pub const CALL_BUDGET: Duration = Duration::from_secs(2);
/// How the program names itself.
pub const AGENT: &str = concat!("pasar/", env!("CARGO_PKG_VERSION"));
/// The header that says in which generation of rows a call began (see `storage`).
pub const GENERATION: &str = "x-pasar-generation";
/// The time in which a request is answered, whatever its peers and its database do.
pub const ANSWER_TIME: Duration = Duration::from_secs(3);
const _: () = assert!(CALL_BUDGET.as_millis() + 500 <= ANSWER_TIME.as_millis(), "a request has time besides its calls");

/// Taken from the headers of the request, or made. Handlers take it as an argument.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    request_id: String,
    trace: Trace,
    /// When the calls of the request must have ended; `None` if no request waits for them.
    deadline: Option<OnceLock<Instant>>,
}

/// A position in a distributed trace (<https://www.w3.org/TR/trace-context/>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    id: u128,
    /// The span of the sender.
    parent: u64,
    flags: u8,
}

impl Trace {
    fn start() -> Self {
        Self { id: fastrand::u128(1..), parent: fastrand::u64(1..), flags: 1 }
    }

    /// Reads a `traceparent`. Of a later version than 00, only the fields of 00.
    fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let dashes = [2, 35, 52].iter().all(|&at| bytes.get(at) == Some(&b'-'));
        let hex = bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
        let version = text.get(..2)?;
        if !dashes || !hex || version == "ff" || bytes.len() < 55 || (version == "00" && bytes.len() > 55) {
            return None;
        }
        let trace = Self {
            id: u128::from_str_radix(text.get(3..35)?, 16).ok()?,
            parent: u64::from_str_radix(text.get(36..52)?, 16).ok()?,
            flags: u8::from_str_radix(text.get(53..55)?, 16).ok()?,
        };
        (trace.id != 0 && trace.parent != 0).then_some(trace)
    }

    /// What all spans of the trace have in common.
    pub fn id(self) -> u128 {
        self.id
    }

    /// The span of the sender: of the request itself, for whoever answers it.
    pub fn span(self) -> u64 {
        self.parent
    }

    /// The same trace with a new span, for a call.
    fn child(self) -> Self {
        Self { parent: fastrand::u64(1..), ..self }
    }
}

impl std::fmt::Display for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.id, self.parent, self.flags)
    }
}

impl Context {
    /// The context of a request with these `traceparent` and `X-Request-Id` headers. An id that is too long or could
    /// forge a log line is replaced, as is a malformed trace.
    pub fn of_request(traceparent: Option<&str>, request_id: Option<&str>) -> Self {
        let trace = traceparent.and_then(Trace::parse).unwrap_or_else(Trace::start);
        let request_id = request_id
            .filter(|id| !id.is_empty() && id.len() <= 128 && id.bytes().all(is_id_byte))
            .map_or_else(|| format!("{:032x}", trace.id), str::to_owned);
        Self(Arc::new(Inner { request_id, trace, deadline: Some(OnceLock::new()) }))
    }

    /// The context of background work: a trace of its own, and the whole budget for each call.
    pub fn own() -> Self {
        let trace = Trace::start();
        Self(Arc::new(Inner { request_id: format!("{:032x}", trace.id), trace, deadline: None }))
    }

    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// The `traceparent` of the answer.
    pub fn trace(&self) -> Trace {
        self.0.trace
    }

    /// The `traceparent` of a call: the same trace, a new span.
    pub fn child_trace(&self) -> Trace {
        self.0.trace.child()
    }

    /// The deadline of a call that begins now. All calls of a request share one budget. It starts with the first
    /// call, so that a client that sends its body slowly uses none of it.
    pub fn deadline(&self) -> Instant {
        self.request_deadline().unwrap_or_else(|| Instant::now() + CALL_BUDGET)
    }

    /// The deadline of the request, if one waits.
    pub fn request_deadline(&self) -> Option<Instant> {
        self.0.deadline.as_ref().map(|deadline| *deadline.get_or_init(|| Instant::now() + CALL_BUDGET))
    }
}

/// How a service names itself in its calls, as their `User-Agent`.
pub fn agent(service: &str) -> String {
    format!("{AGENT} ({service})")
}

/// Whether a `User-Agent` is that of a service of ours, and not of a client.
pub fn is_service(agent: &[u8]) -> bool {
    agent.strip_prefix(AGENT.as_bytes()).is_some_and(|rest| rest.starts_with(b" ("))
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_survives_reading_and_writing() {
        assert_eq!(Trace::parse(SAMPLE).map(|trace| trace.to_string()).as_deref(), Some(SAMPLE));
    }

    #[test]
    fn a_malformed_traceparent_is_not_a_trace() {
        let upper = SAMPLE.to_uppercase();
        let zero_id = SAMPLE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
        let longer = format!("{SAMPLE}-00");
        for text in ["", "00", &SAMPLE[..54], &longer, &upper, &zero_id, &SAMPLE.replacen("00", "ff", 1), "é"] {
            assert_eq!(Trace::parse(text), None, "{text}");
        }
        assert!(Trace::parse(&longer.replacen("00", "01", 1)).is_some(), "a later version may say more");
    }

    #[test]
    fn a_child_stays_in_the_trace_with_a_span_of_its_own() {
        let trace = Trace::start();
        let child = trace.child();
        assert_eq!(child.id, trace.id);
        assert_ne!(child.parent, trace.parent);
    }
}
