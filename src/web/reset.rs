//! The reset of a shop to try things in, and what becomes of the requests that it interrupts.

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::docs::Doc;
use super::response::no_content;
use super::routes::Routes;
use super::state::Server;
use crate::context::GENERATION;
use crate::error::{Error, RESET_REFUSED, Result};

pub fn routes(routes: &mut Routes) {
    routes.post(
        "/reset",
        reset,
        Doc::new(
            "Mengosongkan toko yang sedang berjalan, hanya untuk mencoba-coba",
            "Empties the shop while it runs, only where one tries things",
        )
        .deletes()
        .fails(&[&RESET_REFUSED]),
    );
}

async fn reset(server: Data<Server>) -> Result<HttpResponse> {
    let reset = server.reset.clone().ok_or_else(|| Error::new(&RESET_REFUSED))?;
    reset().await?;
    Ok(no_content())
}

/// Answers a request in the generation of rows in which it begins: after a reset it writes nothing.
pub async fn in_generation(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    // A call goes on in the generation of its caller: by its ids it means the rows of that one.
    let began = request.headers().get(GENERATION).and_then(|header| header.to_str().ok()?.parse().ok());
    match request.app_data::<Data<Server>>().map(|server| server.db.clone()) {
        Some(db) => db.in_generation_of(began, next.call(request)).await,
        None => next.call(request).await,
    }
}
