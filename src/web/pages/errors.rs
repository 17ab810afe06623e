//! The page behind the `type` of every problem document: all error codes, each with its cause, its remedy, and the calls
//! of this service that answer with it.

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use maud::{Markup, html};
use serde_json::json;

use super::frame::{self, Page, Say, Section, code_spans, icon, in_language, language, wants_html};
use crate::domain::{Language, Sentence};
use crate::error::{CATALOGUE, Code, Error, INVALID_FIELDS, Result};
use crate::web::docs::openapi::{COMMON_FAILURES, Endpoint};
use crate::web::problem;
use crate::web::state::Server;

/// More calls than this are folded.
const MAX_CALLS_SHOWN: usize = 6;

pub async fn errors(request: HttpRequest, server: web::Data<Server>) -> Result<HttpResponse> {
    if wants_html(&request) {
        return frame::answer(&request, &server, "/errors", |language| page(&server, language));
    }
    let document = server.documentation.pages.get("/errors.json".to_owned(), document)?;
    Ok(in_language(&request, language(&request)).content_type(ContentType::json()).body(document))
}

fn document() -> Result<Bytes> {
    let entries = CATALOGUE.iter().map(|code| {
        json!({
            "code": code.name,
            "status": problem::status(code.kind).as_u16(),
            "message": {"id": code.message.id, "en": code.message.en},
            "cause": code.cause.en,
            "cure": code.remedy.en,
        })
    });
    serde_json::to_vec(&entries.collect::<Vec<_>>()).map(Bytes::from).map_err(Error::internal)
}

/// The codes of each status, which is what the page is ordered by.
fn by_status() -> Vec<(StatusCode, Vec<&'static Code>)> {
    let mut groups: Vec<(StatusCode, Vec<&Code>)> = Vec::new();
    for code in CATALOGUE {
        let status = problem::status(code.kind);
        match groups.iter_mut().find(|(known, _)| *known == status) {
            Some((_, codes)) => codes.push(code),
            None => groups.push((status, vec![code])),
        }
    }
    groups.sort_by_key(|(status, _)| *status);
    groups
}

/// What a status says, in short.
fn meaning(status: StatusCode) -> Sentence {
    match status.as_u16() {
        400 => Sentence::new("Permintaan salah", "The request is wrong"),
        401 => Sentence::new("Siapa Anda", "Who are you"),
        403 => Sentence::new("Tidak diizinkan", "Not allowed"),
        404 => Sentence::new("Tidak ada", "Not there"),
        405 => Sentence::new("Metode lain", "Another method"),
        408 => Sentence::new("Terlalu lambat", "Too slow"),
        409 => Sentence::new("Tidak sekarang", "Not now"),
        413 => Sentence::new("Terlalu besar", "Too large"),
        415 => Sentence::new("Bukan JSON", "Not JSON"),
        421 => Sentence::new("Host lain", "Another host"),
        422 => Sentence::new("Melanggar aturan", "A rule is broken"),
        429 => Sentence::new("Terlalu sering", "Too often"),
        503 => Sentence::new("Sementara tidak bisa", "Not at the moment"),
        _ => Sentence::new("Kesalahan service", "A fault of the service"),
    }
}

fn page(server: &Server, language: Language) -> Markup {
    let say = Say(language);
    let title = say.of("Kode kesalahan", "Error codes");
    let search = say.of("Cari kode atau kalimat", "Search the codes");
    let groups = by_status();
    let content = html! {
        div.docs {
            nav.side aria-label=(say.of("Daftar kode", "The codes")) {
                label.search {
                    span.sr { (search) }
                    (icon("search"))
                    input.input type="search" data-search placeholder=(search) autocomplete="off";
                }
                @for (status, codes) in &groups {
                    section {
                        h2 { (status_mark(*status, status.as_str())) " " (language.pick(&meaning(*status))) }
                        ul { @for code in codes { li { a href={ "#" (code.name) } { (code.name) } } } }
                    }
                }
            }
            main #content tabindex="-1" {
                header.docs-head {
                    h1 { (title) }
                    p.lead {
                        (code_spans(say.of(
                            "Setiap kesalahan adalah dokumen masalah (RFC 9457). Kodenya tidak pernah berubah, kalimatnya memakai bahasa Anda, dan `type`-nya menuju halaman ini.",
                            "Every error is a problem document (RFC 9457). Its code never changes, its sentence is in your language, and its `type` leads to this page.",
                        )))
                    }
                    (anatomy(language))
                }
                p.empty #nothing hidden {
                    (say.of("Tidak ada kode yang cocok.", "No code matches.")) " "
                    button.btn type="button" { (say.of("Hapus pencarian", "Clear the search")) }
                }
                @for (status, codes) in &groups {
                    section {
                        h2.status-group {
                            (status_mark(*status, &status.to_string())) " " (language.pick(&meaning(*status)))
                        }
                        @for code in codes { (entry(code, server, language)) }
                    }
                }
            }
        }
    };
    let header = frame::header(language, Section::Errors);
    frame::document(
        language,
        Page { title, class: "", style: "docs", module: "errors", texts: &[], symbols: "", header, content },
    )
}

fn status_mark(status: StatusCode, words: &str) -> Markup {
    let kind = if status.is_server_error() { "s5" } else { "s4" };
    html! { span.status.(kind) { (words) } }
}

/// An example of a problem document, and what its members are for.
fn anatomy(language: Language) -> Markup {
    let say = Say(language);
    let code = &INVALID_FIELDS;
    let status = problem::status(code.kind);
    let members = [
        ("type", format!("\"/errors#{}\"", code.name), "s"),
        ("title", format!("\"{}\"", code.message.en), "s"),
        ("status", status.as_str().to_owned(), "n"),
        ("detail", format!("\"{}\"", code.remedy.en), "s"),
        ("code", format!("\"{}\"", code.name), "s"),
        ("message", format!("\"{}\"", language.pick(&code.message)), "s"),
    ];
    let purposes = [
        ("code", say.of("untuk program Anda: jadikan percabangan", "for your program: branch on it")),
        ("message", say.of("untuk orang: tampilkan apa adanya", "for people: show it as it is")),
        ("detail", say.of("untuk Anda: tepatnya apa, dalam bahasa Inggris", "for you: what exactly, in English")),
        (
            "errors",
            say.of("isian yang salah, masing-masing dengan sebabnya", "the fields at fault, each with its reason"),
        ),
    ];
    html! {
        div.anatomy {
            div.code {
                pre {
                    "{\n"
                    @for (name, value, kind) in members { "  " span.k { "\"" (name) "\"" } ": " span.(kind) { (value) } ",\n" }
                    "  " span.k { "\"errors\"" } ": { " span.k { "\"product_id\"" } ": "
                    span.s { "\"" (say.of("wajib diisi", "is required")) "\"" } " }\n}"
                }
            }
            dl { @for (name, purpose) in purposes { div { dt { code { (name) } } dd { (purpose) } } } }
        }
    }
}

fn entry(code: &Code, server: &Server, language: Language) -> Markup {
    let say = Say(language);
    let other = match language {
        Language::Indonesian => Language::English,
        Language::English => Language::Indonesian,
    };
    html! {
        article.err id=(code.name) {
            h3 {
                a href={ "#" (code.name) } { code { (code.name) } }
                @if problem::is_retryable(code.kind) { " " span.tag { "Retry-After" } }
            }
            p.says {
                span { (language.pick(&code.message)) } " "
                span.other lang=(other.tag()) { (other.pick(&code.message)) }
            }
            dl {
                div { dt { (say.of("Sebab", "Cause")) } dd { (code_spans(language.pick(&code.cause))) } }
                div { dt { (say.of("Obat", "Remedy")) } dd { (code_spans(language.pick(&code.remedy))) } }
            }
            (answered_by(code, server, language))
        }
    }
}

/// The calls of this server that answer with a code.
fn answered_by(code: &Code, server: &Server, language: Language) -> Markup {
    let say = Say(language);
    // A page has no form that one could be led to.
    let is_said = |Endpoint { doc, .. }: &&Endpoint| {
        doc.has_form() && doc.codes(server.auth.required).any(|one| one.name == code.name)
    };
    let calls: Vec<_> = server.documentation.endpoints.iter().filter(is_said).collect();
    let links = html! {
        @for call in &calls { a.{ "is-" (call.service) } href={ "/#" (call.id()) } { (call.method) " " (call.path) } }
    };
    html! {
        @if COMMON_FAILURES.iter().any(|one| one.name == code.name) {
            p.from { span.faint { (say.of("Bisa dijawab oleh setiap panggilan.", "Every call can answer with it.")) } }
        } @else if calls.is_empty() {
            p.from { span.faint { (say.of("Tidak dijawab oleh panggilan", "No call of")) " " (server.name) (say.of("", " answers with it")) "." } }
        } @else if calls.len() > MAX_CALLS_SHOWN {
            details.many {
                summary { (say.of("Dijawab oleh", "Answered by")) " " (calls.len()) " " (say.of("panggilan", "calls")) " " (server.name) }
                p.from { (links) }
            }
        } @else {
            p.from { span.faint { (say.of("Dijawab oleh", "Answered by")) } " " (links) }
        }
    }
}
