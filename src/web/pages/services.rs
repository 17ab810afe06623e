//! What a page needs to call the services.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use crate::web::public_address::PublicAddress;
use crate::web::state::Server;

/// The host of a request, without its port. The middleware has checked it.
fn host(request: &HttpRequest) -> String {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let end = host.rfind(':').filter(|colon| !host[*colon..].contains(']')).unwrap_or(host.len());
    host[..end].to_owned()
}

pub async fn services(request: HttpRequest, server: web::Data<Server>) -> HttpResponse {
    let host = host(&request);
    let entry = |address: &PublicAddress| {
        let PublicAddress { name, title, path, .. } = address;
        json!({"name": name, "title": title, "url": address.origin(&host) + path})
    };
    HttpResponse::Ok().json(server.public.iter().map(entry).collect::<Vec<Value>>())
}

/// The origins of all services, for the policy of a page.
pub fn origins(request: &HttpRequest, server: &Server) -> String {
    let host = host(request);
    let mut origins: Vec<String> = server.public.iter().map(|address| address.origin(&host)).collect();
    origins.sort_unstable();
    origins.dedup();
    origins.join(" ")
}
