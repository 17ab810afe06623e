//! The pages for people: of a service (`/`), of the error codes (`/errors`), Swagger UI (`/docs`), the shop (`/shop/`),
//! the admin's desk (`/admin/`) and the calls between the services as they happen (`/live/`). All are in the binary, and every server has them all.

mod admin;
mod errors;
mod files;
mod frame;
mod live;
mod login;
mod service;
mod services;
mod shop;
mod swagger;

use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::docs::openapi::Doc;
use super::routes::Routes;
use crate::auth::Access;
use crate::error::ROUTE_NOT_FOUND;
pub use files::favicon;

pub fn routes(routes: &mut Routes) {
    let object = || ObjectBuilder::new().schema_type(Type::Object);
    let array = || ObjectBuilder::new().schema_type(Type::Array);
    let page = |doc: Doc| {
        let html = ObjectBuilder::new().schema_type(Type::String);
        doc.by(Access::Anyone).gives("text/html", html, json!("<!doctype html>…"))
    };
    let welcome = json!({
        "message": "Selamat datang di UserService!",
        "service": "UserService",
        "version": env!("CARGO_PKG_VERSION"),
        "endpoints": {"GET /users/<id>": "Mengambil data user berdasarkan id"},
        "docs": "/docs",
    });
    routes.get(
        "/",
        service::root,
        page(Doc::new("Informasi service dan endpoint yang tersedia", "This service and its endpoints")).gives(
            "application/json",
            object(),
            welcome,
        ),
    );
    routes.get(
        "/errors",
        errors::errors,
        page(Doc::new("Semua kode kesalahan", "Every error code, with its cause and cure")).gives(
            "application/json",
            array(),
            json!([]),
        ),
    );
    routes.get("/docs", swagger::docs, page(Doc::new("Swagger UI", "Swagger UI")));
    routes.get(
        "/docs/{file}",
        swagger::file,
        Doc::new("Berkas Swagger UI", "The files that Swagger UI loads")
            .by(Access::Anyone)
            .name("file", "swagger-ui.css", &ROUTE_NOT_FOUND)
            .gives("*/*", ObjectBuilder::new().schema_type(Type::String), json!("…")),
    );
    routes.get("/shop/", shop::catalogue, page(Doc::new("Toko", "The shop")));
    routes.get(
        "/shop/order",
        shop::order,
        page(Doc::new("Membayar dan melacak pesanan", "To pay and follow an order")),
    );
    routes.get("/shop/orders", shop::orders, page(Doc::new("Riwayat pesanan", "The orders of a customer")));
    routes.get("/admin/", admin::desk, page(Doc::new("Meja admin", "The admin's desk")));
    routes.get(
        "/live/",
        live::live,
        page(Doc::new("Panggilan antarservice saat terjadi", "The calls between the services, live")),
    );
    routes.get(
        "/services",
        services::services,
        Doc::new("Alamat semua service untuk browser", "Where a browser finds the services").by(Access::Anyone).gives(
            "application/json",
            array(),
            json!([{"name": "user", "title": "UserService", "url": "http://localhost:5000"}]),
        ),
    );
    routes.get(
        "/static/{file}",
        files::file,
        Doc::new("Berkas halaman", "The files that the pages load")
            .by(Access::Anyone)
            .name("file", "base.css", &ROUTE_NOT_FOUND)
            .gives("*/*", ObjectBuilder::new().schema_type(Type::String), json!("…")),
    );
}
