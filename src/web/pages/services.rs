//! What a page needs to call the services.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use crate::web::extract::host;
use crate::web::public_address::PublicAddress;
use crate::web::state::Server;

pub async fn services(request: HttpRequest, server: web::Data<Server>) -> HttpResponse {
    let host = host(&request);
    let entry = |address: &PublicAddress| {
        let PublicAddress { name, title, .. } = address;
        json!({"name": name, "title": title, "url": address.url(&host)})
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
