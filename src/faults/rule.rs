//! [`Rule`]: which calls a fault meets, and what it does to them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a request of no service comes from: a browser, a terminal, a program.
pub const CLIENT: &str = "client";
/// Where an event comes from.
pub const EVENTS: &str = "events";
/// Where the calls come from that a stopped service does not answer.
pub const ANYBODY: &str = "anybody";
/// The longest time that an answer is delayed.
const MAX_DELAY: Duration = Duration::from_secs(30);
/// The delay of a rule that names none.
pub const DEFAULT_DELAY: Duration = Duration::from_millis(300);

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[schema(as = FaultKind)]
#[value(rename_all = "snake_case")]
pub enum Kind {
    /// The request is sent later. A call between services that is delayed for longer than its attempt may take is not.
    Delay,
    /// The connection is refused, or closed before the request is read.
    Refuse,
    /// The request is never answered.
    Hang,
    /// The answer is a 500; the request is not sent.
    Error,
    /// The answer is a 200 with something that is no JSON; the request is not sent.
    Nonsense,
    /// The answer is a gateway's 404, without a code of ours; the request is not sent.
    NotFound,
    /// The request is carried out, and its answer lost.
    LoseAnswer,
    /// The request is delivered twice, or the event.
    Twice,
    /// The service answers nobody, and does nothing by itself.
    Stop,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::Delay,
        Self::Refuse,
        Self::Hang,
        Self::Error,
        Self::Nonsense,
        Self::NotFound,
        Self::LoseAnswer,
        Self::Twice,
        Self::Stop,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Refuse => "refuse",
            Self::Hang => "hang",
            Self::Error => "error",
            Self::Nonsense => "nonsense",
            Self::NotFound => "not_found",
            Self::LoseAnswer => "lose_answer",
            Self::Twice => "twice",
            Self::Stop => "stop",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether it can happen to what comes from `from`.
    fn can_meet(self, from: &str) -> bool {
        match self {
            Self::Stop => from == ANYBODY,
            Self::Twice => from != ANYBODY && from != CLIENT,
            _ => ![ANYBODY, EVENTS].contains(&from),
        }
    }
}

/// Something that is being sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// A service, [`CLIENT`] or [`EVENTS`].
    pub from: &'a str,
    pub to: &'a str,
    /// Empty for an event.
    pub method: &'a str,
    /// Without the query; empty for an event.
    pub path: &'a str,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    pub kind: Kind,
    pub delay: Duration,
}

/// Which requests a fault meets, and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// A service, [`CLIENT`], [`EVENTS`], or [`ANYBODY`].
    pub from: String,
    pub to: String,
    pub kind: Kind,
    /// How long [`Kind::Delay`] takes.
    pub delay: Duration,
    /// `None`: every method.
    pub method: Option<String>,
    /// A path, in which `{…}` matches any one segment; `None`: every path.
    pub path: Option<String>,
}

/// Why a rule is refused.
#[derive(Debug)]
pub struct BadRule(String);

impl fmt::Display for BadRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadRule {}

impl Rule {
    /// A rule for all that `from` sends to `to`.
    pub fn new(from: &str, to: &str, kind: Kind) -> Result<Self, BadRule> {
        if from == to || !kind.can_meet(from) {
            return Err(BadRule(format!("{} can't happen to what goes from {from} to {to}", kind.as_str())));
        }
        Ok(Self { from: from.to_owned(), to: to.to_owned(), kind, delay: DEFAULT_DELAY, method: None, path: None })
    }

    /// Whether it meets requests, of which it can choose some: a service is stopped for all, an event has no route.
    pub fn has_route(&self) -> bool {
        ![ANYBODY, EVENTS].contains(&self.from.as_str())
    }

    /// The service in whose process it fires.
    pub fn fires_at(&self) -> &str {
        if [CLIENT, EVENTS, ANYBODY].contains(&self.from.as_str()) { &self.to } else { &self.from }
    }

    pub(super) fn strike(&self) -> Strike {
        Strike { kind: self.kind, delay: self.delay }
    }

    pub fn meets(&self, sent: Sent<'_>) -> bool {
        (self.from == sent.from || self.from == ANYBODY)
            && self.to == sent.to
            && self.method.as_deref().is_none_or(|method| method == sent.method)
            && self.path.as_deref().is_none_or(|pattern| fits(pattern, sent.path))
    }
}

/// Whether a path is one of a pattern: segment by segment, and `{…}` is any.
fn fits(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one == other || (one.starts_with('{') && !other.is_empty()) => {}
            _ => return false,
        }
    }
}

/// Reads the text of a `Pasar-Fault` header: `order>product lose_answer PUT /reservations/{key}`, where the method and
/// the path may be left out, and `delay=2s` says how long.
impl FromStr for Rule {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let bad = || BadRule("is not FROM>TO KIND [METHOD] [/PATH], such as order>product lose_answer".to_owned());
        let mut words = text.split_ascii_whitespace().peekable();
        let (from, to) = words.next().and_then(|edge| edge.split_once('>')).ok_or_else(bad)?;
        let (kind, delay) = words.next().map(|kind| kind.split_once('=').unwrap_or((kind, ""))).ok_or_else(bad)?;
        let kind = Kind::parse(kind)
            .ok_or_else(|| BadRule(format!("{kind} is none of {}", Kind::ALL.map(Kind::as_str).join(", "))))?;
        let mut rule = Self::new(from, to, kind)?;
        if !delay.is_empty() {
            let delay = humantime::parse_duration(delay).ok().filter(|delay| *delay <= MAX_DELAY);
            rule.delay = delay.filter(|_| kind == Kind::Delay).ok_or_else(bad)?;
        }
        rule.method = words.next_if(|word| !word.starts_with('/')).map(str::to_uppercase);
        rule.path = words.next().map(str::to_owned);
        let is_chosen = rule.method.is_some() || rule.path.is_some();
        let is_path = rule.path.as_ref().is_none_or(|path| path.starts_with('/'));
        if words.next().is_some() || !is_path || (is_chosen && !rule.has_route()) {
            return Err(bad());
        }
        Ok(rule)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}>{} {}", self.from, self.to, self.kind.as_str())?;
        if self.kind == Kind::Delay {
            write!(f, "={}ms", self.delay.as_millis())?;
        }
        for word in [&self.method, &self.path].into_iter().flatten() {
            write!(f, " {word}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_survives_writing_and_reading() {
        for text in [
            "order>product lose_answer PUT /reservations/{key}",
            "client>order delay=2000ms",
            "payment>order refuse /orders/{id}",
            "events>user twice",
            "anybody>product stop",
        ] {
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "order",
            "order>product",
            "order>product explode",
            "order>order refuse",
            "client>order twice",
            "order>product stop",
            "anybody>order refuse",
            "events>user lose_answer",
            "order>product refuse=2s",
            "order>product delay=1h",
            "order>product delay PUT reservations",
            "order>product delay PUT /a /b",
            "events>user twice /orders",
            "anybody>user stop GET",
        ] {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_rule_meets_its_edge_its_method_and_its_path() {
        let sent = Sent { from: "order", to: "product", method: "PUT", path: "/reservations/7" };
        for (text, meets) in [
            ("order>product refuse", true),
            ("order>product refuse PUT", true),
            ("order>product refuse PUT /reservations/{key}", true),
            ("order>product refuse /reservations/7", true),
            ("order>product refuse GET", false),
            ("order>product refuse /reservations", false),
            ("order>product refuse /reservations/{key}/lines", false),
            ("order>user refuse", false),
            ("client>product refuse", false),
            ("anybody>product stop", true),
        ] {
            assert_eq!(text.parse::<Rule>().unwrap().meets(sent), meets, "{text}");
        }
    }
}
