//! The endpoints for monitoring that every service has: `/health*` and `/metrics`.

use std::sync::atomic::Ordering;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::docs::openapi::Doc;
use super::extract::scanning_network;
use super::routes::Routes;
use super::state::Server;
use crate::auth::Access;
use crate::error::{BUSY, Result, STORAGE_UNAVAILABLE, TOO_SLOW};
use crate::events;

pub fn routes(routes: &mut Routes) {
    let object = || ObjectBuilder::new().schema_type(Type::Object);
    let string = || ObjectBuilder::new().schema_type(Type::String);
    let healthy = || json!({"status": "ok", "service": "UserService", "checks": {"database": "ok"}});
    for (path, summary) in [
        ("/health", Doc::new("Kesehatan service", "Whether the service works")),
        ("/health/ready", Doc::new("Apakah service siap menerima permintaan", "Whether the service can take requests")),
    ] {
        routes.get(
            path,
            ready,
            summary.by(Access::Anyone).gives("application/json", object(), healthy()).fails(&[&STORAGE_UNAVAILABLE]),
        );
    }
    routes.get(
        "/health/live",
        live,
        Doc::new("Apakah proses hidup", "Whether the process lives").by(Access::Anyone).gives(
            "application/json",
            object(),
            json!({"status": "ok", "service": "UserService"}),
        ),
    );
    routes.get(
        "/metrics",
        metrics,
        Doc::new("Metrik untuk Prometheus", "Metrics for Prometheus")
            .by(Access::Anyone)
            .gives("text/plain", string(), json!("http_requests_total{…} 1"))
            .fails(&[&STORAGE_UNAVAILABLE]),
    );
}

async fn live(server: web::Data<Server>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok", "service": server.name}))
}

/// A service is ready if it can write to its database. Other services are not asked: calls to them fail by
/// themselves.
async fn ready(server: web::Data<Server>) -> Result<HttpResponse> {
    server.db.check().await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ok", "service": server.name, "checks": {"database": "ok"}})))
}

async fn metrics(request: HttpRequest, server: web::Data<Server>) -> Result<HttpResponse> {
    // Counting rows may be refused or time out under load. Then the last counts stay: the other figures are most
    // useful just then.
    let backlog = match server.db.scan(scanning_network(&request), events::backlog).await {
        Err(error) if error.is(&BUSY) || error.is(&TOO_SLOW) => None,
        counted => Some(counted?),
    };
    if let Some(backlog) = &backlog {
        for (of, state, count) in [
            ("events", "waiting", backlog.events_waiting),
            ("events", "parked", backlog.events_parked),
            ("calls", "waiting", backlog.jobs_waiting),
            ("calls", "parked", backlog.jobs_parked),
        ] {
            server.metrics.set_backlog(of, state, count);
        }
    }
    let stats = server.db.stats();
    server.metrics.set_database(stats.commits.load(Ordering::Relaxed), stats.writes.load(Ordering::Relaxed));
    let dropped = backlog.map(|backlog| u64::try_from(backlog.events_dropped).unwrap_or(0));
    let text = server.metrics.text(dropped)?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}
