//! The middleware around every request, whichever service it is for.
//!
//! [`layer`] is the outermost: it gives the request its context and refuses foreign hosts and origins. On the way
//! back it turns every error, the framework's too, into a problem document, and writes the access log. [`guard`] is
//! the innermost, around one route: it checks who may call it, limits the time, and turns a panic into a 500.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use actix_http::ConnectionType;
use actix_web::body::{self, BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use futures_util::{FutureExt, Stream, StreamExt};

use super::connections::{InProgress, State};
use super::route::{Answer, Route};
use super::state::Server;
use super::{auth, extract, problem, struck};
use crate::auth::Principal;
use crate::calls::{Action, Exchange, Open, Scope, is_secret};
use crate::context::{ANSWER_TIME, Context};
use crate::domain::Language;
use crate::error::{BAD_HEADER, Error, HOST_NOT_ALLOWED, INTERNAL, ORIGIN_NOT_ALLOWED, Result, TOO_SLOW};
use crate::metrics;

/// Bytes of an answer that a connection copies into its own buffer at a time. The rest is shared between connections,
/// or not read from the database yet.
pub(super) const WRITE_BUFFER_BYTES: usize = 8 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long the answer may take once the body of the request has arrived.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

const _: () = assert!(
    ANSWER_TIMEOUT.as_millis() > ANSWER_TIME.as_millis(),
    "the timeout must only stop bugs: other requests are answered before"
);
/// The log target of the access log.
const ACCESS_LOG: &str = "pasar::access";

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The outermost middleware.
pub async fn layer(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Answer {
    let started = Instant::now();
    let language = extract::language(request.headers());
    let context = extract::context(request.headers());
    request.extensions_mut().insert(context.clone());

    // The routes only know GET; the connection itself leaves the body of a HEAD out.
    let head = request.method() == Method::HEAD;
    if head {
        request.head_mut().method = Method::GET;
    }
    let in_terminal =
        request.headers().get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"curl/"));
    let in_progress = request.conn_data::<Arc<State>>().map(State::begin);
    let held = request.chunked().unwrap_or(false).then(|| hold_payload(&mut request));
    let upgrade = check_upgrade(&request);
    let closes = upgrade.is_err();
    let mut answer = match upgrade.and_then(|()| check_host_and_origin(&request)) {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(error) => request.error_response(error),
    };

    answer = struck::invent(format_error(answer, language, &context));
    answer = end_record(answer);
    if closes {
        answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    if in_terminal && is_json(&answer) {
        answer = answer.map_body(|_, body| BoxBody::new(WithLineEnd { body, ended: false }));
    }
    if head && !matches!(answer.response().body().size(), BodySize::Sized(_)) {
        // A stream would be read to its end and thrown away.
        answer = answer.map_body(|_, _| BoxBody::new(body::None::new()));
    }
    answer = struck::lose(answer);
    answer = answer.map_body(|_, body| {
        BoxBody::new(Outgoing { body, rest: Bytes::new(), _payload: held, _in_progress: in_progress })
    });
    add_headers(answer.response_mut().headers_mut(), &context);
    record(&answer, head, &context, started);
    Ok(answer)
}

/// The innermost middleware, around one route.
pub async fn guard(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Answer {
    let limit = request.app_data::<web::Data<Server>>().map(|server| server.time_limit + ANSWER_TIMEOUT);
    let original = request.request().clone();
    let scope = begin_record(request.request());
    let answer = async {
        match admit(request.request()).await {
            Ok(()) => struck::carry_out(request, next).await,
            Err(error) => Ok(request.error_response(error)),
        }
    };
    let answer = async {
        match scope {
            Some(scope) => scope.run(answer).await,
            None => answer.await,
        }
    };
    let answer = AssertUnwindSafe(answer).catch_unwind();
    let answer = match limit {
        Some(limit) => tokio::time::timeout(limit, answer).await,
        None => Ok(answer.await),
    };
    let answer = match answer {
        Ok(Ok(answer)) => answer?,
        Ok(Err(panic)) => {
            let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
            let words = words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            ServiceResponse::from_err(Error::new(&INTERNAL).caused_by(anyhow::anyhow!("panic: {words}")), original)
        }
        Err(_) => ServiceResponse::from_err(Error::new(&TOO_SLOW), original),
    };
    Ok(answer)
}

/// Begins the record of an answer, if it is to be recorded. Returns the scope of what is done for it.
fn begin_record(request: &HttpRequest) -> Option<Scope> {
    let route = request.app_data::<Route>().filter(|route| route.recorded)?;
    let server = request.app_data::<web::Data<Server>>()?;
    let context = request.extensions().get::<Context>().cloned()?;
    let begin = server.recorder.begin(route.service, &context, Action::Answer { route: route.pattern })?;
    let open = begin.with(|record| {
        record.method = metrics::method_label(request.method().as_str());
        record.path = without_secrets(request).into();
        record.request = exchange(request.headers());
    });
    let scope = Scope::of_request(&server.recorder, route.service, &context, &open);
    request.extensions_mut().insert(open);
    Some(scope)
}

/// Ends the record of an answer.
fn end_record(answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let Some(open) = answer.request().extensions_mut().remove::<Open>() else { return answer };
    let mut response = exchange(answer.headers());
    let answer = answer.map_body(|_, body| match body.try_into_bytes() {
        Ok(bytes) => {
            response.set_body(&bytes);
            BoxBody::new(bytes)
        }
        Err(body) => body,
    });
    let status = (!struck::is_refused(&answer)).then(|| answer.status().as_u16());
    open.end(|record| {
        record.status = status;
        record.failure = struck::failure(&answer).map(Into::into);
        record.response = response;
    });
    answer
}

/// The headers that are recorded: those that change what a request or an answer means.
fn exchange(headers: &HeaderMap) -> Exchange {
    const RECORDED: [&str; 5] =
        ["Idempotency-Key", "Idempotent-Replayed", "Location", "Retry-After", "WWW-Authenticate"];
    Exchange::of(|name| headers.get(name)?.to_str().ok(), &RECORDED)
}

/// Checks whether the principal of the request may call its route.
async fn admit(request: &HttpRequest) -> Result<()> {
    let (Some(route), Some(server)) = (request.app_data::<Route>(), request.app_data::<web::Data<Server>>()) else {
        return Err(Error::internal(anyhow::anyhow!("nothing says who may call {}", request.path())));
    };
    let Some(&(_, access)) = route.access.iter().find(|(method, _)| method == request.method()) else {
        return Ok(()); // OPTIONS, and what will be 405.
    };
    let principal = auth::identify(&server.auth, access, request.headers(), request.query_string())?;
    if let Some(principal) = principal {
        // Also for the access log, if the request is refused.
        request.extensions_mut().insert(principal);
        let admitted = server.auth.admit(access, principal, &server.db).await?;
        request.extensions_mut().insert(admitted);
    }
    Ok(())
}

type SharedPayload = Rc<RefCell<Payload>>;

/// Keeps the payload of a chunked request until the answer is sent. If it were dropped unread, actix would drain the
/// connection for as long as the client keeps it open; kept, it closes the connection instead.
fn hold_payload(request: &mut ServiceRequest) -> SharedPayload {
    let shared = Rc::new(RefCell::new(request.take_payload()));
    let reading = Rc::clone(&shared);
    let stream = futures_util::stream::poll_fn(move |cx| reading.borrow_mut().poll_next_unpin(cx));
    request.set_payload(Payload::from(Box::pin(stream) as Pin<Box<dyn Stream<Item = _>>>));
    shared
}

/// The body of an answer, sent in pieces, since a connection copies each piece into its own buffer. It also keeps the
/// payload of the request until the answer is sent.
struct Outgoing {
    body: BoxBody,
    /// What has been read from `body` and is not sent yet.
    rest: Bytes,
    _payload: Option<SharedPayload>,
    _in_progress: Option<InProgress>,
}

impl MessageBody for Outgoing {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(bytes)) => self.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(WRITE_BUFFER_BYTES);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}

/// Refuses to upgrade a connection for a request with a body. actix takes everything after `Upgrade: websocket` for
/// the new protocol and ignores the length of the body: it would wait for a body that never ends, and swallow the
/// next request. For a GET without a body the header is ignored (RFC 9110, 7.8), and the connection closed.
fn check_upgrade(request: &ServiceRequest) -> Result<()> {
    let headers = request.headers();
    let websocket = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"websocket");
    if !headers.get_all(header::UPGRADE).any(websocket) {
        return Ok(());
    }
    let has_body = headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING);
    if !has_body && (request.method() == Method::GET || request.method() == Method::OPTIONS) {
        return Ok(());
    }
    Err(Error::new(&BAD_HEADER).detail("the connection can't be upgraded: send the request without Upgrade"))
}

fn is_json(answer: &ServiceResponse<BoxBody>) -> bool {
    let media_type = answer.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    matches!(media_type, Some(b"application/json" | b"application/problem+json"))
        && !matches!(answer.response().body().size(), BodySize::None | BodySize::Sized(0))
}

/// A body with a line end after it, so that a terminal's prompt begins on a new line. Nothing is copied.
struct WithLineEnd {
    body: BoxBody,
    ended: bool,
}

impl MessageBody for WithLineEnd {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        match self.body.size() {
            BodySize::Sized(length) => BodySize::Sized(length + 1),
            other => other,
        }
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        // A body that has ended must not be polled again.
        if self.ended {
            return Poll::Ready(None);
        }
        let next = Pin::new(&mut self.body).poll_next(cx);
        if let Poll::Ready(None) = next {
            self.ended = true;
            return Poll::Ready(Some(Ok(Bytes::from_static(b"\n"))));
        }
        next
    }
}

/// Refuses foreign hosts and origins (DNS rebinding, cross-site requests).
fn check_host_and_origin(request: &ServiceRequest) -> Result<()> {
    let Some(server) = request.app_data::<web::Data<Server>>() else {
        return Ok(());
    };
    let headers = request.headers();
    // actix accepts exactly one Host (or none, with HTTP/1.0).
    let host = headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
    // A target in absolute form overrides Host (RFC 9112, 3.2.2): both must be allowed.
    let target = request.uri().authority().map(|authority| authority.as_str());
    if let Some(host) = [host, target].into_iter().flatten().find(|host| !server.hosts.allows(host)) {
        let named = quote(host);
        let detail = format!("{named} is no name of this server: use localhost, or add the host to ALLOWED_HOSTS");
        return Err(Error::new(&HOST_NOT_ALLOWED).detail(detail));
    }
    if let Some(origin) = headers.get(header::ORIGIN)
        && !server.hosts.allows_origin(origin)
    {
        let named = quote(&String::from_utf8_lossy(origin.as_bytes()));
        let detail = format!(
            "pages of {named} may not call: serve the page from this machine, or add its origin to CORS_ORIGINS"
        );
        return Err(Error::new(&ORIGIN_NOT_ALLOWED).detail(detail));
    }
    Ok(())
}

/// What a client sent, quoted in a message: escaped and shortened.
fn quote(text: &str) -> String {
    const MAX_QUOTED_CHARS: usize = 100;
    let end = if text.chars().count() > MAX_QUOTED_CHARS { "…" } else { "" };
    format!("{:?}{end}", text.chars().take(MAX_QUOTED_CHARS).collect::<String>())
}

/// Turns every error into a problem document. The unexpected ones are logged here and nowhere else.
fn format_error(
    mut answer: ServiceResponse<BoxBody>,
    language: Language,
    context: &Context,
) -> ServiceResponse<BoxBody> {
    let status = answer.status();
    if !status.is_client_error() && !status.is_server_error() {
        return answer;
    }
    let bare;
    // Of an error of the framework, only the status is useful.
    let error = match answer.response().error().and_then(|error| error.as_error::<Error>()) {
        Some(error) => error,
        None => {
            bare = Error::new(problem::code_of(status));
            &bare
        }
    };
    if status.is_server_error() {
        log::log!(
            target: "pasar::errors",
            if error.is(&INTERNAL) { log::Level::Error } else { log::Level::Warn },
            "service={} method={} path={} error={:?} id={}",
            service(answer.request()),
            answer.request().method(),
            answer.request().path(),
            error.to_string(),
            context.request_id(),
        );
    }
    let headers = answer.headers().clone();
    #[expect(clippy::disallowed_methods, reason = "the status of an error is given here")]
    let mut plain = HttpResponse::new(error.status_code());
    *plain.headers_mut() = headers;
    let document = problem::respond(plain, error, language);
    *answer.response_mut() = document;
    answer
}

/// The target of a request without tickets, and without parameters that look like secrets: never log credentials.
fn without_secrets(request: &HttpRequest) -> Cow<'_, str> {
    let parameters = form_urlencoded::parse(request.query_string().as_bytes());
    if !parameters.clone().any(|(name, _)| is_secret(&name)) {
        return request.uri().path_and_query().map_or("*", |target| target.as_str()).into();
    }
    let shown = parameters.map(|(name, value)| if is_secret(&name) { (name, "hidden".into()) } else { (name, value) });
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(shown).finish();
    format!("{}?{query}", request.path()).into()
}

/// The headers that every answer carries.
fn add_headers(headers: &mut HeaderMap, context: &Context) {
    if let Ok(id) = HeaderValue::from_str(context.request_id()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Ok(trace) = HeaderValue::from_str(&context.trace().to_string()) {
        headers.insert(TRACEPARENT, trace);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Counts the request and writes its line in the access log.
fn record(answer: &ServiceResponse<BoxBody>, head: bool, context: &Context, started: Instant) {
    let request = answer.request();
    let Some(server) = request.app_data::<web::Data<Server>>() else {
        return;
    };
    let took = started.elapsed();
    let route = request.app_data::<Route>().map_or("", |route| route.pattern);
    let method = if head { "HEAD" } else { metrics::method_label(request.method().as_str()) };
    server.metrics.request(method, route, answer.status().as_str(), took);
    if log::log_enabled!(target: ACCESS_LOG, log::Level::Info) {
        let principal = request.extensions().get::<Principal>().copied().unwrap_or(Principal::Nobody);
        log::info!(
            target: ACCESS_LOG,
            "service={} method={method} path={} status={} took={:.1}ms by={principal} from={} id={}",
            service(request),
            without_secrets(request),
            answer.status().as_u16(),
            took.as_secs_f64() * 1000.0,
            ClientIp(request.peer_addr()),
            context.request_id(),
        );
    }
}

/// The address of the client, for the log: the other end of the connection, whatever a header says.
struct ClientIp(Option<SocketAddr>);

impl fmt::Display for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(addr) => addr.ip().fmt(f),
            None => f.write_str("-"),
        }
    }
}

/// The service that a request is for: a server may serve more than the one that it is named after.
fn service(request: &HttpRequest) -> &'static str {
    let server = || request.app_data::<web::Data<Server>>()?.auth.services.first().copied();
    request.app_data::<Route>().map(|route| route.service).or_else(server).unwrap_or_default()
}
