//! What armed faults do to the requests that this server answers.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ContentType, HeaderName, HeaderValue, USER_AGENT};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

use super::route::{Answer, Route};
use super::state::Server;
use crate::auth::{Access, Principal};
use crate::calls::Open;
use crate::context;
use crate::error::{BAD_HEADER, Error, LAB_OFF, NOT_ALLOWED, Result};
use crate::faults::{self, ANYBODY, BadRule, CLIENT, Kind, OneRequest, Rule, Sent, Strike};

/// Says in an answer whether the fault that its request brought along has fired here.
const FIRED: HeaderName = HeaderName::from_static("pasar-fault-fired");

/// That a fault has struck a request, for who sends the answer.
#[derive(Clone, Copy)]
struct Struck(Kind);

/// Reads the `Pasar-Fault` header of a request that was admitted.
fn read(request: &HttpRequest, header: &HeaderValue) -> Result<Rule> {
    let server = request.app_data::<Data<Server>>().filter(|server| server.faults.is_on());
    let server = server.ok_or_else(|| Error::new(&LAB_OFF))?;
    let principal = request.extensions().get::<Principal>().copied();
    if server.auth.required && !principal.is_some_and(|principal| Access::Service.admits(principal)) {
        return Err(Error::new(&NOT_ALLOWED).detail("Pasar-Fault is for an admin"));
    }
    let refuse = |why: String| Error::new(&BAD_HEADER).detail(format!("Pasar-Fault: {why}"));
    let rule: Rule = header.to_str().unwrap_or_default().parse().map_err(|why: BadRule| refuse(why.to_string()))?;
    if !server.auth.services.contains(&rule.fires_at()) {
        return Err(refuse(format!("it happens at the {} service", rule.fires_at())));
    }
    Ok(rule)
}

/// Carries out a request that was admitted, unless a fault does something else.
pub(super) async fn carry_out(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Answer {
    let Some(header) = request.headers().get(faults::HEADER) else { return meet(request, next).await };
    let rule = match read(request.request(), header) {
        Ok(rule) => rule,
        Err(error) => return Ok(request.error_response(error)),
    };
    let met = async {
        let mut answer = meet(request, next).await?;
        let fired = HeaderValue::from_static(if faults::has_fired() { "true" } else { "false" });
        answer.headers_mut().insert(FIRED, fired);
        Ok(answer)
    };
    OneRequest::new(rule).run(met).await
}

async fn meet(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Answer {
    let Some(Strike { kind, delay }) = strike(request.request()) else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    request.extensions_mut().insert(Struck(kind));
    match kind {
        Kind::Delay => tokio::time::sleep(delay).await,
        Kind::LoseAnswer => {}
        Kind::Hang => std::future::pending().await,
        _ => return Ok(request.into_response(HttpResponse::Ok().finish())),
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

/// The fault that strikes a request of a client, or any request to a service that is stopped.
fn strike(request: &HttpRequest) -> Option<Strike> {
    let server = request.app_data::<Data<Server>>().filter(|server| server.faults.is_on())?;
    let route = request.app_data::<Route>().filter(|route| route.recorded)?;
    // What another service sends meets the faults of that edge before it is sent.
    let is_service = request.headers().get(USER_AGENT).is_some_and(|agent| context::is_service(agent.as_bytes()));
    let from = if is_service { ANYBODY } else { CLIENT };
    let sent = Sent { from, to: route.service, method: request.method().as_str(), path: request.path() };
    let extensions = request.extensions();
    let open = extensions.get::<Open>()?;
    let strike = server.faults.strike(sent, || open.ids())?;
    open.entry().update(|record| record.fault = Some(strike.kind.as_str()));
    Some(strike)
}

/// Answers as a gateway would instead, if a fault says so.
pub(super) fn invent(answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let Some(Struck(kind)) = struck(&answer) else { return answer };
    let (mut response, text) = match kind {
        Kind::Error => (HttpResponse::InternalServerError(), ""),
        Kind::Nonsense => (HttpResponse::Ok(), faults::NONSENSE),
        Kind::NotFound => (HttpResponse::NotFound(), faults::BARE_NOT_FOUND),
        _ => return answer,
    };
    if let Some(fired) = answer.headers().get(FIRED) {
        response.insert_header((FIRED, fired.clone()));
    }
    answer.into_response(response.content_type(ContentType::html()).body(text)).map_into_boxed_body()
}

/// Whether the request is closed unread.
pub(super) fn is_refused(answer: &ServiceResponse<BoxBody>) -> bool {
    matches!(struck(answer), Some(Struck(Kind::Refuse | Kind::Stop)))
}

/// Why the client has no answer, if a fault says so.
pub(super) fn failure(answer: &ServiceResponse<BoxBody>) -> Option<&'static str> {
    match struck(answer)? {
        Struck(Kind::Refuse | Kind::Stop) => Some("the connection was closed"),
        Struck(Kind::LoseAnswer) => Some("the answer was lost"),
        Struck(_) => None,
    }
}

/// Closes the connection instead of answering, if a fault says so.
pub(super) fn lose(answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    match struck(&answer) {
        Some(Struck(Kind::Refuse | Kind::Stop | Kind::LoseAnswer)) => answer.map_body(|_, _| BoxBody::new(Lost)),
        _ => answer,
    }
}

fn struck(answer: &ServiceResponse<BoxBody>) -> Option<Struck> {
    answer.request().extensions().get::<Struck>().copied()
}

/// A body that breaks off before it begins: the server closes the connection and sends nothing.
struct Lost;

impl MessageBody for Lost {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<std::io::Result<Bytes>>> {
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}
