//! The files that the pages load. They are in the binary.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};

use super::{frame, live};
use crate::domain::Language;
use crate::error::{Error, ROUTE_NOT_FOUND, Result};

/// The files of `static/` with these names.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../../static/", $name)))),*]
    };
}

static FILES: &[(&str, &[u8])] = files![
    "admin-actions.js",
    "admin-charts.js",
    "admin-forms.js",
    "admin-history.js",
    "admin-order.js",
    "admin-orders.js",
    "admin-parts.js",
    "admin-session.js",
    "admin-stock.js",
    "admin-waiting.js",
    "admin.css",
    "admin.js",
    "api.js",
    "base.css",
    "curl.js",
    "docs.css",
    "docs.js",
    "errors.js",
    "export-har.js",
    "export-html.js",
    "export-mermaid.js",
    "export-otlp.js",
    "export-svg.js",
    "favicon.svg",
    "json.js",
    "live-checks.js",
    "live-details.js",
    "live-diagram.js",
    "live-export.js",
    "live-fault-form.js",
    "live-faults.js",
    "live-filter.js",
    "live-later.css",
    "live-later.js",
    "live-compare.js",
    "live-lessons.js",
    "live-list.js",
    "live-map.js",
    "live-rates.js",
    "live-receipts.js",
    "live-sample.js",
    "live-sequence.js",
    "live-steps.js",
    "live-traces.js",
    "live-words.js",
    "live.css",
    "login.css",
    "live.js",
    "order.js",
    "orders.js",
    "picture-angklung.svg",
    "picture-batik.svg",
    "picture-blender.svg",
    "picture-cobek.svg",
    "picture-congklak.svg",
    "picture-gula-aren.svg",
    "picture-kebaya.svg",
    "picture-kemeja.svg",
    "picture-kipas-angin.svg",
    "picture-kipas.svg",
    "picture-kopi.svg",
    "picture-lampu-belajar.svg",
    "picture-madu.svg",
    "picture-payung.svg",
    "picture-peci.svg",
    "picture-penanak-nasi.svg",
    "picture-radio.svg",
    "picture-rantang.svg",
    "picture-sambal.svg",
    "picture-sandal.svg",
    "picture-sarung.svg",
    "picture-senter.svg",
    "picture-sepatu.svg",
    "picture-setrika.svg",
    "picture-tas.svg",
    "picture-teko.svg",
    "picture-topeng.svg",
    "picture-vas.svg",
    "search.js",
    "service-answer.js",
    "service-request.js",
    "service-stream.js",
    "service.css",
    "service.js",
    "shop-cart.js",
    "shop-checkout.js",
    "shop-customer.js",
    "shop-header.js",
    "shop-notifications.js",
    "shop-parts.js",
    "shop-payment.js",
    "shop-qr.js",
    "shop-retry.js",
    "shop-store.js",
    "shop.css",
    "shop.js",
    "swagger.css",
    "theme.js",
    "tokens.css",
    "ui.js",
];

/// The texts of the modules that are loaded when somebody needs them, as JSON.
static TEXTS: LazyLock<[(&str, String); 2]> = LazyLock::new(|| {
    [("live-later.id.json", Language::Indonesian), ("live-later.en.json", Language::English)]
        .map(|(name, language)| (name, frame::texts(language, live::LATER).to_string()))
});

pub async fn file(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse> {
    let (name, bytes) = find(&name)?;
    Ok(answer(&request, HttpResponse::Ok().content_type(media_type(name)), Bytes::from_static(bytes)))
}

/// Sends a file with its headers, unless the browser has it.
pub fn answer(request: &HttpRequest, response: &mut HttpResponseBuilder, bytes: Bytes) -> HttpResponse {
    let tag = EntityTag::new_strong(format!("{:x}", hash(&bytes)));
    let known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        _ => false,
    };
    // The browser asks each time, as the next version may have another file of this name, but loads it only once.
    response.insert_header((header::CACHE_CONTROL, "no-cache")).insert_header(ETag(tag));
    if known { response.status(StatusCode::NOT_MODIFIED).finish() } else { response.body(bytes) }
}

/// The icon at the address that browsers try by default.
pub async fn favicon() -> Result<HttpResponse> {
    let (name, bytes) = find("favicon.svg")?;
    Ok(HttpResponse::Ok().content_type(media_type(name)).body(bytes))
}

fn find(name: &str) -> Result<(&'static str, &'static [u8])> {
    let texts = TEXTS.iter().map(|(name, json)| (*name, json.as_bytes()));
    let found = FILES.iter().copied().chain(texts).find(|(known, _)| *known == name);
    found.ok_or_else(|| Error::new(&ROUTE_NOT_FOUND))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "json")) => "application/json",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
