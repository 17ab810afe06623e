//! The page of a service: what it is, whom it calls, and a form for each of its calls. Programs get the same as JSON.

mod calls;
mod form;
pub(super) mod help;

use actix_web::{HttpRequest, HttpResponse, web};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::frame::{self, Page, Say, Section, in_language, language, wants_html};
use crate::domain::{Language, Sentence};
use crate::error::Result;
use crate::web::docs::openapi::Endpoint;
use crate::web::public_address::PublicAddress;
use crate::web::state::Server;

/// The texts that the page's modules show.
const TEXTS: &[(&str, Sentence)] = &[
    // The services.
    ("alive", Sentence::new("hidup: ", "answers: ")),
    ("away", Sentence::new("tidak menjawab: ", "does not answer: ")),
    ("answers", Sentence::new("ya", "yes")),
    ("silent", Sentence::new("tidak", "no")),
    (
        "admin_token",
        Sentence::new(
            "Hanya admin yang melihatnya: isi tokennya di bawah.",
            "Only an admin sees this: enter their token below.",
        ),
    ),
    ("peers_lost", Sentence::new("Service ini tidak menjawab.", "This service does not answer.")),
    ("again", Sentence::new("Coba lagi", "Try again")),
    // Asking.
    ("send", Sentence::new("Kirim", "Send")),
    ("sending", Sentence::new("Mengirim…", "Sending…")),
    ("listen", Sentence::new("Dengarkan", "Listen")),
    ("stop", Sentence::new("Berhenti", "Stop")),
    ("copy_curl", Sentence::new("Salin sebagai curl", "Copy as curl")),
    ("copy_answer", Sentence::new("Salin jawaban", "Copy the answer")),
    (
        "not_copied",
        Sentence::new(
            "Browser tidak mengizinkan penyalinan dari halaman ini.",
            "The browser does not let this page copy.",
        ),
    ),
    ("token_kept", Sentence::new("Token dipakai untuk panggilan berikutnya.", "The token is used for the next calls.")),
    (
        "token_gone",
        Sentence::new("Token tidak berlaku lagi dan sudah dihapus.", "The token is no longer valid and was cleared."),
    ),
    // Answers.
    ("answer", Sentence::new("Jawaban", "Answer")),
    ("no_body", Sentence::new("Tanpa isi.", "Without a body.")),
    ("headers", Sentence::new("Header", "Headers")),
    ("trace", Sentence::new("Lihat jejaknya", "See its trace")),
    ("also", Sentence::new("Bisa juga menjawab", "It can also answer")),
    (
        "lost",
        Sentence::new(
            "Tidak ada jawaban: service tidak dapat dihubungi, atau koneksi terputus.",
            "There is no answer: the service can't be reached, or the connection was lost.",
        ),
    ),
    (
        "late",
        Sentence::new("Tidak ada jawaban dalam {seconds} detik.", "There was no answer within {seconds} seconds."),
    ),
    ("lost_read", Sentence::new("Kirim lagi kapan saja.", "Send it again at any time.")),
    (
        "lost_change",
        Sentence::new(
            "Perubahannya mungkin sudah terjadi: periksa dulu, atau kirim lagi dengan Idempotency-Key yang sama.",
            "The change may have been made: look first, or send it again with the same Idempotency-Key.",
        ),
    ),
    ("broken_off", Sentence::new("Koneksi terputus di tengah jawaban.", "The connection was lost within the answer.")),
    (
        "cut",
        Sentence::new(
            "Jawaban ini lebih dari 256 KB; yang tampak {lines} baris pertama.",
            "The answer has more than 256 KB; these are its first {lines} lines.",
        ),
    ),
    ("download", Sentence::new("Unduh", "Download")),
    ("cut_by_curl", Sentence::new("Salin sebagai curl untuk mengambil seluruhnya.", "Copy it as curl to get it all.")),
    // Streams.
    ("open", Sentence::new("Langsung: {count} peristiwa", "Live; events: {count}")),
    ("stopped", Sentence::new("Dihentikan setelah {count} peristiwa", "Stopped; events: {count}")),
    (
        "ended",
        Sentence::new(
            "Service mengakhiri aliran setelah {count} peristiwa",
            "The service ended the stream; events: {count}",
        ),
    ),
    ("broken", Sentence::new("Terputus setelah {count} peristiwa", "Lost; events: {count}")),
];

pub async fn root(request: HttpRequest, server: web::Data<Server>) -> Result<HttpResponse> {
    if wants_html(&request) {
        return frame::answer(&request, &server, "/", |language| page(&server, language));
    }
    let language = language(&request);
    let endpoints: serde_json::Map<String, Value> = server
        .documentation
        .endpoints
        .iter()
        .map(|Endpoint { method, path, doc, .. }| {
            let path = path.replace('{', "<").replace('}', ">");
            (format!("{method} {path}"), Value::from(language.pick(&doc.summary)))
        })
        .collect();
    Ok(in_language(&request, language).json(json!({
        "message": format!("{} {}!", Say(language).of("Selamat datang di", "Welcome to"), server.name),
        "service": server.name,
        "version": env!("CARGO_PKG_VERSION"),
        "endpoints": endpoints,
        "docs": "/docs",
    })))
}

/// What a service is for.
fn purpose(service: &str) -> Sentence {
    match service {
        "user" => Sentence::new(
            "Menyimpan user dan akunnya: pendaftaran, masuk, profil, dan notifikasi untuk setiap status yang dicapai pesanan mereka. Ia tidak memanggil service lain.",
            "Keeps the users and their accounts: registration, login, profiles, and a notification for each status that their orders reach. It calls no other service.",
        ),
        "product" => Sentence::new(
            "Menyimpan katalog dan stok. Stok ditahan untuk sebuah pesanan sampai terjual atau dikembalikan. Ia tidak memanggil service lain.",
            "Keeps the catalogue and the stock. It holds stock for an order until it is sold or given back. It calls no other service.",
        ),
        "order" => Sentence::new(
            "Membuat pesanan dan mengikutinya sampai selesai. Ia menanyakan user dan menahan stok lewat HTTP, baru menjawab 201.",
            "Places orders and follows them until they are completed. It asks for the user and reserves the stock over HTTP, and only then answers 201.",
        ),
        _ => Sentence::new(
            "Membuka pembayaran dengan batas waktu, menagihnya, dan mengembalikan dana pesanan yang dibatalkan.",
            "Opens payments that expire, charges them, and refunds cancelled orders.",
        ),
    }
}

fn page(server: &Server, language: Language) -> Markup {
    let say = Say(language);
    let endpoints = &server.documentation.endpoints;
    let groups = calls::groups(endpoints);
    let service = server.auth.services.first().copied().unwrap_or_default();
    let content = html! {
        (stalls(server, language))
        main.page #content tabindex="-1" {
            header.intro {
                div {
                    h1 { (server.name) }
                    p.lead { (language.pick(&purpose(service))) }
                    @for other in server.public.iter().filter(|one| server.auth.services.iter().skip(1).any(|name| *name == one.name)) {
                        p.lead { strong { (other.title) } " " (say.of("di alamat yang sama:", "at the same address:")) " " (language.pick(&purpose(other.name))) }
                    }
                    p.links {
                        a href="/shop/" { (say.of("Buka toko", "Open the shop")) }
                        a href="/admin/" { "Admin" }
                        a href="/docs" { "Swagger UI" }
                        a href="/openapi.json" { "openapi.json" }
                        a href="/postman.json" { "Postman" }
                        a href="/errors" { (say.of("Kode kesalahan", "Error codes")) }
                    }
                }
                @if endpoints.iter().any(|endpoint| endpoint.path == "/peers") { (peers(language)) }
            }
            div.cols {
                (calls::contents(&groups, language))
                div.calls {
                    (token(server, language))
                    p.empty #nothing hidden { (say.of("Tidak ada endpoint yang cocok.", "No endpoint matches.")) " " button.btn type="button" { (say.of("Hapus pencarian", "Clear the search")) } }
                    (calls::calls(&groups, language))
                }
            }
        }
    };
    let header = frame::header(language, Section::Api);
    let class = format!("is-{service}");
    frame::document(
        language,
        Page {
            title: server.name,
            class: &class,
            style: "service",
            module: "service",
            texts: TEXTS,
            symbols: include_str!("../../../static/icons-service.svg"),
            header,
            content,
        },
    )
}

/// The services, for the module to link and to ask.
fn stalls(server: &Server, language: Language) -> Markup {
    html! {
        nav.stalls aria-label=(Say(language).of("Service", "Services")) {
            @for PublicAddress { name, title, .. } in server.public.iter() {
                a.{ "is-" (name) } data-service=(name) aria-current=[(*title == server.name).then_some("page")] {
                    span.dot.unknown {} span.sr {}
                    span { (title.trim_end_matches("Service")) span.suffix { "Service" } }
                    span.port {}
                }
            }
        }
    }
}

fn peers(language: Language) -> Markup {
    let say = Say(language);
    html! {
        table.table.peers {
            caption.sr { (say.of("Service yang dipanggil", "The services that it calls")) }
            thead { tr {
                th scope="col" { (say.of("Ia memanggil", "It calls")) }
                th scope="col" { (say.of("Alamat", "Address")) }
                th scope="col" { (say.of("Menjawab", "Answers")) }
            } }
            tbody #peers { tr { td colspan="3" { span.bone {} } } }
        }
    }
}

fn token(server: &Server, language: Language) -> Markup {
    let say = Say(language);
    let help = if server.auth.required {
        say.of(
            "AUTH=required: hanya panggilan bertanda siapa saja yang boleh tanpa token.",
            "AUTH=required: only the calls for anyone need no token.",
        )
    } else {
        say.of(
            "AUTH=open: tanpa token pun boleh, kecuali untuk akun sendiri.",
            "AUTH=open: no token is needed, except for one's own account.",
        )
    };
    html! {
        div.token {
            label.label for="token" { "Token" }
            input.input.mono #token placeholder="eyJhbGciOi…" autocomplete="off" spellcheck="false" aria-describedby="token-help";
            a.btn #login { (say.of("Masuk untuk mendapatkannya", "Log in for one")) }
            p.help #token-help { (help) " " (say.of("Token hilang saat halaman ditutup.", "The token is forgotten with this page.")) }
        }
    }
}
