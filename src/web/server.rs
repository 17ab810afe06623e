//! The HTTP server: its listener, its workers, its limits.

use std::future::ready;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_server::Server as ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::{AppConfig, Server as Running};
use actix_web::http::{Method, header};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpResponse, web};

use super::allowlist::Hosts;
use super::connections::{Connection, Connections, HEAD_TIMEOUT};
use super::docs;
use super::response::IDEMPOTENT_REPLAYED;
use super::routes::{Mount, Routes};
use super::state::{Documentation, Server};
use super::{calls, faults, health, invariants, lessons, middleware, pages, reset};

/// How long an idle connection is kept; longer than our own clients keep theirs (see `peer::POOL_IDLE_TIMEOUT`).
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a client whose request is refused early may go on sending. Closing at once would reset the connection,
/// and the client might lose the answer.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// How long requests in progress may take once the server stops.
const DRAIN_SECS: u64 = 4;

/// Starts a server for these services on `listener`.
pub fn serve(
    listener: TcpListener,
    mut server: Server,
    workers: usize,
    mounts: Vec<Mount>,
) -> std::io::Result<Running> {
    let states = mounts.clone();
    let table = move || {
        let mut table = Routes::default();
        for mount in &mounts {
            table.service = mount.service;
            table.recorded = true;
            (mount.routes)(&mut table);
        }
        // The common routes belong to the first service, which the server is named after.
        table.service = mounts.first().map_or("", |mount| mount.service);
        table.recorded = false;
        health::routes(&mut table);
        invariants::routes(&mut table);
        pages::routes(&mut table);
        docs::routes(&mut table);
        calls::routes(&mut table);
        faults::routes(&mut table);
        lessons::routes(&mut table);
        reset::routes(&mut table);
        table
    };
    let endpoints = table().into_endpoints();
    server.documentation = Documentation { endpoints: Arc::new(endpoints), ..Documentation::default() };
    let addr = listener.local_addr()?;
    let (name, most) = (server.name, server.connections);
    let connections = Connections::new(name, most);
    connections.make_room();
    // `HttpServer` would do the same, but does not let us wrap the connections.
    let builder = ServerBuilder::build()
        .workers(workers)
        .max_concurrent_connections(most.div_ceil(workers))
        .disable_signals()
        .shutdown_timeout(DRAIN_SECS);
    let stopping = builder.graceful_shutdown_signal();
    let service = move || {
        let server = server.clone();
        let app = App::new()
            .configure(|config| states.iter().for_each(|mount| (mount.state)(config)))
            .configure(|config| table().register(config))
            // Addresses that people and browsers try by themselves, not documented.
            .service(web::redirect("/docs/", "/docs"))
            .service(web::redirect("/shop", "/shop/"))
            .service(web::redirect("/admin", "/admin/"))
            .service(web::redirect("/live", "/live/"))
            .route("/favicon.ico", web::get().to(pages::favicon))
            .default_service(web::to(|| async { HttpResponse::NotFound().finish() }))
            .wrap(from_fn(reset::in_generation))
            .wrap(cors(server.hosts.clone()))
            .wrap(from_fn(middleware::layer))
            .app_data(web::Data::new(server));
        let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
        let (connections, stopping) = (connections.clone(), stopping.clone());
        let http = HttpService::build()
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(LINGER_TIMEOUT)
            .h1_write_buffer_size(middleware::WRITE_BUFFER_BYTES)
            .local_addr(addr)
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .on_connect_ext(|connection: &Connection, data| {
                data.insert(connection.state());
            })
            .finish(map_config(app, |(): ()| AppConfig::default()));
        let accept = fn_service(move |stream: TcpStream| {
            let admitted = connections.admit(stream).map(|connection| {
                let peer = connection.peer();
                (connection, Protocol::Http1, Some(peer))
            });
            ready(admitted.ok_or_else(|| DispatchError::Io(ErrorKind::ConnectionRefused.into())))
        });
        accept.and_then(http)
    };
    Ok(builder.listen(name, listener, service)?.run())
}

/// Lets pages of allowed origins read the answers. Requests of other origins are refused by the middleware.
fn cors(hosts: Hosts) -> Cors {
    Cors::default()
        .allowed_origin_fn(move |origin, _| hosts.allows_origin(origin))
        .block_on_origin_mismatch(false)
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_any_header()
        .expose_headers([
            header::DATE.as_str(),
            header::LOCATION.as_str(),
            header::LINK.as_str(),
            header::RETRY_AFTER.as_str(),
            header::WWW_AUTHENTICATE.as_str(),
            IDEMPOTENT_REPLAYED,
            "x-request-id",
            "traceparent",
            "pasar-fault-fired",
        ])
        .max_age(3600)
}
