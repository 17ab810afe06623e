//! What every service says of itself: `/`, `/health*`, `/metrics`, `/errors`.

use actix_web::http::header::{self, ContentType, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::problem::{self, Language};
use super::routes::{Doc, Endpoint, Routes};
use super::{Server, html};
use crate::error::{CATALOGUE, Result, Sentence};

pub fn routes(routes: &mut Routes) {
    routes.get("/", root, Doc::new("Informasi service dan endpoint yang tersedia", "This service and its endpoints"));
    routes.get("/health", ready, Doc::new("Kesehatan service", "Whether the service works"));
    routes.get("/health/live", live, Doc::new("Apakah proses hidup", "Whether the process lives"));
    routes.get(
        "/health/ready",
        ready,
        Doc::new("Apakah service siap menerima permintaan", "Whether the service can take requests"),
    );
    routes.get("/metrics", metrics, Doc::new("Metrik untuk Prometheus", "Metrics for Prometheus"));
    routes.get("/errors", errors, Doc::new("Semua kode kesalahan", "Every error code, with its cause and cure"));
}

/// The table of a service's endpoints as `GET /` shows it, in one language.
pub fn endpoints(endpoints: &[Endpoint], language: Language) -> Map<String, Value> {
    endpoints
        .iter()
        .map(|Endpoint { method, path, doc }| {
            let path = path.replace('{', "<").replace('}', ">");
            (format!("{method} {path}"), Value::from(language.pick(&doc.summary)))
        })
        .collect()
}

const WELCOME: (&str, &str) = ("Selamat datang di", "Welcome to");

async fn root(request: HttpRequest, server: web::Data<Server>) -> HttpResponse {
    let language = Language::of(request.headers());
    let (endpoints, welcome) = match language {
        Language::Indonesian => (&server.endpoints.0, WELCOME.0),
        Language::English => (&server.endpoints.1, WELCOME.1),
    };
    let message = format!("{welcome} {}!", server.name);
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::VARY, "accept, accept-language"))
        .insert_header((header::CONTENT_LANGUAGE, language.tag()));
    if !wants_html(request.headers()) {
        return response.json(json!({
            "message": message,
            "service": server.name,
            "version": env!("CARGO_PKG_VERSION"),
            "endpoints": endpoints,
        }));
    }
    let rows = endpoints.iter().map(|(call, what)| {
        let call = html::escape(call);
        let what = html::escape(what.as_str().unwrap_or_default());
        match call.strip_prefix("GET ").filter(|path| !path.contains("&lt;")) {
            Some(path) => format!("<dt><a href=\"{path}\"><code>{call}</code></a></dt><dd>{what}</dd>\n"),
            None => format!("<dt><code>{call}</code></dt><dd>{what}</dd>\n"),
        }
    });
    html::page(response, language, &message, &format!("<dl>\n{}</dl>", rows.collect::<String>()))
}

/// A browser puts HTML into `Accept` by name; programs rarely do.
fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

async fn live(server: web::Data<Server>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok", "service": server.name}))
}

/// Ready is who can read its database; the peers are asked for when they are needed.
async fn ready(server: web::Data<Server>) -> Result<HttpResponse> {
    server.db.check().await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ok", "service": server.name, "checks": {"database": "ok"}})))
}

async fn metrics(server: web::Data<Server>) -> Result<HttpResponse> {
    let text = server.metrics.text(&server.db)?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

/// The page behind the `type` of every problem document.
async fn errors(request: HttpRequest) -> HttpResponse {
    let language = Language::of(request.headers());
    let mut response = HttpResponse::Ok();
    response.insert_header((header::VARY, "accept, accept-language"));
    let entries = CATALOGUE.iter();
    if wants_html(request.headers()) {
        let entries = entries.map(|code| {
            let [message, cause, cure] = [language.pick(&code.message), code.cause, code.cure].map(html::escape);
            let (name, status) = (code.name, problem::status(code.kind).as_u16());
            format!("<dt id=\"{name}\"><code>{status} {name}</code></dt><dd>{message}<br>{cause}<br>{cure}</dd>\n")
        });
        let title = Sentence::new("Kode kesalahan", "Error codes");
        let body = format!("<dl>\n{}</dl>", entries.collect::<String>());
        return html::page(response, language, language.pick(&title), &body);
    }
    let entries = entries.map(|code| {
        json!({
            "code": code.name,
            "status": problem::status(code.kind).as_u16(),
            "message": {"id": code.message.id, "en": code.message.en},
            "cause": code.cause,
            "cure": code.cure,
        })
    });
    response.content_type(ContentType::json()).json(entries.collect::<Vec<_>>())
}
