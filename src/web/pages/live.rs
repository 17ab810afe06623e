//! The calls between the services, as they happen. `static/live.js` fills the page.

mod texts;

use actix_web::{HttpRequest, HttpResponse, web};
use maud::{Markup, html};

use super::frame::{self, Page, Say, Section, icon};
use super::login;
use crate::domain::Language;
use crate::error::Result;
use crate::web::state::Server;
pub use texts::LATER;
use texts::TEXTS;

/// The formats in which a trace can be saved, as `static/live-export.js` names them.
const FORMATS: [(&str, &str); 5] =
    [("mermaid", "Mermaid"), ("svg", "SVG"), ("har", "HAR"), ("otlp", "OTLP JSON"), ("html", "HTML")];

pub async fn live(request: HttpRequest, server: web::Data<Server>) -> Result<HttpResponse> {
    let lab = server.faults.is_on();
    frame::answer(&request, &server, "/live/", |language| page(language, lab))
}

/// The page; `lab`: faults can be armed.
fn page(language: Language, lab: bool) -> Markup {
    let say = Say(language);
    let content = html! {
        main #content tabindex="-1" {
            noscript { p.notice { (say.of("Halaman ini memerlukan JavaScript.", "This page needs JavaScript.")) } }
            (login::form(say))
            div #desk hidden {
                @if lab {
                    section #lesson aria-labelledby="lesson-title" hidden {}
                    section #compare aria-labelledby="compare-title" hidden {}
                }
                div.live.lab[lab] {
                    (map(say, lab))
                    @if lab { (side(say)) }
                    (requests(say))
                    (sequence(say))
                    (details(say))
                }
                (keys(say, lab))
            }
        }
    };
    let title = say.of("Langsung", "Live");
    let header = frame::header(language, Section::Live);
    let symbols = include_str!("../../../static/icons-live.svg");
    frame::document(
        language,
        Page { title, class: "", style: "live", module: "live", texts: TEXTS, symbols, header, content },
    )
}

fn keys(say: Say, lab: bool) -> Markup {
    html! {
        div.keys.small.muted {
            span { kbd.kbd { "j" } kbd.kbd { "k" } (say.of("permintaan lain", "other requests")) }
            span { kbd.kbd { (say.of("spasi", "space")) } (say.of("jeda", "pause")) }
            span { kbd.kbd { "u" } (say.of("urutan atau waktu", "order or time")) }
            span { kbd.kbd { "p" } (say.of("sematkan", "pin")) }
            @if lab { span { kbd.kbd { "f" } (say.of("gangguan", "faults")) } }
            span { kbd.kbd { "Enter" } (say.of("rincian panah", "details of an arrow")) }
            label { input #shortcuts type="checkbox" checked; (say.of("tombol satu huruf aktif", "single-letter keys are on")) }
            button.btn.quiet.push #logout type="button" hidden { (say.of("Keluar", "Log out")) }
        }
    }
}

fn map(say: Say, lab: bool) -> Markup {
    html! {
        section.map aria-labelledby="map-title" {
            div.panel-head {
                h1 #map-title { (say.of("Peta service", "Service map")) }
                span.tag #live role="status" { span.dot {} span { (say.of("langsung", "live")) } }
                @if lab {
                    span.small.faint.map-hint { (say.of("Petir memasang gangguan, kotak menghentikan service", "A bolt arms a fault, a square stops a service")) }
                    button.btn.quiet.push type="button" data-lessons { (say.of("Pelajaran", "Lessons")) }
                    button.btn.quiet type="button" data-compare { (say.of("Bandingkan", "Compare")) }
                }
                button.btn.quiet.push[!lab] type="button" data-sample { (say.of("Kirim contoh pesanan", "Send a sample order")) }
                button.btn.quiet #pause type="button" aria-pressed="false" { (icon("pause")) (say.of("Jeda", "Pause")) }
            }
            p.notice #refused role="alert" hidden {}
            div.map-box { svg #map role="group" aria-label=(say.of("Peta service", "Service map")) {} }
        }
    }
}

/// What is armed, and what holds. `static/live-checks.js` and `static/live-receipts.js` fill it.
fn side(say: Say) -> Markup {
    html! {
        div.side {
            section.slip #receipts aria-labelledby="receipts-title" {
                div.panel-head {
                    h2 #receipts-title tabindex="-1" { (say.of("Struk gangguan", "Fault receipts")) }
                    button.btn.quiet.push type="button" data-remove-all hidden { (say.of("Lepas semua", "Remove all")) }
                }
                p.small.muted data-none { (say.of("Tidak ada gangguan.", "No faults.")) }
            }
            section #checks aria-labelledby="checks-title" {
                div.panel-head {
                    h2 #checks-title { (say.of("Tidak ada yang hilang", "Nothing is lost")) }
                    button.btn.quiet.push type="button" data-check { (say.of("Periksa", "Check")) }
                }
                p.small.muted {
                    (say.of("Setiap service memeriksa semua barisnya. Antarservice: ", "Each service checks all its rows. Between them: "))
                    code { "pasar verify" }
                }
            }
        }
    }
}

fn requests(say: Say) -> Markup {
    html! {
        section.traces #requests aria-labelledby="requests-title" {
            div.panel-head {
                h2 #requests-title { (say.of("Permintaan", "Requests")) }
                span.small.faint.num data-count { "0" }
                label.search.push {
                    span.sr { (say.of("Saring", "Filter")) }
                    (icon("search"))
                    input.input.mono type="search" data-search placeholder="/orders 5xx >500ms" maxlength="200";
                }
            }
            p.small.warn #missed hidden {}
            button.btn.fresh data-fresh type="button" hidden {}
            div.empty data-none {
                p { (say.of("Belum ada permintaan.", "No requests yet.")) }
                button.btn.primary type="button" data-sample { (say.of("Kirim contoh pesanan", "Send a sample order")) }
            }
            div.empty data-empty hidden {
                p {}
                button.btn type="button" data-clear { (say.of("Hapus saringan", "Clear the filter")) }
            }
            ol.trace-list {}
        }
    }
}

fn sequence(say: Say) -> Markup {
    let mode =
        |name: &str, title: &str| html! { button type="button" data-mode=(name) aria-pressed="false" { (title) } };
    html! {
        section.seq #sequence aria-labelledby="sequence-title" {
            div.panel-head data-head hidden {
                h2.what #sequence-title data-title {}
                span data-status {}
                span.num.muted.small data-took {}
                button.iconbtn type="button" data-pin aria-pressed="false" aria-label=(say.of("Sematkan", "Pin")) { (icon("pin")) }
                div.seg.push role="group" aria-label=(say.of("Tampilan", "View")) {
                    (mode("order", say.of("Urutan", "Order")))
                    (mode("time", say.of("Waktu", "Time")))
                    (mode("text", say.of("Teks", "Text")))
                }
                span.faint.small.mono.trace-id data-trace {}
            }
            p.empty data-unchosen { (say.of("Pilih sebuah permintaan.", "Choose a request.")) }
            p.empty #gone hidden { (say.of("Jejak ini sudah dibuang: hanya yang terbaru disimpan.", "This trace is gone: only the newest are kept.")) }
            div.seq-scroll {}
            ol.seq-text {}
            p.small.muted.more data-more {}
            (legend(say))
            div.exports {
                span.small.muted { (say.of("Simpan jejak ini:", "Save this trace:")) }
                @for (format, name) in FORMATS { button.btn type="button" data-export=(format) { (name) } }
            }
        }
    }
}

fn legend(say: Say) -> Markup {
    let entry =
        |drawing: Markup, name: &str| html! { li { svg viewBox="0 0 34 10" aria-hidden="true" { (drawing) } (name) } };
    let arrow = |kind: &str| {
        html! {
            path class=(format!("ln {kind}")) d="M1 5h28" {}
            path class=(format!("tip {kind}")) d="m33 5-6-3v6z" {}
        }
    };
    html! {
        ul.legend aria-label=(say.of("Legenda", "Legend")) {
            (entry(arrow(""), say.of("panggilan", "call")))
            (entry(html! { path.ln.thin d="M33 5H4m5-3L3 5l6 3" {} }, say.of("balasan", "answer")))
            (entry(html! { path.ln.bad d="M33 5H15m-5-4 8 8m0-8-8 8" {} }, say.of("hilang", "lost")))
            (entry(arrow("ev"), say.of("peristiwa", "event")))
            (entry(arrow("undo"), say.of("kompensasi", "compensation")))
            (entry(html! { path.notch d="M17 0l5 5-5 5-5-5z" {} }, "commit"))
            (entry(html! { path.ln d="M1 5h11l9-4M22 5h11" {} }, say.of("pemutus terbuka", "breaker open")))
        }
    }
}

fn details(say: Say) -> Markup {
    html! {
        aside.drawer #details aria-labelledby="details-title" hidden {
            div.panel-head {
                h2.grow #details-title tabindex="-1" {}
                button.iconbtn type="button" data-close aria-label=(say.of("Tutup rincian", "Close the details")) { (icon("x")) }
            }
            div data-body {}
        }
    }
}
