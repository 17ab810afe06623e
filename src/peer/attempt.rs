//! One attempt of a call: its line in the log, and its record.

use std::time::Instant;

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};

use crate::calls::{self, Action, Exchange, Open};
use crate::context::{Context, Trace};
use crate::faults::Strike;
use crate::metrics::method_label;

/// The log target of calls.
const LOG_TARGET: &str = "pasar::calls";
/// The headers of an answer that are recorded.
const RECORDED_HEADERS: [&str; 2] = ["Idempotent-Replayed", "Retry-After"];

/// An attempt that is under way.
pub(super) struct Attempt<'a> {
    /// The service that calls, and the one that is called.
    services: (&'static str, &'static str),
    context: &'a Context,
    method: &'a Method,
    path: &'a str,
    /// From 1.
    number: u32,
    pub began: Instant,
    /// The trace of the request that is sent.
    pub trace: Trace,
    pub status: Option<StatusCode>,
    /// What an armed fault does to it.
    pub strike: Option<Strike>,
    response: Exchange,
    open: Option<Open>,
}

impl<'a> Attempt<'a> {
    pub fn begin(
        services: (&'static str, &'static str),
        context: &'a Context,
        (method, path, body): (&'a Method, &'a str, Option<&str>),
        number: u32,
        deadline: Instant,
    ) -> Self {
        let (began, trace) = (Instant::now(), context.child_trace());
        let budget = deadline.saturating_duration_since(began);
        let open = calls::begin_call(context, Action::Call { peer: services.1, attempt: number, budget }, |record| {
            record.span = trace.span();
            record.method = method_label(method.as_str());
            record.path = path.into();
            if let Some(body) = body {
                record.request.set_body(body.as_bytes());
            }
        });
        let response = Exchange::default();
        Self { services, context, method, path, number, began, trace, status: None, strike: None, response, open }
    }

    pub fn request_id(&self) -> &str {
        self.context.request_id()
    }

    /// The ids of its record and of its trace.
    pub fn ids(&self) -> (u64, u128) {
        self.open.as_ref().map_or((0, self.trace.id()), Open::ids)
    }

    /// Remembers what a fault does to it.
    pub fn struck_by(&mut self, strike: Option<Strike>) {
        self.strike = strike;
        if let (Some(Strike { kind, .. }), Some(open)) = (strike, &self.open) {
            open.entry().update(|record| record.fault = Some(kind.as_str()));
        }
    }

    /// Keeps what was answered, for the record.
    pub fn keep(&mut self, headers: &HeaderMap, body: &[u8]) {
        if self.open.is_some() {
            self.response = Exchange::of(|name| headers.get(name)?.to_str().ok(), &RECORDED_HEADERS);
            self.response.set_body(body);
        }
    }

    /// Ends it: with a usable answer, or with why there is none.
    pub fn end(self, failure: Option<&anyhow::Error>) {
        self.log(failure);
        let Self { status, response, open, .. } = self;
        if let Some(open) = open {
            let failure = failure.map(|error| format!("{error:#}").into());
            open.end(|record| {
                record.status = status.map(|status| status.as_u16());
                record.failure = failure;
                record.response = response;
            });
        }
    }

    fn log(&self, failure: Option<&anyhow::Error>) {
        let level = if failure.is_some() { log::Level::Warn } else { log::Level::Info };
        if !log::log_enabled!(target: LOG_TARGET, level) {
            return;
        }
        let Self { services: (caller, name), method, path, number, .. } = self;
        let took = self.began.elapsed().as_secs_f64() * 1000.0;
        let status = self.status.as_ref().map_or("-", StatusCode::as_str);
        let id = self.context.request_id();
        match failure {
            None => log::info!(
                target: LOG_TARGET,
                "service={caller} peer={name} method={method} path={path} status={status} took={took:.1}ms id={id}"
            ),
            Some(error) => log::warn!(
                target: LOG_TARGET,
                "service={caller} peer={name} method={method} path={path} status={status} took={took:.1}ms \
                 attempt={number} error={:?} id={id}",
                format!("{error:#}"),
            ),
        }
    }
}
