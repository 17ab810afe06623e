//! Errors as problem documents (RFC 9457), in the language of the request.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

use crate::domain::Language;
use crate::error::{
    BAD_HEADER, BODY_TOO_LARGE, Code, Error, INTERNAL, Kind, METHOD_NOT_ALLOWED, REQUEST_TIMEOUT, ROUTE_NOT_FOUND,
    TOKEN_MISSING, WRONG_CREDENTIALS,
};

/// `Retry-After` in seconds, if the error has no better value.
const DEFAULT_RETRY_AFTER_SECS: u64 = 1;

/// The only mapping of kinds of errors to status codes.
pub fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::BadRequest => StatusCode::BAD_REQUEST,
        Kind::Unauthorized => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Timeout => StatusCode::REQUEST_TIMEOUT,
        Kind::Conflict | Kind::UnderWay => StatusCode::CONFLICT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Misdirected => StatusCode::MISDIRECTED_REQUEST,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether a later retry may succeed, which `Retry-After` says.
pub fn is_retryable(kind: Kind) -> bool {
    matches!(kind, Kind::Unavailable | Kind::UnderWay | Kind::TooMany)
}

/// The catalogue entry for an error that the framework answered with by itself.
pub fn code_of(status: StatusCode) -> &'static Code {
    match status {
        StatusCode::NOT_FOUND => &ROUTE_NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => &METHOD_NOT_ALLOWED,
        StatusCode::REQUEST_TIMEOUT => &REQUEST_TIMEOUT,
        StatusCode::PAYLOAD_TOO_LARGE => &BODY_TOO_LARGE,
        status if status.is_client_error() => &BAD_HEADER,
        _ => &INTERNAL,
    }
}

/// A problem document, as it goes over the wire.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Problem<'a> {
    /// Where this kind of problem is described.
    r#type: String,
    /// What the problem is, in English.
    title: &'a str,
    /// The HTTP status, once more.
    status: u16,
    /// What is particular to this occurrence, or else what to do about such a problem; for developers.
    detail: &'a str,
    /// The stable name of the problem, for programs.
    code: &'a str,
    /// A sentence for people, in Indonesian or in the language that was asked for.
    message: &'a str,
    /// Why each field or parameter was refused.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    errors: BTreeMap<&'a str, &'a str>,
}

impl<'a> Problem<'a> {
    fn of(error: &'a Error, language: Language) -> Self {
        let code = error.code();
        Self {
            r#type: format!("/errors#{}", code.name),
            title: &code.message.en,
            status: status(code.kind).as_u16(),
            detail: error.details().unwrap_or(&code.remedy.en),
            code: code.name,
            message: language.pick(&code.message),
            errors: error.fields().iter().map(|(name, why)| (name.as_str(), language.pick(why))).collect(),
        }
    }
}

/// The problem document of a code, for the documentation.
pub fn example(code: &'static Code) -> Value {
    // Strings and numbers only: this can't fail.
    serde_json::to_value(Problem::of(&Error::new(code), Language::Indonesian)).unwrap_or_default()
}

/// Turns `response` into the problem document of `error`, keeping its headers.
pub fn respond(response: HttpResponse<BoxBody>, error: &Error, language: Language) -> HttpResponse<BoxBody> {
    let problem = Problem::of(error, language);
    // Strings and numbers only: this can't fail.
    let body = serde_json::to_string(&problem).unwrap_or_default();
    let mut response = response.set_body(BoxBody::new(body));
    *response.status_mut() = error.status_code();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.append(header::VARY, HeaderValue::from_static("accept-language"));
    if is_retryable(error.code().kind) {
        headers.insert(header::RETRY_AFTER, error.wait().unwrap_or(DEFAULT_RETRY_AFTER_SECS).into());
    }
    if error.code().kind == Kind::Unauthorized {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge(error)));
    }
    response
}

/// The `WWW-Authenticate` challenge (RFC 6750, 3). A request without a token gets no error code.
fn challenge(error: &Error) -> &'static str {
    if error.is(&TOKEN_MISSING) || error.is(&WRONG_CREDENTIALS) {
        r#"Bearer realm="pasar""#
    } else {
        r#"Bearer realm="pasar", error="invalid_token""#
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        status(self.code().kind)
    }

    /// Only the status: the middleware adds the problem document, as only it knows the language of the request.
    #[expect(clippy::disallowed_methods, reason = "the status of an error is given here")]
    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::build(self.status_code()).content_type(ContentType::json()).finish()
    }
}
