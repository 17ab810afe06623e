//! The types of faults that go over the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::armed::{Armed, Fired};
use super::rule::Kind;
use crate::domain::Timestamp;

/// A fault with its receipt.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    pub name: String,
    /// A service, `client`, `events` or `anybody`.
    pub from: String,
    pub to: String,
    pub kind: Kind,
    /// Only requests with this method.
    pub method: Option<String>,
    /// Only this path, in which `{…}` matches any one segment.
    pub path: Option<String>,
    /// Of a delay.
    pub delay_ms: Option<u64>,
    /// How often it may fire; null: until it is removed.
    pub times: Option<u64>,
    /// Of a hundred requests that it meets, how many it strikes.
    pub percent: u8,
    #[schema(value_type = String, format = DateTime)]
    pub armed_at: Timestamp,
    /// How many requests it has met, struck or not.
    pub met: u64,
    pub fired: u64,
    /// Whether it has fired as often as it may.
    pub spent: bool,
    /// On which calls it fired: the newest 100, oldest first.
    pub calls: Vec<FiredOn>,
}

/// A call that a fault has struck.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FiredOn {
    /// Its id in `GET /calls`.
    pub call: u64,
    pub trace: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Who calls whom, for a fault between services.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Edge {
    pub from: String,
    pub to: String,
}

/// The faults that can fire at a server.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FaultList {
    pub edges: Vec<Edge>,
    pub faults: Vec<Fault>,
}

impl From<Armed> for Fault {
    fn from(armed: Armed) -> Self {
        let spent = armed.is_spent();
        let Armed { name, rule, times, percent, since, met, fired, calls } = armed;
        Self {
            name,
            from: rule.from,
            to: rule.to,
            kind: rule.kind,
            method: rule.method,
            path: rule.path,
            delay_ms: (rule.kind == Kind::Delay).then(|| u64::try_from(rule.delay.as_millis()).unwrap_or(u64::MAX)),
            times,
            percent,
            armed_at: since,
            met,
            fired,
            spent,
            calls: calls.into_iter().map(FiredOn::from).collect(),
        }
    }
}

impl From<Fired> for FiredOn {
    fn from(Fired { call, trace, at }: Fired) -> Self {
        Self { call, trace: format!("{trace:032x}"), at }
    }
}
