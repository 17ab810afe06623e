//! Authentication of requests: bearer tokens in the header, tickets in the query.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::auth::{Access, Admission, Auth, Principal, Scope};
use crate::error::{Error, Result, TOKEN_MALFORMED, TOKEN_MISSING};

/// The longest token that is read, in bytes. Tokens of this shop have about 300.
const MAX_TOKEN_BYTES: usize = 4096;

/// The principal of a request, from its token or ticket. `None` on a route for [`Access::Anyone`], where both are
/// ignored.
pub fn identify(auth: &Auth, access: Access, headers: &HeaderMap, query: &str) -> Result<Option<Principal>> {
    if access == Access::Anyone {
        return Ok(None);
    }
    let ticket = if access.takes_ticket() { ticket(query)? } else { None };
    let needed = access.needs_token(auth.required);
    match (bearer(headers, needed)?, ticket) {
        (Some(_), Some(_)) => Err(Error::new(&TOKEN_MALFORMED).detail("there is a ticket and a token")),
        (Some(token), None) => auth.tokens.read(token, &auth.services).map(Some),
        (None, Some(ticket)) => auth.tokens.read_ticket(&ticket).map(Some),
        (None, None) if needed => Err(Error::new(&TOKEN_MISSING)),
        (None, None) => Ok(Some(Principal::Nobody)),
    }
}

/// The token of an `Authorization` header (RFC 6750, 2.1), if there is such a header. Another scheme is ignored unless
/// a token is `needed`: it may be meant for a proxy.
fn bearer(headers: &HeaderMap, needed: bool) -> Result<Option<&str>> {
    let malformed = |why: &str| Error::new(&TOKEN_MALFORMED).detail(why);
    let mut values = headers.get_all(header::AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed("the header is repeated"));
    }
    let value = value.to_str().map_err(|_| malformed("it is not ASCII"))?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Some(token.trim())
                .filter(|token| token.len() <= MAX_TOKEN_BYTES)
                .map(Some)
                .ok_or_else(|| malformed("it is too long"))
        }
        Some((scheme, _)) if !needed && !scheme.eq_ignore_ascii_case("bearer") => Ok(None),
        _ => Err(malformed("it is not of the form Bearer <token>")),
    }
}

/// The `ticket` of a query, if it has one.
fn ticket(query: &str) -> Result<Option<String>> {
    let mut tickets = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "ticket");
    match (tickets.next(), tickets.next()) {
        (None, _) => Ok(None),
        (Some((_, ticket)), None) if ticket.len() <= MAX_TOKEN_BYTES => Ok(Some(ticket.into_owned())),
        _ => Err(Error::new(&TOKEN_MALFORMED).detail("the ticket is repeated or too long")),
    }
}

/// The decision of the route's guard; an internal error without a guard.
fn admitted(request: &HttpRequest) -> Result<Admission> {
    let found = request.extensions().get::<Admission>().copied();
    found.ok_or_else(|| Error::internal(anyhow::anyhow!("nobody was admitted to {}", request.path())))
}

/// The principal of a request.
pub(super) fn principal(request: &HttpRequest) -> Result<Principal> {
    admitted(request).map(|admitted| admitted.principal)
}

impl FromRequest for Admission {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admitted(request))
    }
}

impl FromRequest for Principal {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(principal(request))
    }
}

impl FromRequest for Scope {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admitted(request).map(|admitted| admitted.scope))
    }
}
