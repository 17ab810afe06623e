//! The faults that people arm at this server's services.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::body::body;
use super::docs::Doc;
use super::json::Json;
use super::response::{no_store, ok};
use super::routes::Routes;
use super::state::Server;
use crate::auth::Access;
use crate::domain::{Field, FieldError, Sentence, Timestamp, integer};
use crate::error::{Error, FAULT_ELSEWHERE, FAULT_NOT_FOUND, INVALID_FIELDS, LAB_OFF, Result, TOO_MANY_FAULTS};
use crate::faults::api::{Edge, Fault, FaultList};
use crate::faults::{ANYBODY, Armed, CLIENT, EVENTS, Faults, Kind, Refusal, Rule};

pub fn routes(routes: &mut Routes) {
    let rule = json!({"from": "client", "to": routes.service, "kind": "delay", "delay_ms": 300});
    let mut fault = rule.clone();
    for (member, value) in [
        ("name", json!("slow")),
        ("method", Value::Null),
        ("path", json!("/orders/{id}")),
        ("times", json!(1)),
        ("percent", json!(100)),
        ("armed_at", json!("2026-01-31T08:00:00.000Z")),
        ("met", json!(1)),
        ("fired", json!(1)),
        ("spent", json!(true)),
        (
            "calls",
            json!([{
                "call": 812,
                "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
                "at": "2026-01-31T08:00:01.000Z",
            }]),
        ),
    ] {
        fault[member] = value;
    }
    let faults = json!({"edges": [{"from": "order", "to": "product"}], "faults": [fault]});
    routes.get(
        "/faults",
        list,
        Doc::new(
            "Gangguan yang terpasang, dan berapa kali terjadi",
            "The faults that are armed, and how often they fired",
        )
        .has_page()
        .by(Access::Service)
        .shows::<FaultList>(faults.clone())
        .fails(&[&LAB_OFF]),
    );
    routes.delete(
        "/faults",
        remove_all,
        Doc::new("Mencabut semua gangguan", "Removes all faults")
            .has_page()
            .by(Access::Service)
            .shows::<FaultList>(faults)
            .fails(&[&LAB_OFF]),
    );
    routes.put(
        "/faults/{name}",
        arm,
        Doc::new("Memasang gangguan", "Arms a fault")
            .has_page()
            .by(Access::Service)
            .name("name", "slow", &FAULT_NOT_FOUND)
            .takes::<NewFault>(rule)
            .shows::<Fault>(fault.clone())
            .fails(&[&LAB_OFF, &FAULT_ELSEWHERE, &TOO_MANY_FAULTS]),
    );
    routes.delete(
        "/faults/{name}",
        remove,
        Doc::new("Mencabut satu gangguan", "Removes a fault")
            .has_page()
            .by(Access::Service)
            .name("name", "slow", &FAULT_NOT_FOUND)
            .shows::<Fault>(fault)
            .fails(&[&LAB_OFF]),
    );
}

/// The name of a fault, chosen by who arms it.
struct FaultName(String);

impl FromRequest for FaultName {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let name = request.match_info().query("name");
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_name = (1..=64).contains(&name.len()) && name.bytes().all(is_plain);
        ready(is_name.then(|| Self(name.to_owned())).ok_or_else(|| Error::new(&FAULT_NOT_FOUND)))
    }
}

body! {
    /// The body of `PUT /faults/{name}`.
    pub struct NewFault {
        /// Who sends it: a service; `client`; `events` for an event; `anybody` to stop a service.
        #[schema(value_type = String, pattern = "^(client|events|anybody|user|product|order|payment)$")]
        required from: Party,
        /// The service that it is sent to.
        #[schema(value_type = String, pattern = "^(user|product|order|payment)$")]
        required to: Party,
        /// What happens to it.
        required kind: Kind,
        /// Only requests with this method.
        #[schema(value_type = Option<String>, pattern = "^(GET|POST|PUT|PATCH|DELETE)$")]
        optional method: MethodName,
        /// Only this path, in which `{…}` matches any one segment.
        #[schema(value_type = Option<String>, pattern = "^/[!->@-~]{0,199}$")]
        optional path: Pattern,
        /// Of a delay; 300, unless it is given.
        #[schema(value_type = Option<u64>, minimum = 0, maximum = 30_000)]
        optional delay_ms: Number<0, 30_000>,
        /// How often it fires; once, unless it is given or `percent` is.
        #[schema(value_type = Option<u64>, minimum = 1, maximum = 1_000_000)]
        optional times: Number<1, 1_000_000>,
        /// Of a hundred requests, how many it strikes; all, unless it is given.
        #[schema(value_type = Option<u64>, minimum = 1, maximum = 100)]
        optional percent: Number<1, 100>,
    }
}

/// Who sends something, or gets it.
pub struct Party(String);
/// A method of HTTP.
pub struct MethodName(String);
/// A path with placeholders.
pub struct Pattern(String);
/// A whole number within bounds.
pub struct Number<const MIN: i64, const MAX: i64>(i64);

/// Who sends and gets what faults meet.
const PARTIES: [&str; 7] = [CLIENT, EVENTS, ANYBODY, "user", "product", "order", "payment"];
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Reads one of these words.
fn one_of(value: Value, words: &[&str]) -> Result<String, FieldError> {
    let Value::String(text) = value else {
        return Err(FieldError::wrong_type("harus teks", "must be a string"));
    };
    if words.contains(&text.as_str()) {
        return Ok(text);
    }
    let words = words.join(", ");
    Err(FieldError::rule(format!("harus salah satu dari {words}"), format!("must be one of {words}")))
}

impl Field for Party {
    fn read(value: Value) -> Result<Self, FieldError> {
        one_of(value, &PARTIES).map(Self)
    }
}

impl Field for MethodName {
    fn read(value: Value) -> Result<Self, FieldError> {
        one_of(value, &METHODS).map(Self)
    }
}

impl Field for Kind {
    fn read(value: Value) -> Result<Self, FieldError> {
        let kinds = Self::ALL.map(Self::as_str);
        let kind = one_of(value, &kinds)?;
        Self::parse(&kind).ok_or_else(|| FieldError::rule("tidak dikenal", "is not known"))
    }
}

impl Field for Pattern {
    fn read(value: Value) -> Result<Self, FieldError> {
        let Value::String(text) = value else {
            return Err(FieldError::wrong_type("harus teks", "must be a string"));
        };
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'?');
        if text.starts_with('/') && text.len() <= 200 && is_plain {
            return Ok(Self(text));
        }
        Err(FieldError::rule("bukan path tanpa query", "is not a path without a query"))
    }
}

impl<const MIN: i64, const MAX: i64> Field for Number<MIN, MAX> {
    fn read(value: Value) -> Result<Self, FieldError> {
        integer(&value, MIN, MAX).map(Self)
    }
}

impl NewFault {
    fn armed(self, name: String, now: Timestamp) -> Result<Armed> {
        let rule = Rule::new(&self.from.0, &self.to.0, self.kind).map_err(|why| {
            let sentence = Sentence { id: "tidak bisa terjadi di antara keduanya".into(), en: why.to_string().into() };
            Error::new(&INVALID_FIELDS).field("kind", sentence)
        })?;
        let given = [("method", self.method.is_some()), ("path", self.path.is_some())];
        let mut given = given.into_iter().chain([("percent", self.percent.is_some() && self.kind == Kind::Stop)]);
        if let Some((name, _)) = given.find(|(_, is_given)| *is_given && !rule.has_route()) {
            let why = Sentence::new("tidak bisa dipilih untuk ini", "can't be chosen for this");
            return Err(Error::new(&INVALID_FIELDS).field(name, why));
        }
        let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
        let delay = self.delay_ms.map_or(rule.delay, |Number(ms)| Duration::from_millis(unsigned(ms)));
        let rule = Rule { delay, method: self.method.map(|name| name.0), path: self.path.map(|path| path.0), ..rule };
        let times = match (self.times, &self.percent) {
            (Some(Number(times)), _) => Some(unsigned(times)),
            // A service is stopped until somebody resumes it.
            (None, None) if rule.kind != Kind::Stop => Some(1),
            (None, _) => None,
        };
        let percent = self.percent.and_then(|Number(percent)| u8::try_from(percent).ok()).unwrap_or(100);
        Ok(Armed::new(name, rule, times, percent, now))
    }
}

/// The faults of the process; [`LAB_OFF`] if none can be armed.
fn faults(server: &Server) -> Result<&Faults> {
    if server.faults.is_on() { Ok(&server.faults) } else { Err(Error::new(&LAB_OFF)) }
}

/// Whether a fault fires at one of this server's services: the others have servers of their own.
fn is_own(server: &Server, fault: &Armed) -> bool {
    server.auth.services.contains(&fault.rule.fires_at())
}

/// The answer about these faults.
fn answer(server: &Server, faults: &Faults, found: Vec<Armed>) -> HttpResponse {
    let edges = faults.edges().into_iter().filter(|(from, _)| server.auth.services.contains(from));
    let edges = edges.map(|(from, to)| Edge { from: from.to_owned(), to: to.to_owned() }).collect();
    no_store(ok(&FaultList { edges, faults: found.into_iter().map(Fault::from).collect() }))
}

async fn list(server: web::Data<Server>) -> Result<HttpResponse> {
    let faults = faults(&server)?;
    Ok(answer(&server, faults, faults.list(|fault| is_own(&server, fault))))
}

async fn arm(FaultName(name): FaultName, server: web::Data<Server>, body: Json<NewFault>) -> Result<HttpResponse> {
    let faults = faults(&server)?;
    let fault = body.0.armed(name, server.clock.now())?;
    if !is_own(&server, &fault) {
        let detail = format!("it happens at the {} service", fault.rule.fires_at());
        return Err(Error::new(&FAULT_ELSEWHERE).detail(detail));
    }
    match faults.arm(fault.clone(), &server.auth.services) {
        Ok(()) => Ok(no_store(ok(&Fault::from(fault)))),
        Err(Refusal::NoSuchEdge) => {
            let Rule { from, to, .. } = fault.rule;
            Err(Error::new(&FAULT_ELSEWHERE).detail(format!("the {from} service does not call the {to} service")))
        }
        Err(Refusal::TooMany) => Err(Error::new(&TOO_MANY_FAULTS)),
    }
}

async fn remove(FaultName(name): FaultName, server: web::Data<Server>) -> Result<HttpResponse> {
    let faults = faults(&server)?;
    let removed = faults.remove(|fault| fault.name == name && is_own(&server, fault)).pop();
    let removed = removed.ok_or_else(|| Error::new(&FAULT_NOT_FOUND))?;
    Ok(no_store(ok(&Fault::from(removed))))
}

async fn remove_all(server: web::Data<Server>) -> Result<HttpResponse> {
    let faults = faults(&server)?;
    Ok(answer(&server, faults, faults.remove(|fault| is_own(&server, fault))))
}
