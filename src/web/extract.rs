//! Extractors for the head of a request: path parameters, the client's address, the language, the Idempotency-Key, the
//! request's context.

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::Serialize;
use uuid::Uuid;

use super::auth::principal;
use super::state::Server;
use crate::context::Context;
use crate::domain::Language;
use crate::error::{BAD_HEADER, Code, Error, Result};
use crate::shares;
use crate::storage::idempotency::Key;

/// The `{id}` of a path. It may be any text; [`PathId::or`] checks it.
pub struct PathId<T>(Option<T>);

impl<T> PathId<T> {
    /// The id; `not_found` if the text is not a positive 64-bit number, which can't be the id of anything.
    pub fn or(self, not_found: &'static Code) -> Result<T> {
        self.0.ok_or_else(|| Error::new(not_found))
    }
}

impl<T: FromStr> FromRequest for PathId<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.match_info().query("id").parse().ok())))
    }
}

/// The `{key}` of a path. It may be any text; [`PathKey::or`] checks it.
pub struct PathKey(Option<Uuid>);

impl PathKey {
    /// The key in its usual form; `not_found` if the text is not a UUID.
    pub fn or(self, not_found: &'static Code) -> Result<String> {
        self.0.map(|key| key.to_string()).ok_or_else(|| Error::new(not_found).detail("the key is not a UUID"))
    }
}

impl FromRequest for PathKey {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().query("key");
        // With hyphens and in lower case, so that one key has one spelling.
        let key = Uuid::try_parse(text).ok().filter(|key| key.to_string() == text);
        ready(Ok(Self(key)))
    }
}

/// The client's address: the other end of the connection. Headers are ignored, as a client can forge them.
pub struct ClientAddress(pub IpAddr);

impl FromRequest for ClientAddress {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let missing = || Error::internal(anyhow::anyhow!("a connection has no other end"));
        ready(request.peer_addr().map(|addr| Self(addr.ip())).ok_or_else(missing))
    }
}

/// The host of a request, without its port. The middleware has checked it.
pub(super) fn host(request: &HttpRequest) -> String {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let end = host.rfind(':').filter(|colon| !host[*colon..].contains(']')).unwrap_or(host.len());
    host[..end].to_owned()
}

/// The network that a scan counts for. `None` for this machine: a proxy on it may serve many clients.
pub(super) fn scanning_network(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().and_then(|client| shares::limited_network(client.ip()))
}

/// The language that a request prefers.
pub(super) fn language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    accepted.map_or(Language::Indonesian, Language::preferred)
}

/// The context of a request with these headers.
pub(super) fn context(headers: &HeaderMap) -> Context {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Context::of_request(header("traceparent"), header("x-request-id"))
}

impl FromRequest for Context {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<Self>().cloned();
        ready(Ok(found.unwrap_or_else(|| context(request.headers()))))
    }
}

impl FromRequest for Language {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(language(request.headers())))
    }
}

/// The `Idempotency-Key` of a request, if it has one: 1 to 255 printable ASCII characters.
pub struct IdempotencyKey {
    subject: String,
    key: Option<String>,
}

impl IdempotencyKey {
    /// The key to store, for this `request` to `service`.
    pub fn of(self, service: &'static str, request: &impl Serialize) -> Result<Option<Key>> {
        let Self { subject, key } = self;
        let key = key.map(|key| {
            let request = serde_json::to_string(request).map_err(Error::internal)?;
            Ok(Key { service, subject, key, request })
        });
        key.transpose()
    }
}

fn requires_login(request: &HttpRequest) -> bool {
    request.app_data::<web::Data<Server>>().is_none_or(|server| server.auth.required)
}

impl FromRequest for IdempotencyKey {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let subject = match principal(request) {
            // Where anybody may act for anybody, a retry is the same with and without a token.
            Ok(_) if !requires_login(request) => String::new(),
            Ok(principal) => principal.subject(),
            Err(error) => return ready(Err(error)),
        };
        let mut values = request.headers().get_all("idempotency-key");
        ready(match (values.next(), values.next()) {
            (None, _) => Ok(Self { subject, key: None }),
            (Some(key), None) => {
                let visible = |key: &&str| key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
                let key = key.to_str().ok().filter(|key| (1..=255).contains(&key.len())).filter(visible);
                key.map(|key| Self { subject, key: Some(key.to_owned()) }).ok_or_else(|| {
                    Error::new(&BAD_HEADER).detail("Idempotency-Key must have 1 to 255 printable ASCII characters")
                })
            }
            _ => Err(Error::new(&BAD_HEADER).detail("Idempotency-Key is repeated")),
        })
    }
}
