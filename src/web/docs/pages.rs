//! The pages of a service: the info page with a form for every call, the error codes, Swagger UI, and the files that
//! these load. All are in the binary.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::header::{self, ContentType};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::{Value, json};
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::html;
use super::openapi::{Doc, Endpoint, Parameter};
use crate::auth::Access;
use crate::domain::{Language, Sentence};
use crate::error::{CATALOGUE, Error, ROUTE_NOT_FOUND, Result};
use crate::web::state::{Documentation, Server};
use crate::web::{extract::language, problem, routes::Routes};

pub fn routes(routes: &mut Routes) {
    let object = || ObjectBuilder::new().schema_type(Type::Object);
    let string = || ObjectBuilder::new().schema_type(Type::String);
    let welcome = json!({
        "message": "Selamat datang di UserService!",
        "service": "UserService",
        "version": env!("CARGO_PKG_VERSION"),
        "endpoints": {"GET /users/<id>": "Mengambil data user berdasarkan id"},
        "docs": "/docs",
    });
    routes.get(
        "/",
        root,
        Doc::new("Informasi service dan endpoint yang tersedia", "This service and its endpoints")
            .by(Access::Anyone)
            .gives("application/json", object(), welcome)
            .gives("text/html", string(), json!("<!doctype html>…")),
    );
    routes.get(
        "/errors",
        errors,
        Doc::new("Semua kode kesalahan", "Every error code, with its cause and cure")
            .by(Access::Anyone)
            .gives("application/json", ObjectBuilder::new().schema_type(Type::Array), json!([]))
            .gives("text/html", string(), json!("<!doctype html>…")),
    );
    routes.get(
        "/openapi.json",
        openapi,
        Doc::new("Dokumen OpenAPI service ini", "This document").by(Access::Anyone).gives(
            "application/json",
            object(),
            json!({}),
        ),
    );
    routes.get(
        "/postman.json",
        postman,
        Doc::new("Koleksi Postman", "The Postman collection of the whole shop").by(Access::Anyone).gives(
            "application/json",
            object(),
            json!({}),
        ),
    );
    routes.get(
        "/docs",
        docs,
        Doc::new("Swagger UI", "Swagger UI").by(Access::Anyone).gives("text/html", string(), json!("<!doctype html>…")),
    );
    routes.get(
        "/docs/{file}",
        docs_file,
        Doc::new("Berkas Swagger UI", "The files that Swagger UI loads")
            .by(Access::Anyone)
            .name("file", "swagger-ui.css", &ROUTE_NOT_FOUND)
            .gives("*/*", string(), json!("…")),
    );
    routes.get(
        "/static/{file}",
        static_file,
        Doc::new("Berkas halaman info", "The files that the info page loads")
            .by(Access::Anyone)
            .name("file", "pasar.css", &ROUTE_NOT_FOUND)
            .gives("*/*", string(), json!("…")),
    );
}

/// The texts of the pages.
struct Words {
    welcome: Sentence,
    calls: Sentence,
    peers: Sentence,
    up: Sentence,
    down: Sentence,
    token: Sentence,
    token_hint: Sentence,
    body: Sentence,
    send: Sentence,
    request: Sentence,
    answer: Sentence,
    codes: Sentence,
    other: Sentence,
}

static WORDS: Words = Words {
    welcome: Sentence::new("Selamat datang di", "Welcome to"),
    calls: Sentence::new("Yang bisa dipanggil", "What can be called"),
    peers: Sentence::new("Service yang dihubungi", "The services that it calls"),
    up: Sentence::new("menjawab", "answers"),
    down: Sentence::new("tidak menjawab", "does not answer"),
    token: Sentence::new("Token", "Token"),
    token_hint: Sentence::new(
        "Dari POST /auth/login atau /auth/register di UserService; dikirim bersama setiap panggilan, bila diisi.",
        "From POST /auth/login or /auth/register of the UserService; sent with every call, if there is one.",
    ),
    body: Sentence::new("Isi (JSON)", "Body (JSON)"),
    send: Sentence::new("Kirim", "Send"),
    request: Sentence::new("Permintaan", "Request"),
    answer: Sentence::new("Jawaban", "Answer"),
    codes: Sentence::new("Kode kesalahan", "Error codes"),
    other: Sentence::new("English", "Bahasa Indonesia"),
};

async fn root(request: HttpRequest, server: web::Data<Server>) -> Result<HttpResponse> {
    let language = asked_language(&request);
    let message = format!("{} {}!", language.pick(&WORDS.welcome), server.name);
    let response = in_language(language);
    if wants_html(&request) {
        let Documentation { endpoints, pages, .. } = &server.documentation;
        let page = || Ok(html::page(language, &message, &info_page(endpoints, language)).into());
        return Ok(html::answer(response, pages.get(format!("/ {}", language.tag()), page)?));
    }
    let endpoints: serde_json::Map<String, Value> = server
        .documentation
        .endpoints
        .iter()
        .map(|Endpoint { method, path, doc }| {
            let path = path.replace('{', "<").replace('}', ">");
            (format!("{method} {path}"), Value::from(language.pick(&doc.summary)))
        })
        .collect();
    let mut response = response;
    Ok(response.json(json!({
        "message": message,
        "service": server.name,
        "version": env!("CARGO_PKG_VERSION"),
        "endpoints": endpoints,
        "docs": "/docs",
    })))
}

/// The language of a page: `?lang=` if it is there, else `Accept-Language`.
fn asked_language(request: &HttpRequest) -> Language {
    match request.query_string() {
        "lang=en" => Language::English,
        "lang=id" => Language::Indonesian,
        _ => language(request.headers()),
    }
}

fn in_language(language: Language) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::VARY, "accept, accept-language"))
        .insert_header((header::CONTENT_LANGUAGE, language.tag()));
    response
}

/// Whether to answer with HTML: browsers name it in `Accept`, programs rarely do.
fn wants_html(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn info_page(endpoints: &[Endpoint], language: Language) -> String {
    let say = |sentence: &Sentence| html::escape(language.pick(sentence));
    let other = match language {
        Language::Indonesian => "en",
        Language::English => "id",
    };
    let peers = if endpoints.iter().any(|endpoint| endpoint.path == "/peers") {
        format!(
            "<h2>{}</h2>\n<ul data-peers data-up=\"{}\" data-down=\"{}\"></ul>\n",
            say(&WORDS.peers),
            say(&WORDS.up),
            say(&WORDS.down)
        )
    } else {
        String::new()
    };
    let calls: String =
        endpoints.iter().enumerate().map(|(number, endpoint)| form(number, endpoint, language)).collect();
    format!(
        "<nav aria-label=\"Pasar\"><a href=\"/docs\">Swagger UI</a> <a href=\"/openapi.json\">OpenAPI</a> \
         <a href=\"/postman.json\">Postman</a> <a href=\"/errors\">{}</a> \
         <a href=\"/?lang={other}\" lang=\"{other}\" hreflang=\"{other}\">{}</a></nav>\n\
         {peers}<h2>{}</h2>\n\
         <label for=\"token\">{}</label>\n\
         <input id=\"token\" data-token autocomplete=\"off\" spellcheck=\"false\" aria-describedby=\"token-hint\">\n\
         <p id=\"token-hint\">{}</p>\n{calls}<script src=\"/static/info.js\" defer></script>",
        say(&WORDS.codes),
        say(&WORDS.other),
        say(&WORDS.calls),
        say(&WORDS.token),
        say(&WORDS.token_hint),
    )
}

/// The form for one call; `info.js` sends it.
fn form(number: usize, endpoint: &Endpoint, language: Language) -> String {
    let Endpoint { method, path, doc } = endpoint;
    let say = |sentence: &Sentence| html::escape(language.pick(sentence));
    let parameters: String = doc.parameters().iter().map(|parameter| input(number, parameter)).collect();
    let body = doc.body_example().map(|example| {
        let text = html::escape(&serde_json::to_string_pretty(example).unwrap_or_default());
        format!(
            "<label for=\"body-{number}\">{}</label>\n\
             <textarea id=\"body-{number}\" name=\"body\" data-in=\"body\" rows=\"6\" spellcheck=\"false\">{text}</textarea>\n",
            say(&WORDS.body)
        )
    });
    let title = html::escape(&format!("{method} {path}"));
    format!(
        "<section class=\"call\" aria-labelledby=\"call-{number}\">\n\
         <h3 id=\"call-{number}\"><code>{title}</code></h3>\n<p>{summary}</p>\n\
         <form data-method=\"{method}\" data-path=\"{path}\">\n{parameters}{body}\
         <button aria-label=\"{send}: {title}\">{send}</button>\n</form>\n\
         <p role=\"status\"></p>\n<div data-exchange hidden>\n\
         <h4>{request}</h4><pre data-request tabindex=\"0\" aria-label=\"{request}: {title}\" role=\"region\"></pre>\n\
         <h4>{answer}</h4><pre data-answer tabindex=\"0\" aria-label=\"{answer}: {title}\" role=\"region\"></pre>\n\
         </div>\n</section>\n",
        summary = say(&doc.summary),
        path = html::escape(path),
        body = body.unwrap_or_default(),
        send = say(&WORDS.send),
        request = say(&WORDS.request),
        answer = say(&WORDS.answer),
    )
}

fn input(number: usize, parameter: &Parameter) -> String {
    let name = html::escape(&parameter.schema.name);
    let (location, required) = match parameter.schema.parameter_in {
        ParameterIn::Path => ("path", " required"),
        ParameterIn::Header => ("header", ""),
        _ => ("query", ""),
    };
    let value = html::escape(parameter.example);
    format!(
        "<label for=\"{name}-{number}\">{name}</label>\n\
         <input id=\"{name}-{number}\" name=\"{name}\" data-in=\"{location}\" value=\"{value}\" autocomplete=\"off\"{required}>\n"
    )
}

/// The page behind the `type` of every problem document.
async fn errors(request: HttpRequest, server: web::Data<Server>) -> Result<HttpResponse> {
    let language = asked_language(&request);
    let mut response = in_language(language);
    let pages = &server.documentation.pages;
    if wants_html(&request) {
        let page = || Ok(errors_page(language).into());
        return Ok(html::answer(response, pages.get(format!("/errors {}", language.tag()), page)?));
    }
    let page = pages.get("/errors".to_owned(), errors_json)?;
    Ok(response.content_type(ContentType::json()).body(page))
}

fn errors_page(language: Language) -> String {
    let entries = CATALOGUE.iter().map(|code| {
        let [message, cause, remedy] = [language.pick(&code.message), code.cause, code.remedy].map(html::escape);
        let (name, status) = (code.name, problem::status(code.kind).as_u16());
        format!(
            "<dt id=\"{name}\"><code>{status} {name}</code></dt>\n\
                 <dd>{message}</dd>\n<dd lang=\"en\">{cause}</dd>\n<dd lang=\"en\">{remedy}</dd>\n"
        )
    });
    let body = format!("<dl>\n{}</dl>", entries.collect::<String>());
    html::page(language, language.pick(&WORDS.codes), &body)
}

fn errors_json() -> Result<Bytes> {
    let entries = CATALOGUE.iter().map(|code| {
        json!({
            "code": code.name,
            "status": problem::status(code.kind).as_u16(),
            "message": {"id": code.message.id, "en": code.message.en},
            "cause": code.cause,
            "cure": code.remedy,
        })
    });
    serde_json::to_vec(&entries.collect::<Vec<_>>()).map(Bytes::from).map_err(Error::internal)
}

async fn openapi(server: web::Data<Server>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(server.documentation.openapi.clone())
}

async fn postman() -> HttpResponse {
    let collection = include_str!("../../../static/postman.json");
    HttpResponse::Ok().content_type(ContentType::json()).body(collection)
}

/// The icon at the address that browsers try by default.
pub async fn favicon() -> Result<HttpResponse> {
    static_file("favicon.svg".to_owned().into()).await
}

async fn static_file(file: web::Path<String>) -> Result<HttpResponse> {
    let (media_type, text) = match file.as_str() {
        "pasar.css" => ("text/css; charset=utf-8", include_str!("../../../static/pasar.css")),
        "favicon.svg" => ("image/svg+xml", include_str!("../../../static/favicon.svg")),
        "info.js" => ("text/javascript; charset=utf-8", include_str!("../../../static/info.js")),
        _ => return Err(Error::new(&ROUTE_NOT_FOUND)),
    };
    Ok(HttpResponse::Ok().content_type(media_type).insert_header((header::CACHE_CONTROL, "no-cache")).body(text))
}

/// Swagger UI's page. Its files are below `/docs/`, which its base element says.
async fn docs(server: web::Data<Server>) -> Result<HttpResponse> {
    let page = server.documentation.pages.get("/docs".to_owned(), || {
        let (_, page) = swagger_file("index.html")?;
        let page = std::str::from_utf8(&page).map_err(Error::internal)?;
        Ok(page.replacen("<head>", "<head>\n    <base href=\"/docs/\">", 1).into())
    })?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
             connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'",
        ))
        .body(page))
}

async fn docs_file(file: web::Path<String>) -> Result<HttpResponse> {
    // Pages are served by `docs`, with its policy.
    if file.ends_with(".html") {
        return Err(Error::new(&ROUTE_NOT_FOUND));
    }
    let (media_type, bytes) = swagger_file(&file)?;
    Ok(HttpResponse::Ok().content_type(media_type).insert_header((header::CACHE_CONTROL, "no-cache")).body(bytes))
}

fn swagger_file(name: &str) -> Result<(String, Bytes)> {
    let config = Arc::new(utoipa_swagger_ui::Config::from("/openapi.json"));
    match utoipa_swagger_ui::serve(name, config) {
        Ok(Some(file)) => {
            let bytes = match file.bytes {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            };
            Ok((file.content_type, bytes))
        }
        Ok(None) => Err(Error::new(&ROUTE_NOT_FOUND)),
        Err(error) => Err(Error::internal(anyhow::anyhow!("{error}"))),
    }
}
