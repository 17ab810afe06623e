//! How other services reach this one, over HTTP like anybody.

use anyhow::anyhow;
use reqwest::Method;
use serde_json::Value;

use crate::context::Context;
use crate::domain::{OrderId, PaymentId};
use crate::error::{Error, ORDER_STATE, PAYMENT_NOT_FOUND, Result};
use crate::peer::{Answer, Peer, Refusal};

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
    pub async fn refund(&self, context: &Context, id: PaymentId) -> Result<()> {
        let path = format!("/payments/{id}/refund");
        let sound = |payment: &Value| payment["id"] == id.get();
        let understood = [&PAYMENT_NOT_FOUND, &ORDER_STATE];
        match self.peer.call(context, Method::POST, &path, None, &understood, sound).await? {
            Answer::Done(_) => Ok(()),
            // Whoever said that it paid the order made it up: there is nothing to give back.
            Answer::Refused(refusal) if refusal.is(&PAYMENT_NOT_FOUND) => Ok(()),
            Answer::Refused(Refusal { detail, .. }) => {
                Err(Error::internal(anyhow!("the {} service refused: {detail}", self.peer.name())))
            }
        }
    }

    /// `POST /payments/order/{id}/settle`: the payment of the order comes to what the order has come to. May be
    /// repeated.
    pub async fn settle(&self, context: &Context, order_id: OrderId) -> Result<()> {
        let path = format!("/payments/order/{order_id}/settle");
        let sound = |payment: &Value| payment["order_id"] == order_id.get();
        // Without a payment there is nothing to settle.
        self.peer.call(context, Method::POST, &path, None, &[&PAYMENT_NOT_FOUND], sound).await?;
        Ok(())
    }
}
