//! How other services reach this one, over HTTP like anybody.

use anyhow::anyhow;
use reqwest::Method;
use serde_json::Value;

use crate::error::{Error, ORDER_STATE, PAYMENT_NOT_FOUND, Result};
use crate::peer::{Answer, Peer};
use crate::web::Context;

#[derive(Clone)]
pub struct PaymentClient {
    peer: Peer,
}

impl PaymentClient {
    pub fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// The service as a peer, whoever it is.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// `POST /payments/{id}/refund`: nothing of the payment is kept. May be repeated. An error other than of a
    /// service that is away says that it never will.
    pub async fn refund(&self, context: &Context, id: &str) -> Result<()> {
        let path = format!("/payments/{id}/refund");
        match self.peer.call(context, Method::POST, &path, None, |_: &Value| true).await? {
            Answer::Done(_) => Ok(()),
            // Whoever said that it paid the order made it up: there is nothing to give back.
            Answer::Missing(told) if told.is(&PAYMENT_NOT_FOUND) => Ok(()),
            Answer::Refused(told) if told.is(&ORDER_STATE) => {
                Err(Error::internal(anyhow!("the {} service refused: {}", self.peer.name(), told.detail)))
            }
            Answer::Missing(told) | Answer::Refused(told) => {
                Err(self.peer.unavailable(anyhow!("it knows nothing of refunds: {}", told.detail)))
            }
        }
    }
}
