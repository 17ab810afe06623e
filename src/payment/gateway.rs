//! The payment gateway: who moves the money. Built in is a simulator, which approves every charge unless
//! it is told otherwise.
//!
//! A real gateway takes its place by doing what [`Gateway::charge`] and [`Gateway::refund`] promise: both
//! are named by the payment's id and may be asked again for the same payment, which moves money once.

use std::str::FromStr;
use std::time::Duration;

use super::api::{Method, Payment};
use crate::context::Context;
use crate::error::Result;

/// What came of a charge.
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
pub enum Manner {
    Declines,
    Takes(Duration),
}

/// A rule of the simulator: `card=decline`, `qris=2s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    method: Method,
    manner: Manner,
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "it is written METHOD=decline or METHOD=TIME";
        let (method, manner) = text.split_once('=').ok_or(form)?;
        let method = Method::parse(method)
            .ok_or_else(|| format!("the methods are {}", Method::ALL.map(Method::as_str).join(", ")))?;
        let manner = match manner {
            "decline" => Manner::Declines,
            time => Manner::Takes(humantime::parse_duration(time).map_err(|_| form)?),
        };
        Ok(Self { method, manner })
    }
}

/// The built-in simulator. It keeps nothing: what it says depends on the method alone, so that it says
/// the same however often it is asked.
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    rules: Vec<Rule>,
}

impl Gateway {
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// Charges the payment's amount. Asked again for the same payment, it answers the same and charges
    /// nothing more. [`PEER_UNAVAILABLE`](crate::error::PEER_UNAVAILABLE) if it can't be said yet.
    pub async fn charge(&self, context: &Context, payment: &Payment) -> Result<Charge> {
        let manners = self.rules.iter().filter(|rule| rule.method == payment.method).map(|rule| rule.manner);
        let mut charge = Charge::Approved;
        for manner in manners {
            match manner {
                Manner::Takes(time) => tokio::time::sleep(time).await,
                Manner::Declines => charge = Charge::Declined,
            }
        }
        log_request("charge", payment, context, charge.as_str());
        Ok(charge)
    }

    /// Gives back what was charged for the payment, if anything was. May be asked again.
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
