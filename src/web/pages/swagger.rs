//! Swagger UI in the frame of our pages and in their language. Its files are in the binary.

mod document;
mod words;

use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;

use actix_web::http::header::{self, AcceptEncoding, Encoding, Header, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::Compression;
use flate2::write::GzEncoder;
use maud::{Markup, html};

use super::files;
use super::frame::{self, Page, Say, Section, code_spans};
use super::service::help;
use crate::domain::Language;
use crate::error::{Error, ROUTE_NOT_FOUND, Result};
use crate::web::docs::openapi;
use crate::web::state::Server;

/// Swagger UI has its icons in its stylesheet, as `data:` URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub async fn docs(request: HttpRequest, server: web::Data<Server>) -> Result<HttpResponse> {
    let mut response = frame::answer(&request, &server, "/docs", |language| page(&server, language))?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

fn page(server: &Server, language: Language) -> Markup {
    let say = Say(language);
    let title = format!("{} · Swagger UI", server.name);
    let about = say.of(help::in_indonesian(openapi::ABOUT).unwrap_or(openapi::ABOUT), openapi::ABOUT);
    let document = format!("/docs/openapi-{}.json", language.tag());
    let content = html! {
        main.page #content tabindex="-1" {
            header.intro {
                h1 { (server.name) }
                p.lead { (code_spans(about)) }
                p.links {
                    a href="/openapi.json" { "openapi.json" }
                    a href="/postman.json" { "Postman" }
                    a href="/" { (say.of("Halaman service ini", "The page of this service")) }
                }
            }
            div #swagger data-document=(document) {}
        }
    };
    let header = frame::header(language, Section::Api);
    // Swagger UI has the English words already.
    let texts = if language == Language::English { &[] } else { words::WORDS };
    frame::document(
        language,
        Page { title: &title, class: "", style: "swagger", module: "docs", texts, symbols: "", header, content },
    )
}

/// The files that the page loads besides ours: two of Swagger UI's, and the document in the language of the page. They
/// are large, so they are sent compressed to whoever accepts that.
pub async fn file(request: HttpRequest, server: web::Data<Server>, name: web::Path<String>) -> Result<HttpResponse> {
    let media_type = match name.as_str() {
        "swagger-ui.css" => "text/css; charset=utf-8",
        "swagger-ui-bundle.js" => "text/javascript; charset=utf-8",
        "openapi-id.json" | "openapi-en.json" => "application/json",
        _ => return Err(Error::new(&ROUTE_NOT_FOUND)),
    };
    let mut response = HttpResponse::Ok();
    response.content_type(media_type).insert_header((header::VARY, "accept-encoding"));
    let mut bytes = plain(&server, &name)?;
    if accepts_gzip(&request) {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
        bytes = server.documentation.pages.get(format!("/docs/{name} gzip"), || gzip(&bytes))?;
    }
    Ok(files::answer(&request, &mut response, bytes))
}

fn accepts_gzip(request: &HttpRequest) -> bool {
    let supported = [Encoding::gzip(), Encoding::identity()];
    let accepted = AcceptEncoding::parse(request).ok();
    accepted.and_then(|accepted| accepted.negotiate(supported.iter())) == Some(Encoding::gzip())
}

/// A file as it is before it is compressed.
fn plain(server: &Server, name: &str) -> Result<Bytes> {
    let document = |language| {
        let key = format!("/docs/{name}");
        server.documentation.pages.get(key, || document::document(server, language).map(Bytes::from))
    };
    match name {
        "openapi-id.json" => document(Language::Indonesian),
        "openapi-en.json" => document(Language::English),
        _ => {
            let config = Arc::new(utoipa_swagger_ui::Config::from("/openapi.json"));
            let found = utoipa_swagger_ui::serve(name, config);
            let found = found.map_err(|error| Error::internal(anyhow::anyhow!("{error}")))?;
            match found.ok_or_else(|| Error::new(&ROUTE_NOT_FOUND))?.bytes {
                Cow::Borrowed(bytes) => Ok(Bytes::from_static(bytes)),
                Cow::Owned(bytes) => Ok(bytes.into()),
            }
        }
    }
}

fn gzip(bytes: &[u8]) -> Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).map_err(Error::internal)?;
    encoder.finish().map(Bytes::from).map_err(Error::internal)
}
