//! Payments that are confirmed when it is too late.
//!
//! A customer does not wait for that moment: the payment waits here, and the customer goes on.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::sync::mpsc;

use super::call::{Caller, Request, give_up};
use super::stats::Kind;
use crate::domain::PaymentId;

/// The most payments that wait. Customers abandon further ones.
const MAX_WAITING: usize = 10_000;
/// The longest wait: payments with more time are abandoned, so that a run ends.
pub const MAX_WAIT: Duration = Duration::from_secs(60);
/// The most confirmations at once.
const MAX_CALLS: usize = 16;
/// How long after its deadline a payment is confirmed. The deadline was read a little after the service set it.
const MARGIN: Duration = Duration::from_millis(50);

struct LatePayment {
    payment: PaymentId,
    token: Option<HeaderValue>,
    due: Instant,
}

/// Where customers leave payments that they will confirm too late.
#[derive(Clone)]
pub struct LatePayments(mpsc::Sender<LatePayment>);

pub struct Receiver(mpsc::Receiver<LatePayment>);

pub fn queue() -> (LatePayments, Receiver) {
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    (LatePayments(sender), Receiver(receiver))
}

impl LatePayments {
    /// Confirms the payment after `due`, or never, if too many wait or it would take too long.
    pub fn confirm_after(&self, due: Instant, payment: PaymentId, token: Option<HeaderValue>) {
        if due.saturating_duration_since(Instant::now()) <= MAX_WAIT {
            // A full queue refuses it.
            let _ = self.0.try_send(LatePayment { payment, token, due });
        }
    }
}

/// Confirms payments, each after its deadline, until all customers have gone. All payments have the same time, so the
/// first is due first.
pub async fn confirm_all(caller: &Caller, Receiver(receiver): Receiver) {
    let due = stream::unfold(receiver, |mut receiver| async {
        let late: LatePayment = receiver.recv().await?;
        tokio::time::sleep_until((late.due + MARGIN).into()).await;
        Some((late, receiver))
    });
    due.for_each_concurrent(MAX_CALLS, async |LatePayment { payment, token, .. }| {
        let body = json!({"payment_id": payment});
        let request = Request::send(Method::POST, &caller.services.payment, "/payments/confirm", body)
            .counted(Kind::Confirm)
            .by(token);
        // The order has to expire, whatever the answer is: the journal says so already.
        caller.call::<IgnoredAny>(&request, Instant::now(), give_up(), |_| true).await;
    })
    .await;
}
