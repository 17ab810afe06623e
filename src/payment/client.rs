//! The client with which other services call this one.

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

    /// The service as a peer.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// `POST /payments/{id}/refund`: refunds the payment. Idempotent.
    /// [`PEER_UNAVAILABLE`](crate::error::PEER_UNAVAILABLE) if the service is down; after any other error the refund
    /// can never succeed.
    pub async fn refund(&self, context: &Context, id: PaymentId) -> Result<()> {
        let path = format!("/payments/{id}/refund");
        let sound = |payment: &Value| payment["id"] == id.get();
        let understood = [&PAYMENT_NOT_FOUND, &ORDER_STATE];
        match self.peer.call(context, Method::POST, &path, None, &understood, sound).await? {
            Answer::Done(_) => Ok(()),
            // The order was set to paid with a payment that does not exist. There is nothing to refund.
            Answer::Refused(refusal) if refusal.is(&PAYMENT_NOT_FOUND) => Ok(()),
            Answer::Refused(Refusal { detail, .. }) => {
                Err(Error::internal(anyhow!("the {} service refused: {detail}", self.peer.name())))
            }
        }
    }

    /// `POST /payments/order/{id}/settle`: brings the payment of the order to the outcome of the order. Idempotent.
    pub async fn settle(&self, context: &Context, order_id: OrderId) -> Result<()> {
        let path = format!("/payments/order/{order_id}/settle");
        let sound = |payment: &Value| payment["order_id"] == order_id.get();
        // Without a payment there is nothing to settle.
        self.peer.call(context, Method::POST, &path, None, &[&PAYMENT_NOT_FOUND], sound).await?;
        Ok(())
    }
}
