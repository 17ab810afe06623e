//! The payment gateway, which moves the money. A simulator is built in: it approves every charge unless a rule says
//! otherwise.
//!
//! A real gateway must keep the contracts of [`Gateway::charge`] and [`Gateway::refund`]: the payment's id identifies
//! the call, and repeated calls for one payment move its money once.

use std::str::FromStr;
use std::time::Duration;

use super::api::{Method, Payment};
use crate::context::Context;
use crate::error::Result;

/// The outcome of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    Approved,
    Declined,
}

impl Charge {
    fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
        }
    }
}

/// How the simulator treats a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Declines,
    Takes(Duration),
}

/// A rule of the simulator: `card=decline`, `qris=2s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    method: Method,
    behaviour: Behaviour,
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "it is written METHOD=decline or METHOD=TIME";
        let (method, behaviour) = text.split_once('=').ok_or(form)?;
        let method = Method::parse(method)
            .ok_or_else(|| format!("the methods are {}", Method::ALL.map(Method::as_str).join(", ")))?;
        let behaviour = match behaviour {
            "decline" => Behaviour::Declines,
            time => Behaviour::Takes(humantime::parse_duration(time).map_err(|_| form)?),
        };
        Ok(Self { method, behaviour })
    }
}

/// The built-in simulator. It has no state: its answer depends on the method alone, and is the same for every call.
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    rules: Vec<Rule>,
}

impl Gateway {
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// Charges the payment's amount. A repeated call gets the same answer and charges nothing more.
    /// [`PEER_UNAVAILABLE`](crate::error::PEER_UNAVAILABLE) while the outcome is unknown.
    pub async fn charge(&self, context: &Context, payment: &Payment) -> Result<Charge> {
        let behaviours = self.rules.iter().filter(|rule| rule.method == payment.method).map(|rule| rule.behaviour);
        let mut charge = Charge::Approved;
        for behaviour in behaviours {
            match behaviour {
                Behaviour::Takes(time) => tokio::time::sleep(time).await,
                Behaviour::Declines => charge = Charge::Declined,
            }
        }
        log_request("charge", payment, context, charge.as_str());
        Ok(charge)
    }

    /// Refunds the charge of the payment, if there was one. Idempotent.
    #[expect(clippy::unused_async, reason = "a gateway is somewhere else; this one happens to be here")]
    pub async fn refund(&self, context: &Context, payment: &Payment) -> Result<()> {
        log_request("refund", payment, context, "approved");
        Ok(())
    }
}

fn log_request(what: &str, payment: &Payment, context: &Context, outcome: &str) {
    let Payment { id, order_id, amount, .. } = payment;
    log::info!(
        target: "pasar::gateway",
        "service=payment peer=gateway event={what} payment={id} order={order_id} amount={amount} outcome={outcome} id={}",
        context.request_id(),
    );
}
