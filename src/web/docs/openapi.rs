//! The OpenAPI document, made from the table of routes and the types that the handlers use.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::info::LicenseBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ArrayBuilder, Components, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Header, Info, OpenApi, OpenApiBuilder, Paths, Ref, RefOr, Required, ResponsesBuilder, Server};
use utoipa::{PartialSchema, ToSchema};

use crate::auth::Access;
use crate::domain::Sentence;
use crate::error::{
    BAD_HEADER, BAD_JSON, BAD_QUERY, BODY_TOO_LARGE, BUSY, Code, HOST_NOT_ALLOWED, INTERNAL, INVALID_FIELDS,
    METHOD_NOT_ALLOWED, NOT_ALLOWED, ORIGIN_NOT_ALLOWED, REQUEST_TIMEOUT, STORAGE_UNAVAILABLE, TOKEN_EXPIRED,
    TOKEN_INVALID, TOKEN_MALFORMED, TOKEN_MISSING, TOKEN_REVOKED, UNSUPPORTED_MEDIA_TYPE, WRONG_TYPE,
};
use crate::web::form::Body;
use crate::web::problem::{self, Problem};
use actix_web::http::Method;

const EVENT_STREAM: &str = "text/event-stream";

type NamedSchemas = Vec<(String, RefOr<Schema>)>;

/// One method at one path.
pub struct Endpoint {
    /// The service that it belongs to.
    pub service: &'static str,
    pub method: Method,
    /// With placeholders in braces: `/users/{id}`.
    pub path: &'static str,
    pub doc: Doc,
}

impl Endpoint {
    /// Its name in the document and the anchor on the page: `get_users_id` for `GET /users/{id}`.
    pub fn id(&self) -> String {
        let words = self.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        std::iter::once(self.method.as_str().to_lowercase())
            .chain(words.map(str::to_owned))
            .collect::<Vec<_>>()
            .join("_")
    }
}

/// A parameter of a request in its path, query or headers.
pub struct Parameter {
    pub schema: utoipa::openapi::path::Parameter,
    /// The initial value of its field on the page; empty if none fits everybody.
    pub example: &'static str,
}

/// The errors that every call may answer with.
pub const COMMON_FAILURES: [&Code; 5] =
    [&BAD_HEADER, &ORIGIN_NOT_ALLOWED, &METHOD_NOT_ALLOWED, &HOST_NOT_ALLOWED, &INTERNAL];

/// The errors that every call with a body may answer with.
pub const BODY_FAILURES: [&Code; 8] = [
    &BAD_JSON,
    &WRONG_TYPE,
    &INVALID_FIELDS,
    &BODY_TOO_LARGE,
    &UNSUPPORTED_MEDIA_TYPE,
    &REQUEST_TIMEOUT,
    &BUSY,
    &STORAGE_UNAVAILABLE,
];

/// What a route accepts and answers, for people and for programs.
pub struct Doc {
    pub summary: Sentence,
    /// Who may call it; by default an admin.
    pub access: Access,
    /// Whether a page of its own makes the call for people, so that it needs no form.
    has_page: bool,
    parameters: Vec<Parameter>,
    /// The schema of the body, an example, and whether the body is required.
    body: Option<(RefOr<Schema>, Value, Required)>,
    /// The status of success and its response.
    success: (u16, Response),
    failures: Vec<&'static Code>,
    schemas: NamedSchemas,
}

impl Doc {
    /// A summary of one line, in Indonesian (`id`) and English (`en`).
    pub fn new(id: &'static str, en: &'static str) -> Self {
        Self {
            summary: Sentence::new(id, en),
            access: Access::Admin,
            has_page: false,
            parameters: Vec::new(),
            body: None,
            success: (200, Response::new(en)),
            failures: COMMON_FAILURES.to_vec(),
            schemas: Vec::new(),
        }
    }

    /// A page of its own makes the call for people.
    pub fn has_page(mut self) -> Self {
        self.has_page = true;
        self
    }

    /// Allows others than an admin to call it.
    pub fn by(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// The path has an `{id}`. For an id that does not exist the answer is `unknown`.
    pub fn id(mut self, unknown: &'static Code) -> Self {
        let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(i64::MAX));
        let parameter = ParameterBuilder::new().name("id").parameter_in(ParameterIn::Path).required(Required::True);
        let schema = parameter.schema(Some(schema)).example(Some(json!(1))).build();
        self.parameters.push(Parameter { schema, example: "1" });
        self.fails(&[unknown])
    }

    /// The path has a `{name}`, such as `example`.
    pub fn name(mut self, name: &str, example: &'static str, unknown: &'static Code) -> Self {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
        let schema = parameter.schema(Some(schema)).example(Some(json!(example))).build();
        self.parameters.push(Parameter { schema, example });
        self.fails(&[unknown])
    }

    /// The query may have `name`.
    pub fn query(mut self, name: &str, schema: RefOr<Schema>, what: &str) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).required(Required::False);
        let schema = parameter.schema(Some(schema)).description(Some(what)).build();
        self.parameters.push(Parameter { schema, example: "" });
        self.fails(&[&BAD_QUERY])
    }

    /// The body is a `T`.
    pub fn takes<T: Body + ToSchema>(mut self, example: Value) -> Self {
        self.body = Some((self.reference::<T>(), example, Required::True));
        self.fails(&BODY_FAILURES)
    }

    /// The body is a `T`, or absent.
    pub fn may_take<T: Body + ToSchema>(mut self, example: Value) -> Self {
        self = self.takes::<T>(example);
        if let Some((_, _, required)) = &mut self.body {
            *required = Required::False;
        }
        self
    }

    /// Requests may carry an `Idempotency-Key`.
    pub fn accepts_idempotency_key(mut self, codes: &[&'static Code]) -> Self {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(255))
            .pattern(Some("^[!-~]([ -~]*[!-~])?$"));
        let parameter = ParameterBuilder::new().name("Idempotency-Key").parameter_in(ParameterIn::Header);
        let what = "A request that is sent again with the same key is answered as the first time, and changes nothing.";
        let schema = parameter.schema(Some(schema)).description(Some(what)).build();
        self.parameters.push(Parameter { schema, example: "" });
        self.header("Idempotent-Replayed", "`true` if the request had been answered before.").fails(codes)
    }

    /// Success is 200 with a `T`.
    pub fn shows<T: ToSchema>(mut self, example: Value) -> Self {
        let schema = self.reference::<T>();
        self.succeeds(200, "application/json", schema, example).fails(&[&STORAGE_UNAVAILABLE])
    }

    /// The path has a `{key}`, a UUID that the caller chooses. For any other text the answer is `unknown`.
    pub fn key(mut self, unknown: &'static Code) -> Self {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("uuid".to_owned())))
            .pattern(Some("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"));
        let example = "7f1c3a52-5d1e-4a34-9c5b-0c8f3d2e6a91";
        let parameter = ParameterBuilder::new().name("key").parameter_in(ParameterIn::Path).required(Required::True);
        let schema = parameter.schema(Some(schema)).example(Some(json!(example))).build();
        self.parameters.push(Parameter { schema, example });
        self.fails(&[unknown])
    }

    /// The request has no body, but changes something.
    pub fn changes(self) -> Self {
        self.fails(&[&BUSY, &STORAGE_UNAVAILABLE])
    }

    /// Success is 204, without a body.
    pub fn deletes(mut self) -> Self {
        self.success.0 = 204;
        self.changes()
    }

    /// Success is 200 with an array of all `T`.
    pub fn shows_all<T: ToSchema>(mut self, example: Value) -> Self {
        let schema = ArrayBuilder::new().items(self.reference::<T>()).build().into();
        self.succeeds(200, "application/json", schema, example)
    }

    /// Success is 201 with a `T` and its address.
    pub fn creates<T: ToSchema>(mut self, example: Value) -> Self {
        let schema = self.reference::<T>();
        self.succeeds(201, "application/json", schema, example).header("Location", "The path of what was created.")
    }

    /// Success is a list of `T`, whole or in pages.
    pub fn lists<T: ToSchema>(self, example: Value) -> Self {
        let limit = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(1000));
        let after = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
        self.shows_all::<T>(example)
            .header("Link", "With `limit`, while there is more: `<path>; rel=\"next\"` (RFC 8288).")
            .query(
                "limit",
                limit.into(),
                "Rows at most; a busy server may give fewer, and a `Link`. Without it the whole list is streamed.",
            )
            .query("after", after.into(), "The cursor of a `Link` header: where the page begins.")
            .fails(&[&STORAGE_UNAVAILABLE])
    }

    /// Success is a stream of `T` as server-sent events, which may begin after the `Last-Event-ID`; `otherwise` says
    /// where it begins without one.
    pub fn streams<T: ToSchema>(mut self, otherwise: &str, example: Value) -> Self {
        self.reference::<T>();
        let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(i64::MAX));
        let parameter = ParameterBuilder::new().name("Last-Event-ID").parameter_in(ParameterIn::Header);
        let what = format!(
            "The id of the last event that was seen: the stream goes on after it. Without one it begins {otherwise}."
        );
        let schema = parameter.schema(Some(schema)).description(Some(what)).build();
        self.parameters.push(Parameter { schema, example: "" });
        let text = ObjectBuilder::new().schema_type(Type::String);
        let example = format!("id: 1\ndata: {example}\n\n");
        let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(i64::MAX));
        self.query("last_event_id", schema.into(), "Like the header, which goes before it.")
            .gives(EVENT_STREAM, text, Value::from(example))
            .fails(&[&BUSY, &STORAGE_UNAVAILABLE])
    }

    /// Success is 200 with this media type, described by an example.
    pub fn gives(self, media_type: &str, schema: ObjectBuilder, example: Value) -> Self {
        self.succeeds(200, media_type, schema.build().into(), example)
    }

    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The schema of the body, an example, and whether the body is required.
    pub fn body(&self) -> Option<(&RefOr<Schema>, &Value, bool)> {
        self.body.as_ref().map(|(schema, example, required)| (schema, example, *required == Required::True))
    }

    /// The schema of this name, to which others refer.
    pub fn schema(&self, name: &str) -> Option<&RefOr<Schema>> {
        self.schemas.iter().find(|(known, _)| known == name).map(|(_, schema)| schema)
    }

    /// Whether it has a form on the page of its service: not if it is a page or one of its files.
    pub fn has_form(&self) -> bool {
        let shows = |media_type: &str| self.success.1.content.contains_key(media_type);
        let is_page = shows("*/*") || (shows("text/html") && !shows("application/json"));
        !is_page && !self.has_page
    }

    /// Whether success is a stream of server-sent events.
    pub fn is_stream(&self) -> bool {
        self.success.1.content.contains_key(EVENT_STREAM)
    }

    /// The errors that it may answer with, but for those of the token.
    pub fn failures(&self) -> impl Iterator<Item = &'static Code> {
        self.failures.iter().copied()
    }

    /// All errors that it may answer with. `required`: whether callers must log in.
    pub fn codes(&self, required: bool) -> impl Iterator<Item = &'static Code> {
        self.failures().chain(refusals(self.access, required))
    }

    /// Adds errors that it may answer with.
    pub fn fails(mut self, codes: &[&'static Code]) -> Self {
        for code in codes {
            if !self.failures.iter().any(|known| known.name == code.name) {
                self.failures.push(code);
            }
        }
        self
    }

    fn succeeds(mut self, status: u16, media_type: &str, schema: RefOr<Schema>, example: Value) -> Self {
        let content = ContentBuilder::new().schema(Some(schema)).example(Some(example)).build();
        self.success.0 = status;
        self.success.1.content.insert(media_type.to_owned(), RefOr::T(content));
        self
    }

    fn header(mut self, name: &str, what: &str) -> Self {
        self.success.1.headers.insert(name.to_owned(), RefOr::T(text_header(what)));
        self
    }

    /// A reference to the schema of `T`, which is added to the document with all that it refers to.
    fn reference<T: ToSchema>(&mut self) -> RefOr<Schema> {
        T::schemas(&mut self.schemas);
        self.schemas.push((T::name().into_owned(), T::schema()));
        Ref::from_schema_name(T::name()).into()
    }
}

fn text_header(what: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    HeaderBuilder::new().schema(Some(schema)).description(Some(what)).build()
}

/// What all calls have in common.
pub const ABOUT: &str = "Every answer carries `X-Request-Id` and `traceparent`, taken from the request or made. Every \
                         error is a problem document (RFC 9457) whose `code` is listed at `/errors`; \
                         `Accept-Language: en` gets its `message` in English instead of Indonesian.";

/// The OpenAPI document of a service. `required`: whether callers must log in.
pub fn document(service: &str, endpoints: &[Endpoint], required: bool) -> OpenApi {
    let mut paths = Paths::new();
    let mut components = Components::new();
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `access_token` of `POST /auth/login` of the user service."))
        .build();
    components.add_security_scheme(BEARER_SCHEME, SecurityScheme::Http(scheme));
    if endpoints.iter().any(|endpoint| endpoint.doc.access.takes_ticket()) {
        let what = "The `ticket` of `POST /auth/ticket`, for clients that can't send headers.";
        let ticket = ApiKey::Query(ApiKeyValue::with_description("ticket", what));
        components.add_security_scheme(TICKET_SCHEME, SecurityScheme::ApiKey(ticket));
    }
    for endpoint in endpoints {
        let Endpoint { method, path, doc, .. } = endpoint;
        for (name, schema) in &doc.schemas {
            components.schemas.insert(name.clone(), schema.clone());
        }
        let mut operation = OperationBuilder::new()
            .tag(service)
            .operation_id(Some(endpoint.id()))
            .summary(Some(doc.summary.id.as_ref()))
            .description(Some(describe(doc, required)))
            .securities(Some(securities(doc.access, required)))
            .responses(responses(doc, required));
        for parameter in &doc.parameters {
            operation = operation.parameter(parameter.schema.clone());
        }
        if let Some((schema, example, required)) = &doc.body {
            let content = ContentBuilder::new().schema(Some(schema.clone())).example(Some(example.clone())).build();
            let body = RequestBodyBuilder::new().required(Some(required.clone())).content("application/json", content);
            operation = operation.request_body(Some(body.build()));
        }
        if let Some(method) = http_method(method) {
            paths.add_path_operation(path, vec![method], operation);
        }
    }
    let mut info = Info::new(format!("Pasar {service}"), env!("CARGO_PKG_VERSION").to_owned());
    info.license = Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build());
    info.description = Some(ABOUT.to_owned());
    OpenApiBuilder::new().info(info).servers(Some([Server::new("/")])).paths(paths).components(Some(components)).build()
}

/// The names of the security schemes.
const BEARER_SCHEME: &str = "bearer";
const TICKET_SCHEME: &str = "ticket";

/// The description: what the call does, and who may make it.
pub fn describe(doc: &Doc, required: bool) -> String {
    let what = &doc.summary.en;
    match doc.access {
        Access::Anyone => format!("{what}."),
        _ => format!("{what}. {}", who(doc.access, required).en),
    }
}

/// Who may make a call.
pub fn who(access: Access, required: bool) -> Sentence {
    let Sentence { id, en } = access.words();
    let (id, en) = match (access, required) {
        (Access::Anyone | Access::Account, _) | (_, true) => (format!("Untuk {id}."), format!("For {en}.")),
        (_, false) => (
            format!("Dengan `AUTH=required` untuk {id}; di sini untuk siapa saja."),
            format!("With `AUTH=required` for {en}; here for anyone."),
        ),
    };
    Sentence { id: id.into(), en: en.into() }
}

/// Why a call answers with this error, and what to do about it.
pub fn explain(code: &Code) -> Sentence {
    let Code { name, cause, remedy, .. } = code;
    let (id, en) = (format!("`{name}`: {} {}", cause.id, remedy.id), format!("`{name}`: {} {}", cause.en, remedy.en));
    Sentence { id: id.into(), en: en.into() }
}

/// The security requirements of a call.
fn securities(access: Access, required: bool) -> Vec<SecurityRequirement> {
    let by = |scheme| SecurityRequirement::new(scheme, [] as [&str; 0]);
    let mut ways = match access {
        Access::Anyone => vec![],
        Access::Stream | Access::AdminStream => vec![by(BEARER_SCHEME), by(TICKET_SCHEME)],
        _ => vec![by(BEARER_SCHEME)],
    };
    if access != Access::Anyone && !access.needs_token(required) {
        ways.insert(0, SecurityRequirement::default());
    }
    ways
}

/// The errors of authentication that a call may answer with.
fn refusals(access: Access, required: bool) -> Vec<&'static Code> {
    let mut codes: Vec<&'static Code> = vec![&TOKEN_MALFORMED, &TOKEN_INVALID, &TOKEN_EXPIRED, &TOKEN_REVOKED];
    match (access, access.needs_token(required)) {
        (Access::Anyone, _) => codes.clear(),
        (_, true) => codes.extend([&TOKEN_MISSING, &NOT_ALLOWED]),
        (_, false) => {}
    }
    codes
}

fn http_method(method: &Method) -> Option<HttpMethod> {
    Some(match *method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => return None,
    })
}

fn responses(doc: &Doc, required: bool) -> ResponsesBuilder {
    let mut by_status: BTreeMap<u16, Vec<&'static Code>> = BTreeMap::new();
    for code in doc.codes(required) {
        by_status.entry(problem::status(code.kind).as_u16()).or_default().push(code);
    }
    let (status, success) = &doc.success;
    let mut all = ResponsesBuilder::new().response(status.to_string(), success.clone());
    for (status, codes) in by_status {
        all = all.response(status.to_string(), failure(status, &codes));
    }
    all
}

/// The response for one status, with an example for each code that comes with it.
fn failure(status: u16, codes: &[&'static Code]) -> Response {
    let words: Vec<_> = codes.iter().map(|code| explain(code).en).collect();
    let examples = codes.iter().map(|code| {
        let example = utoipa::openapi::example::ExampleBuilder::new().value(Some(problem::example(code)));
        (code.name, example.build())
    });
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).examples_from_iter(examples).build();
    let mut response =
        ResponseBuilder::new().description(words.join("\n\n")).content("application/problem+json", content);
    if codes.iter().any(|code| problem::is_retryable(code.kind)) {
        response = response.header("Retry-After", text_header("Seconds until it is worth another try."));
    }
    if status == 401 {
        response = response.header("WWW-Authenticate", text_header("How to show who one is (RFC 6750)."));
    }
    if status == 405 {
        response = response.header("Allow", text_header("The methods that the path has."));
    }
    response.build()
}
