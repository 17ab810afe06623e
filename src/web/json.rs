//! JSON bodies, received within limits of size and time.

use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;

use super::form::{Body, parse};
use super::state::Server;
use crate::auth::Admission;
use crate::calls;
use crate::error::{BAD_HEADER, BAD_JSON, BODY_TOO_LARGE, Error, REQUEST_TIMEOUT, Result, UNSUPPORTED_MEDIA_TYPE};

/// The largest body that is read, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The extractor of a JSON body of the form `T`.
pub struct Json<T>(pub T);

impl<T: Body> FromRequest for Json<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let head = check_head(request);
        let body = receive(request, payload);
        Box::pin(async move {
            head?;
            parse(&body.await?).map(Self)
        })
    }
}

/// The extractor of a JSON body of the form `T` that may be absent, which is an empty one.
pub struct OptionalJson<T>(pub Option<T>);

impl<T: Body> FromRequest for OptionalJson<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let head = check_head(request);
        let body = receive(request, payload);
        Box::pin(async move {
            let body = body.await?;
            if body.is_empty() {
                return Ok(Self(None));
            }
            head?;
            parse(&body).map(|body| Self(Some(body)))
        })
    }
}

/// Receives the body of a request within the server's time limit. While it arrived, the principal may have lost the
/// right to make the request: so that is checked again.
fn receive(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Vec<u8>>> + use<> {
    let server = request.app_data::<Data<Server>>().cloned();
    let limit = server.as_ref().map_or(Duration::MAX, |server| server.time_limit);
    let admitted = request.extensions().get::<Admission>().copied();
    let mut payload = payload.take();
    async move {
        let body = tokio::time::timeout(limit, read(&mut payload)).await;
        let body = body.unwrap_or_else(|_| Err(Error::new(&REQUEST_TIMEOUT)))?;
        if let (Some(server), Some(Admission { principal, .. })) = (server, admitted) {
            server.auth.check(principal, &server.db).await?;
        }
        calls::keep_request_body(&body);
        Ok(body)
    }
}

async fn read(payload: &mut Payload) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            Error::new(&BAD_JSON).detail("the body ended early or is not well-formed").caused_by(error)
        })?;
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(Error::new(&BODY_TOO_LARGE));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Checks the head of a request with a JSON body.
fn check_head(request: &HttpRequest) -> Result<()> {
    let headers = request.headers();
    if headers.get_all(header::CONTENT_TYPE).count() > 1 {
        return Err(Error::new(&BAD_HEADER).detail("Content-Type is repeated"));
    }
    let essence = request.content_type().trim();
    let encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if encoded || !essence.eq_ignore_ascii_case("application/json") {
        return Err(Error::new(&UNSUPPORTED_MEDIA_TYPE));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        return Err(Error::new(&BODY_TOO_LARGE));
    }
    Ok(())
}
