//! What the servers of all services share. Each service adds its routes and its state; everything that
//! is about HTTP as such is done here, once.

mod connections;
mod context;
mod fields;
mod front;
mod hosts;
mod html;
mod info;
mod list;
mod live;
mod metrics;
mod openapi;
mod pages;
mod problem;
mod query;
mod routes;
mod shares;
mod values;

use std::future::{Ready, ready};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_server::Server as ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::{AppConfig, Payload, Server as Running};
use actix_web::http::header::HeaderValue;
use actix_web::http::{Method, header};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::web::Bytes;
use actix_web::{App, FromRequest, HttpRequest, HttpResponse, web};
use serde::Serialize;
use uuid::Uuid;

use crate::auth::{Auth, Principal};
use crate::error::{BAD_HEADER, Code, Error, Result};
use crate::storage::Db;
use crate::storage::idempotency::{Created, Key};
pub use context::{BUDGET, Context};
pub use fields::{Body, Fault, Field, Fields, Json, OptionalJson, Patch, array};
pub use hosts::Hosts;
pub use list::{Listed, Page, Place, Sort, SortKey, answer as list};
pub use live::{LastEventId, Live, Message, event_id};
pub use metrics::Metrics;
pub use openapi::Doc;
pub use problem::Language;
pub use query::Query;
pub use routes::Routes;
pub use values::{Change, Email, Id, Image, Name, Phone, Quantity, Rupiah, Stock, Text, is_name};

use connections::{Connection, Connections};
use openapi::Endpoint;
use pages::Pages;

/// How long an idle connection is kept. Clients of ours let go of theirs earlier.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer that wait in a connection's own buffer, and that are put there at a time. The rest
/// stays where it is shared, or is not read from the database before it is wanted.
const WRITE_BUFFER: usize = 8 * 1024;
/// How long a client that is refused early may go on sending before its connection is closed. To close at once would
/// reset the connection, and the client might lose the answer.
const LINGER: Duration = Duration::from_secs(1);
/// How long requests under way may take to end once the server stops.
const DRAIN_SECS: u64 = 4;

const IDEMPOTENT_REPLAYED: &str = "idempotent-replayed";

/// What a server knows of itself, whatever its service.
#[derive(Clone)]
pub struct Server {
    /// As people see it: `UserService`.
    pub name: &'static str,
    pub db: Db,
    pub metrics: Metrics,
    pub hosts: Hosts,
    /// The streams that it serves.
    pub live: Live,
    /// Who may do what.
    pub auth: Auth,
    /// What the body of a request may take to arrive.
    pub time_limit: Duration,
    /// Connections that it may have at a time; more wait to be accepted.
    pub connections: usize,
    /// What it says of itself, once it is known.
    pub about: About,
}

/// What a server says of itself, made from its routes.
#[derive(Clone, Default)]
pub struct About {
    endpoints: Arc<Vec<Endpoint>>,
    /// The OpenAPI document.
    openapi: Bytes,
    pages: Arc<Pages>,
}

/// What a service adds to its server.
#[derive(Clone)]
pub struct Part {
    /// The service's name.
    pub service: &'static str,
    pub routes: fn(&mut Routes),
    /// Adds the service's state, once for each worker: a client of other services lives and dies with its
    /// worker's runtime.
    pub state: Arc<dyn Fn(&mut web::ServiceConfig) + Send + Sync>,
}

impl Part {
    pub fn new<S: 'static>(
        service: &'static str,
        routes: fn(&mut Routes),
        state: impl Fn() -> S + Send + Sync + 'static,
    ) -> Self {
        let state = move |config: &mut web::ServiceConfig| {
            config.app_data(web::Data::new(state()));
        };
        Self { service, routes, state: Arc::new(state) }
    }
}

/// Starts a server on `listener` for the services whose `parts` these are.
pub fn serve(listener: TcpListener, mut server: Server, workers: usize, parts: Vec<Part>) -> std::io::Result<Running> {
    let states = parts.clone();
    let table = move || {
        let mut table = Routes::default();
        for part in &parts {
            table.service = part.service;
            (part.routes)(&mut table);
        }
        // What all servers have is of the service that a server is named after.
        table.service = parts.first().map_or("", |part| part.service);
        info::routes(&mut table);
        pages::routes(&mut table);
        table
    };
    let endpoints = table().into_endpoints();
    let openapi = serde_json::to_vec(&openapi::document(server.name, &endpoints, server.auth.required))?;
    server.about = About { openapi: openapi.into(), endpoints: Arc::new(endpoints), pages: Arc::default() };
    let addr = listener.local_addr()?;
    let (name, most) = (server.name, server.connections);
    let connections = Connections::new(name, most);
    connections.make_room();
    // `HttpServer` would do the same, but for the connections, which it takes as they come.
    let builder = ServerBuilder::build()
        .workers(workers)
        .max_concurrent_connections(most.div_ceil(workers))
        .disable_signals()
        .shutdown_timeout(DRAIN_SECS);
    let stopping = builder.graceful_shutdown_signal();
    let service = move || {
        let server = server.clone();
        let app = App::new()
            .configure(|config| states.iter().for_each(|part| (part.state)(config)))
            .configure(|config| table().register(config))
            // Addresses that people and browsers try by themselves; no part of the API.
            .service(web::redirect("/docs/", "/docs"))
            .route("/favicon.ico", web::get().to(pages::favicon))
            .default_service(web::to(|| async { HttpResponse::NotFound().finish() }))
            .wrap(cors(server.hosts.clone()))
            .wrap(from_fn(front::front))
            .app_data(web::Data::new(server));
        let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
        let (connections, stopping) = (connections.clone(), stopping.clone());
        let http = HttpService::build()
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(LINGER)
            .h1_write_buffer_size(WRITE_BUFFER)
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

/// Lets pages of allowed origins read the answers. (Requests of other origins are refused by `front`.)
fn cors(hosts: Hosts) -> Cors {
    Cors::default()
        .allowed_origin_fn(move |origin, _| hosts.allow_origin(origin))
        .block_on_origin_mismatch(false)
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_any_header()
        .expose_headers([
            header::LOCATION.as_str(),
            header::LINK.as_str(),
            header::RETRY_AFTER.as_str(),
            header::WWW_AUTHENTICATE.as_str(),
            IDEMPOTENT_REPLAYED,
            "x-request-id",
            "traceparent",
        ])
        .max_age(3600)
}

/// 200 with `body`.
pub fn ok(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(body)
}

/// An answer whose body is in the reader's language, with the headers that say so.
pub fn in_language(language: Language, mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.append(header::VARY, HeaderValue::from_static("accept-language"));
    response
}

/// 201 with `body` and the address of what was created.
pub fn created(location: &str, body: &impl Serialize) -> HttpResponse {
    HttpResponse::Created().insert_header((header::LOCATION, location)).json(body)
}

/// Forbids to keep an answer that holds a token (RFC 6749, 5.1).
pub fn not_kept(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 204: it is done, and there is nothing to show.
pub fn done() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// 201 for what an Idempotency-Key may stand for, below `path`.
pub fn created_once(path: &str, Created { id, json, replayed }: Created) -> HttpResponse {
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("{path}/{id}"))).content_type(header::ContentType::json());
    if replayed {
        response.insert_header((IDEMPOTENT_REPLAYED, "true"));
    }
    response.body(json)
}

/// The `{id}` of a path; it may be anything until [`PathId::or`] is asked.
pub struct PathId(Option<Id>);

impl PathId {
    /// The id. What is no positive 64-bit number can't be the id of anything: that is `not_found`.
    pub fn or(self, not_found: &'static Code) -> Result<Id> {
        self.0.ok_or_else(|| Error::new(not_found))
    }
}

impl FromRequest for PathId {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(Id::parse(request.match_info().query("id")))))
    }
}

/// The `{key}` of a path; it may be anything until [`PathKey::or`] is asked.
pub struct PathKey(Option<Uuid>);

impl PathKey {
    /// The key as text in its usual form. What is no UUID is `not_found`.
    pub fn or(self, not_found: &'static Code) -> Result<String> {
        self.0.map(|key| key.to_string()).ok_or_else(|| Error::new(not_found).detail("the key is not a UUID"))
    }
}

impl FromRequest for PathKey {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().query("key");
        // With hyphens and in lower case, so that one key has one spelling.
        let key = Uuid::try_parse(text).ok().filter(|key| key.to_string() == text);
        ready(Ok(Self(key)))
    }
}

/// Where a request comes from: the other end of the connection, whatever a header says.
pub struct ClientAddress(pub IpAddr);

impl FromRequest for ClientAddress {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let missing = || Error::internal(anyhow::anyhow!("a connection has no other end"));
        ready(request.peer_addr().map(|addr| Self(addr.ip())).ok_or_else(missing))
    }
}

/// The network of an address, as far as limits tell networks apart: one subscriber of IPv6 has a whole /64, and all
/// loopback addresses are this machine.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        address if address.is_loopback() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(six) => IpAddr::V6((six.to_bits() & !u128::from(u64::MAX)).into()),
        four @ IpAddr::V4(_) => four,
    }
}

/// For whom a scan is, if it takes part of what others may have: all that comes from this machine may be of many.
fn scanning_network(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().and_then(|client| shares::client(client.ip()))
}

impl FromRequest for Language {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request.headers())))
    }
}

/// The `Idempotency-Key` of a request, if it has one: 1 to 255 printable ASCII characters.
pub struct IdempotencyKey {
    subject: String,
    key: Option<String>,
}

impl IdempotencyKey {
    /// The key as `service` keeps it, for what is asked in `request`.
    pub fn of(self, service: &'static str, request: &impl Serialize) -> Result<Option<Key>> {
        let Self { subject, key } = self;
        let key = key.map(|key| {
            let request = serde_json::to_string(request).map_err(Error::internal)?;
            Ok(Key { service, subject, key, request })
        });
        key.transpose()
    }
}

impl FromRequest for IdempotencyKey {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let subject = match Principal::of(request) {
            Ok(principal) => principal.subject(),
            Err(error) => return ready(Err(error)),
        };
        let mut values = request.headers().get_all("idempotency-key");
        ready(match (values.next(), values.next()) {
            (None, _) => Ok(Self { subject, key: None }),
            (Some(key), None) => {
                let visible = |key: &&str| key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
                let key = key.to_str().ok().filter(|key| (1..=255).contains(&key.len())).filter(visible);
                key.map(|key| Self { subject, key: Some(key.to_owned()) }).ok_or_else(|| {
                    Error::new(&BAD_HEADER).detail("Idempotency-Key must have 1 to 255 printable ASCII characters")
                })
            }
            _ => Err(Error::new(&BAD_HEADER).detail("Idempotency-Key is repeated")),
        })
    }
}
