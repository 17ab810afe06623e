//! The calls of a service in groups: the contents on the left, and each call with its form.

use maud::{Markup, html};

use super::form::form;
use crate::auth::Access;
use crate::domain::{Language, Sentence};
use crate::error::Code;
use crate::web::docs::openapi::{BODY_FAILURES, COMMON_FAILURES, Endpoint};
use crate::web::pages::frame::{Say, code_spans, icon};
use crate::web::problem;

/// The titles of the groups by the first segment of the paths, in the order in which they are shown. A segment that is
/// not here gets a group of its own before the last two.
const GROUPS: &[(&[&str], Sentence)] = &[
    (&["users"], Sentence::new("Pengguna", "Users")),
    (&["auth"], Sentence::new("Akun", "Accounts")),
    (&["products"], Sentence::new("Produk", "Products")),
    (&["reservations"], Sentence::new("Reservasi", "Reservations")),
    (&["orders"], Sentence::new("Pesanan", "Orders")),
    (&["payments"], Sentence::new("Pembayaran", "Payments")),
    (&["", "errors"], Sentence::new("Halaman dan dokumen", "Pages and documents")),
    (
        &["health", "invariants", "calls", "metrics", "peers", "services", "reset", "openapi.json", "postman.json"],
        Sentence::new("Infrastruktur", "Infrastructure"),
    ),
];
/// How many of the groups every server has.
const COMMON_GROUPS: usize = 2;
const NOTIFICATIONS: Sentence = Sentence::new("Notifikasi", "Notifications");

pub struct Group<'a> {
    title: Sentence,
    calls: Vec<&'a Endpoint>,
}

/// The endpoints that have a form, in groups, each in the order of the table of routes.
pub fn groups(endpoints: &[Endpoint]) -> Vec<Group<'_>> {
    let mut ranked: Vec<(usize, Group<'_>)> = Vec::new();
    for endpoint in endpoints.iter().filter(|endpoint| endpoint.doc.has_form()) {
        let (rank, title) = group_of(endpoint.path);
        match ranked.iter_mut().find(|(_, group)| group.title == title) {
            Some((_, group)) => group.calls.push(endpoint),
            None => ranked.push((rank, Group { title, calls: vec![endpoint] })),
        }
    }
    // Stable: equal ranks stay in the order of the table.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, group)| group).collect()
}

fn group_of(path: &str) -> (usize, Sentence) {
    let segment = path.split('/').nth(1).unwrap_or_default();
    let own = GROUPS.len() - COMMON_GROUPS;
    if path.contains("/notifications") {
        return (own, NOTIFICATIONS);
    }
    match GROUPS.iter().enumerate().find(|(_, (segments, _))| segments.contains(&segment)) {
        Some((rank, (_, title))) if rank < own => (rank, title.clone()),
        Some((rank, (_, title))) => (rank + 1, title.clone()),
        None => (own, Sentence { id: segment.to_owned().into(), en: segment.to_owned().into() }),
    }
}

pub fn contents(groups: &[Group<'_>], language: Language) -> Markup {
    let say = Say(language);
    html! {
        nav.toc aria-label="Endpoint" {
            label.search {
                span.sr { (say.of("Cari endpoint", "Search the endpoints")) }
                (icon("search"))
                input.input type="search" data-search placeholder=(say.of("Cari endpoint", "Search the endpoints")) autocomplete="off";
            }
            @for group in groups {
                section {
                    h2 { (language.pick(&group.title)) }
                    ul {
                        @for call in &group.calls {
                            li { a href={ "#" (call.id()) } { (method(call)) span { (breakable(call.path)) } } }
                        }
                    }
                }
            }
        }
    }
}

pub fn calls(groups: &[Group<'_>], language: Language) -> Markup {
    html! {
        @for group in groups {
            section {
                h2.group { (language.pick(&group.title)) }
                @for endpoint in &group.calls { (call(endpoint, language)) }
            }
        }
    }
}

fn call(endpoint: &Endpoint, language: Language) -> Markup {
    let doc = &endpoint.doc;
    let is_among = |code: &Code, codes: &[&Code]| codes.iter().any(|one| one.name == code.name);
    let mut codes: Vec<_> = doc.failures().filter(|code| !is_among(code, &COMMON_FAILURES)).collect();
    // What only this call says comes first.
    codes.sort_by_key(|code| is_among(code, &BODY_FAILURES));
    let failures = codes.iter().map(|code| format!("{} {}", problem::status(code.kind).as_u16(), code.name));
    html! {
        details.call.{ "is-" (endpoint.service) } id=(endpoint.id()) data-fails=(failures.collect::<Vec<_>>().join(",")) {
            summary {
                (method(endpoint)) code { (endpoint.path) }
                span.sum { (code_spans(language.pick(&doc.summary))) }
                (who(doc.access, language))
            }
            div.try { (form(endpoint, language)) }
        }
    }
}

/// A path that a narrow column breaks before a slash.
fn breakable(path: &str) -> Markup {
    html! { @for (number, segment) in path.split('/').enumerate() { @if number > 1 { wbr; } @if number > 0 { "/" } (segment) } }
}

fn method(endpoint: &Endpoint) -> Markup {
    let name = endpoint.method.as_str();
    html! { span.method.(name.to_lowercase()) { (name) } }
}

/// Who may make a call where a login is required.
fn who(access: Access, language: Language) -> Markup {
    let (symbol, words) = match access {
        Access::Anyone => (None, Sentence::new("siapa saja", "anyone")),
        Access::Admin => (Some("lock"), Sentence::new("admin", "admin")),
        Access::Service => (Some("lock"), Sentence::new("service, admin", "service, admin")),
        Access::User => (Some("person"), Sentence::new("user", "user")),
        Access::UserOrService => (Some("person"), Sentence::new("user, service", "user, service")),
        Access::Account => (Some("person"), Sentence::new("pemilik akun", "account owner")),
        Access::Stream => (Some("person"), Sentence::new("user, tiket", "user, ticket")),
        Access::AdminStream => (Some("lock"), Sentence::new("admin, tiket", "admin, ticket")),
    };
    html! { span.tag { @if let Some(symbol) = symbol { (icon(symbol)) } (language.pick(&words)) } }
}
