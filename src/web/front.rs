//! What every request passes through, whichever service it is for.
//!
//! [`front`] stands before the routing: it gives the request its context, turns away foreign hosts and
//! origins, and on the way back dresses every error, the framework's own too, as a problem document and
//! writes the access log. [`guard`] stands around each route: a time limit, and a panic made a 500.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Version};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, ResponseError, web};
use futures_util::FutureExt;

use super::context::Context;
use super::problem::{self, Language};
use super::routes::Pattern;
use super::{Server, hosts};
use crate::error::{BAD_HEADER, Error, HOST_NOT_ALLOWED, INTERNAL, ORIGIN_NOT_ALLOWED, REQUEST_TIMEOUT, Result};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

type Answer = Result<ServiceResponse<BoxBody>, actix_web::Error>;

/// The outermost layer of our own.
pub async fn front(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Answer {
    let started = Instant::now();
    let language = Language::of(request.headers());
    let context = Context::of(request.headers());
    request.extensions_mut().insert(context.clone());

    // The routes know GET; the connection remembers that it must leave the body out.
    let head = request.method() == Method::HEAD;
    if head {
        request.head_mut().method = Method::GET;
    }
    let answer = match check(&request) {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(error) => request.error_response(error),
    };

    let mut answer = dress(answer, language, &context);
    if head && !matches!(answer.response().body().size(), BodySize::Sized(_)) {
        // A stream would be read to its end, only to be thrown away.
        answer = answer.map_body(|_, _| BoxBody::new(()));
    }
    stamp(answer.response_mut().headers_mut(), &context);
    note(&answer, head, &context, started);
    Ok(answer)
}

/// The innermost layer: around one route.
pub async fn guard(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Answer {
    let limit = request.app_data::<web::Data<Server>>().map(|server| server.time_limit);
    let id = request.request().clone();
    let answer = AssertUnwindSafe(next.call(request)).catch_unwind();
    let answer = match limit {
        Some(limit) => tokio::time::timeout(limit, answer).await,
        None => Ok(answer.await),
    };
    match answer {
        Ok(Ok(answer)) => answer.map(ServiceResponse::map_into_boxed_body),
        Ok(Err(panic)) => {
            let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
            let words = words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            Ok(ServiceResponse::from_err(Error::new(&INTERNAL).caused_by(anyhow::anyhow!("panic: {words}")), id))
        }
        Err(_) => Ok(ServiceResponse::from_err(Error::new(&REQUEST_TIMEOUT), id)),
    }
}

/// Refuses what a page or a proxy elsewhere could send (DNS rebinding, cross-site requests).
fn check(request: &ServiceRequest) -> Result<()> {
    let Some(server) = request.app_data::<web::Data<Server>>() else {
        return Ok(());
    };
    let headers = request.headers();
    let mut named = headers.get_all(header::HOST);
    let host = match (named.next(), named.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, _) if request.version() < Version::HTTP_11 => None,
        _ => return Err(Error::new(&BAD_HEADER).detail("exactly one Host is needed")),
    };
    // A target in absolute form takes the place of Host (RFC 9112, 3.2.2): both must be ours.
    let target = request.uri().authority().map(|authority| authority.as_str());
    if [host, target].into_iter().flatten().any(|host| !server.hosts.allow(host)) {
        return Err(Error::new(&HOST_NOT_ALLOWED));
    }
    if let Some(origin) = headers.get(header::ORIGIN)
        && !server.hosts.allow_origin(origin)
    {
        return Err(Error::new(&ORIGIN_NOT_ALLOWED));
    }
    Ok(())
}

/// Makes a problem document of every error, and logs the unexpected ones, here and nowhere else.
fn dress(mut answer: ServiceResponse<BoxBody>, language: Language, context: &Context) -> ServiceResponse<BoxBody> {
    let status = answer.status();
    if !status.is_client_error() && !status.is_server_error() {
        return answer;
    }
    let bare;
    // An own error comes as such; of the framework's, only the status is of use.
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
            if error.code().name == INTERNAL.name { log::Level::Error } else { log::Level::Warn },
            "{} {} {error} id={}", answer.request().method(), answer.request().path(), context.request_id(),
        );
    }
    let headers = answer.headers().clone();
    let mut plain = HttpResponse::new(error.status_code());
    *plain.headers_mut() = headers;
    let dressed = problem::dress(plain, error, language);
    *answer.response_mut() = dressed;
    answer
}

/// The headers that every answer carries.
fn stamp(headers: &mut HeaderMap, context: &Context) {
    if let Ok(id) = HeaderValue::from_str(context.request_id()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Ok(trace) = HeaderValue::from_str(&context.trace().to_string()) {
        headers.insert(TRACEPARENT, trace);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Counts the request and writes its line in the access log.
fn note(answer: &ServiceResponse<BoxBody>, head: bool, context: &Context, started: Instant) {
    let request = answer.request();
    let Some(server) = request.app_data::<web::Data<Server>>() else {
        return;
    };
    let took = started.elapsed();
    let route = request.app_data::<Pattern>().map_or("", |pattern| pattern.0);
    let method = if head { "HEAD" } else { hosts::known_method(request.method()) };
    server.metrics.request(method, route, answer.status().as_str(), took);
    log::info!(
        target: "pasar::access",
        "{} {method} {} {} {:.1}ms id={}",
        server.name,
        request.uri().path_and_query().map_or("*", |target| target.as_str()),
        answer.status().as_u16(),
        took.as_secs_f64() * 1000.0,
        context.request_id(),
    );
}
