//! What all pages share: the language, the frame around the content, and the policy.

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::services;
use crate::domain::{Language, Sentence};
use crate::error::Result;
use crate::web::extract;
use crate::web::state::Server;

/// How long the chosen language is kept, in seconds: a year.
const LANGUAGE_KEPT_SECS: u32 = 365 * 24 * 60 * 60;

/// A page of the header's menu.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Shop,
    Admin,
    Live,
    Api,
    Errors,
}

/// A page but for its frame.
pub struct Page<'a> {
    pub title: &'a str,
    /// The class of the body.
    pub class: &'a str,
    /// The stylesheet of the page, besides the common ones.
    pub style: &'a str,
    /// The module of the page.
    pub module: &'a str,
    /// The texts that the module shows, by name.
    pub texts: &'a [(&'a str, Sentence)],
    /// Symbols of the page, besides the common ones: an SVG document.
    pub symbols: &'static str,
    pub header: Markup,
    pub content: Markup,
}

/// Says `id` or `en`, whichever is the language.
#[derive(Clone, Copy)]
pub struct Say(pub Language);

impl Say {
    pub fn of<'a>(self, id: &'a str, en: &'a str) -> &'a str {
        match self.0 {
            Language::Indonesian => id,
            Language::English => en,
        }
    }
}

/// Whether to answer with HTML: browsers name it in `Accept`, programs rarely do.
pub fn wants_html(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The language that `?lang=` asks for.
fn asked_language(request: &HttpRequest) -> Option<Language> {
    let query = form_urlencoded::parse(request.query_string().as_bytes());
    query.filter(|(name, _)| name == "lang").find_map(|(_, tag)| Language::parse(&tag))
}

/// The language that was asked for before: all services of a host share its cookies, whatever their ports.
fn kept_language(request: &HttpRequest) -> Option<Language> {
    let cookies = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, tag)| (name == "lang").then(|| Language::parse(tag)).flatten())
}

/// The language of a page: the one that is asked for, else the one that was, else the browser's.
pub fn language(request: &HttpRequest) -> Language {
    let chosen = asked_language(request).or_else(|| kept_language(request));
    chosen.unwrap_or_else(|| extract::language(request.headers()))
}

/// An answer whose form depends on the request's language.
pub fn in_language(request: &HttpRequest, language: Language) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::VARY, "accept, accept-language, cookie"))
        .insert_header((header::CONTENT_LANGUAGE, language.tag()));
    if let Some(asked) = asked_language(request) {
        let cookie = format!("lang={}; Path=/; Max-Age={LANGUAGE_KEPT_SECS}; SameSite=Lax", asked.tag());
        response.insert_header((header::SET_COOKIE, cookie));
    }
    response
}

/// Answers with the page `name`, made once for each language. Its policy lets it load nothing from elsewhere, call only
/// the services, and nobody frame it.
pub fn answer(
    request: &HttpRequest,
    server: &Server,
    name: &str,
    page: impl FnOnce(Language) -> Markup,
) -> Result<HttpResponse> {
    let language = language(request);
    let key = format!("{name} {}", language.tag());
    let made = server.documentation.pages.get(key, || Ok(Bytes::from(page(language).into_string())))?;
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        services::origins(request, server)
    );
    let mut response = in_language(request, language);
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    Ok(response.content_type("text/html; charset=utf-8").body(made))
}

/// Texts by name, for a module.
pub fn texts(language: Language, texts: &[(&str, Sentence)]) -> serde_json::Value {
    let pairs = texts.iter().map(|(name, text)| ((*name).to_owned(), language.pick(text).into()));
    serde_json::Value::Object(pairs.collect())
}

pub fn document(language: Language, page: Page<'_>) -> Markup {
    let say = Say(language);
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="description" content=(say.of("Pasar: toko dari service-service yang saling memanggil lewat HTTP", "Pasar: a shop made of services that call each other over HTTP"));
                title { (page.title) " · Pasar" }
                link rel="icon" href="/static/favicon.svg" type="image/svg+xml";
                // Before the first paint, so that nothing flashes.
                script src="/static/theme.js" {}
                link rel="stylesheet" href="/static/tokens.css";
                link rel="stylesheet" href="/static/base.css";
                link rel="stylesheet" href=(format!("/static/{}.css", page.style));
                link rel="modulepreload" href="/static/ui.js";
                link rel="modulepreload" href="/static/api.js";
                script type="module" src=(format!("/static/{}.js", page.module)) {}
            }
            body class=[(!page.class.is_empty()).then_some(page.class)] {
                (PreEscaped(include_str!("../../../static/icons.svg")))
                (PreEscaped(page.symbols))
                a.skip href="#content" { (say.of("Langsung ke isi", "Skip to content")) }
                (page.header)
                (page.content)
                p #say.sr role="status" {}
                // Data, which no browser runs. `<` could end the element.
                script #texts type="application/json" { (PreEscaped(texts(language, page.texts).to_string().replace('<', "\\u003c"))) }
            }
        }
    }
}

/// The header of all pages but the shop's.
pub fn header(language: Language, section: Section) -> Markup {
    let say = Say(language);
    let menu = [
        (Section::Shop, "/shop/", say.of("Toko", "Shop")),
        (Section::Admin, "/admin/", "Admin"),
        (Section::Live, "/live/", say.of("Langsung", "Live")),
        (Section::Api, "/", "API"),
        (Section::Errors, "/errors", say.of("Kesalahan", "Errors")),
    ];
    html! {
        header.top {
            (logo("/shop/"))
            nav.nav aria-label=(say.of("Halaman", "Pages")) {
                @for (target, path, name) in menu {
                    a href=(path) aria-current=[(target == section).then_some("page")] { (name) }
                }
            }
            div.tools { (tools(language)) }
        }
    }
}

pub fn logo(path: &str) -> Markup {
    html! {
        a.logo href=(path) {
            svg width="26" height="20" viewBox="0 0 28 20" aria-hidden="true" {
                path d="M0 2a2 2 0 0 1 2-2h5v13a3.5 3.5 0 0 1-7 0z" {}
                path d="M7 0h7v13a3.5 3.5 0 0 1-7 0z" {}
                path d="M14 0h7v13a3.5 3.5 0 0 1-7 0z" {}
                path d="M21 0h5a2 2 0 0 1 2 2v11a3.5 3.5 0 0 1-7 0z" {}
            }
            "Pasar"
        }
    }
}

/// The choice of the language and of the colour scheme.
pub fn tools(language: Language) -> Markup {
    let say = Say(language);
    html! {
        div.seg role="group" aria-label=(say.of("Bahasa", "Language")) {
            @for (other, short, name) in [(Language::Indonesian, "ID", "Bahasa Indonesia"), (Language::English, "EN", "English")] {
                a href=(format!("?lang={}", other.tag())) lang=(other.tag()) hreflang=(other.tag()) title=(name) aria-current=[(other == language).then_some("true")] { (short) }
            }
        }
        button.iconbtn type="button" data-theme-toggle aria-pressed="false" aria-label=(say.of("Tema gelap", "Dark theme")) { (icon("theme")) }
    }
}

/// One of the symbols of the page.
pub fn icon(name: &str) -> Markup {
    html! { svg.i aria-hidden="true" { use href=(format!("#i-{name}")) {} } }
}

/// A sentence with what is in backticks as code.
pub fn code_spans(sentence: &str) -> Markup {
    html! {
        @for (number, piece) in sentence.split('`').enumerate() {
            @if number % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}
