//! The documents about a service for programs: OpenAPI, and the Postman collection.

use actix_web::http::header::ContentType;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::openapi::{self, Doc};
use crate::auth::Access;
use crate::error::{Error, Result};
use crate::web::routes::Routes;
use crate::web::state::{Documentation, Server};

pub fn routes(routes: &mut Routes) {
    let object = || ObjectBuilder::new().schema_type(Type::Object);
    routes.get(
        "/openapi.json",
        openapi_json,
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
}

async fn openapi_json(server: web::Data<Server>) -> Result<HttpResponse> {
    let Documentation { endpoints, pages } = &server.documentation;
    let document = pages.get("/openapi.json".to_owned(), || {
        let document = openapi::document(server.name, endpoints, server.auth.required);
        serde_json::to_vec(&document).map(Bytes::from).map_err(Error::internal)
    })?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(document))
}

async fn postman() -> HttpResponse {
    let collection = include_str!("../../../static/postman.json");
    HttpResponse::Ok().content_type(ContentType::json()).body(collection)
}
