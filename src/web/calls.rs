//! What this server's services have called, answered and committed.

use std::ops::RangeInclusive;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::docs::Doc;
use super::extract::PathId;
use super::page::{MAX_PAGE_ROWS, page_limit};
use super::query::Query;
use super::response::{no_store, ok};
use super::routes::Routes;
use super::sse::{LastEventId, Message, MessageSource, follow};
use super::state::Server;
use crate::auth::{Access, Admission};
use crate::calls::api::{Call, CallDetails, Calls, Gap};
use crate::calls::{Record, Recorder};
use crate::domain::Sentence;
use crate::error::{CALL_NOT_FOUND, Error, LAB_OFF, Result};

/// The calls of a list without a `limit`.
const DEFAULT_LIMIT: usize = 200;
/// The most changes that a stream reads at once.
const MAX_CHANGES: usize = 500;
/// How often a stream looks for changes. Nobody sees more, and a request need not wake anybody.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

pub fn routes(routes: &mut Routes) {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let limit = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MAX_PAGE_ROWS));
    routes.get(
        "/calls",
        list,
        Doc::new("Panggilan, jawaban dan commit terbaru", "The newest calls, answers and commits")
            .query("trace", text().pattern(Some("^[0-9a-fA-F]{32}$")).into(), "Of this trace: 32 hexadecimal digits.")
            .query("path", text().min_length(Some(1)).into(), "Whose path contains this.")
            .query("status", text().pattern(Some("^[1-5](xx|[0-9]{2})$")).into(), "With this status: `404`, or `5xx`.")
            .query("limit", limit().into(), "The most that are listed, the newest; 200, unless it is given.")
            .shows::<Calls<'_>>(json!({"recorded": 812, "dropped": 0, "calls": [call()]}))
            .fails(&[&LAB_OFF]),
    );
    routes.get(
        "/calls/stream",
        stream,
        Doc::new(
            "Panggilan secara langsung: saat dimulai dan saat selesai (server-sent events)",
            "Calls, live: as they begin and as they end (server-sent events)",
        )
        .by(Access::AdminStream)
        .streams::<Call<'_>>("with the oldest call that is kept", call())
        .fails(&[&LAB_OFF]),
    );
    let mut details = call();
    details["request"] = json!({"headers": {"Idempotency-Key": "a1"}, "body": {"user_id": 1}, "bytes": 13});
    details["response"] = json!({"headers": {}, "body": {"id": 1}, "bytes": 8});
    routes.get(
        "/calls/{id}",
        show,
        Doc::new("Satu panggilan beserta isinya", "One call with what was sent")
            .id(&CALL_NOT_FOUND)
            .shows::<CallDetails<'_>>(details)
            .fails(&[&LAB_OFF]),
    );
}

fn call() -> Value {
    json!({
        "id": 812,
        "kind": "answer",
        "service": "order",
        "peer": null,
        "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span": "00f067aa0ba902b7",
        "parent": null,
        "request_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "method": "POST",
        "path": "/orders",
        "route": "/orders",
        "attempt": null,
        "budget_ms": null,
        "began_at": "2026-01-31T08:00:00.000123Z",
        "took_ms": 1.234,
        "status": 201,
        "failure": null,
        "fault": null,
        "event": null,
        "wrote": [],
    })
}

/// The recorder; [`LAB_OFF`] if it keeps nothing.
fn recorder(server: &Server) -> Result<&Recorder> {
    if server.recorder.is_on() { Ok(&server.recorder) } else { Err(Error::new(&LAB_OFF)) }
}

/// Whether a record is of one of this server's services: the others have servers of their own.
fn is_own(server: &Server, record: &Record) -> bool {
    server.auth.services.contains(&record.service)
}

/// The statuses that a list is about: one, such as `404`, or those with a first digit, such as `5xx`.
fn statuses(text: &str) -> Option<RangeInclusive<u16>> {
    let [first @ b'1'..=b'5', rest @ ..] = text.as_bytes() else { return None };
    match rest {
        b"xx" => {
            let hundreds = u16::from(first - b'0') * 100;
            Some(hundreds..=hundreds + 99)
        }
        [b'0'..=b'9', b'0'..=b'9'] => text.parse().ok().map(|status| status..=status),
        _ => None,
    }
}

/// The id of a trace in hexadecimal digits.
fn trace_id(text: &str) -> Option<u128> {
    let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

async fn list(request: HttpRequest, server: web::Data<Server>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let why = Sentence::new("harus 32 angka heksadesimal", "must be 32 hexadecimal digits");
    let trace = query.take("trace", why, trace_id);
    let path = query.take("path", Sentence::new("tidak boleh kosong", "must not be empty"), |text| {
        (!text.is_empty()).then(|| text.to_owned())
    });
    let status =
        query.take("status", Sentence::new("harus status HTTP atau 5xx", "must be an HTTP status or 5xx"), statuses);
    let why = Sentence::new("harus bilangan bulat antara 1 dan 1000", "must be an integer between 1 and 1000");
    let limit = query.take("limit", why, page_limit);
    query.finish()?;
    let recorder = recorder(&server)?;
    let found = recorder.newest(limit.unwrap_or(DEFAULT_LIMIT), |record| {
        is_own(&server, record)
            && trace.is_none_or(|id| record.context.trace().id() == id)
            && path.as_ref().is_none_or(|path| record.path.contains(path.as_str()))
            && status.as_ref().is_none_or(|range| record.status.is_some_and(|status| range.contains(&status)))
    });
    let (recorded, dropped) = recorder.counts();
    let calls = found.iter().map(|record| recorder.call(record)).collect();
    Ok(no_store(ok(&Calls { recorded, dropped, calls })))
}

async fn show(id: PathId<u64>, server: web::Data<Server>) -> Result<HttpResponse> {
    let recorder = recorder(&server)?;
    let found = recorder.find(id.or(&CALL_NOT_FOUND)?).filter(|record| is_own(&server, record));
    let found = found.ok_or_else(|| Error::new(&CALL_NOT_FOUND))?;
    Ok(no_store(ok(&recorder.details(&found))))
}

async fn stream(
    request: HttpRequest,
    Admission { principal, .. }: Admission,
    last: LastEventId,
    server: web::Data<Server>,
) -> Result<HttpResponse> {
    recorder(&server)?;
    let last = last.or_of_query(&request)?.and_then(|last| u64::try_from(last).ok()).unwrap_or(0);
    let source = CallSource { server: server.as_ref().clone(), last };
    server.live.answer(&request, principal, follow(&server.auth, &server.db, principal, source))
}

/// How far a stream of calls has come.
struct CallSource {
    server: Server,
    /// The number of the last change that was sent.
    last: u64,
}

impl MessageSource for CallSource {
    async fn read(&mut self) -> Result<Vec<Message>> {
        let recorder = &self.server.recorder;
        let changes = recorder.changes(self.last, MAX_CHANGES);
        let message = |number: u64, data: serde_json::Result<String>| -> Result<Message> {
            let id = i64::try_from(number).map_err(Error::internal)?;
            Ok(Message { id, data: data.map_err(Error::internal)? })
        };
        let mut messages = Vec::new();
        if changes.dropped > 0 {
            messages.push(message(self.last, serde_json::to_string(&Gap { dropped: changes.dropped }))?);
        }
        for (number, record) in &changes.records {
            if is_own(&self.server, record) {
                messages.push(message(*number, serde_json::to_string(&recorder.call(record)))?);
            }
        }
        self.last = changes.last;
        Ok(messages)
    }

    async fn changed(&mut self) -> bool {
        tokio::time::sleep(LOOK_PERIOD).await;
        true
    }
}
