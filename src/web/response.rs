//! The responses that all services share.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use serde::Serialize;

use crate::domain::Language;
use crate::storage::idempotency::Created;

/// The header of an answer that is replayed for an Idempotency-Key.
pub(super) const IDEMPOTENT_REPLAYED: &str = "idempotent-replayed";

/// 200 with `body`.
pub fn ok(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(body)
}

/// Adds the headers of a body in the reader's language.
pub fn in_language(language: Language, mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.append(header::VARY, HeaderValue::from_static("accept-language"));
    response
}

/// 201 with `body`, and `location` as the address of the new object.
pub fn created(location: &str, body: &impl Serialize) -> HttpResponse {
    HttpResponse::Created().insert_header((header::LOCATION, location)).json(body)
}

/// Forbids caches to store an answer with a token (RFC 6749, 5.1).
pub fn no_store(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 204, without a body.
pub fn no_content() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// 201 for an object that an Idempotency-Key may replay. Its address is its id below `path`.
pub fn created_once(path: &str, Created { id, json, replayed }: Created) -> HttpResponse {
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("{path}/{id}"))).content_type(header::ContentType::json());
    if replayed {
        response.insert_header((IDEMPOTENT_REPLAYED, "true"));
    }
    response.body(json)
}
