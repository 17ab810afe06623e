//! The client with which other services call this one.

use reqwest::Method;
use serde_json::{Value, json};

use super::api::Summary;
use crate::context::Context;
use crate::domain::{OrderId, PaymentId};
use crate::error::{ORDER_NOT_FOUND, ORDER_STATE, PAYMENT_TOO_LATE, Result};
use crate::peer::{Answer, Peer};

#[derive(Clone)]
pub struct OrderClient {
    peer: Peer,
}

impl OrderClient {
    pub fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// The service as a peer.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// `GET /orders/{id}`: `None` if there is no such order. [`PEER_UNAVAILABLE`](crate::error::PEER_UNAVAILABLE) if
    /// the service gives no sound answer.
    pub async fn get(&self, context: &Context, id: OrderId) -> Result<Option<Summary>> {
        let sound = |order: &Summary| order.id == id && order.user_id.get() > 0;
        self.peer.get(context, &format!("/orders/{id}"), &ORDER_NOT_FOUND, sound).await
    }

    /// `PUT /orders/{id}/payment`: reports the outcome of a payment (`paid`, `failed` or `expired`). False if there is
    /// no such order, or it has another outcome. Idempotent for one payment. Errors as in [`Self::get`].
    pub async fn report_payment(
        &self,
        context: &Context,
        id: OrderId,
        status: &str,
        payment_id: PaymentId,
    ) -> Result<bool> {
        let body = json!({"payment_status": status, "payment_id": payment_id}).to_string();
        let sound = |order: &Value| {
            let payment = &order["payment_id"];
            order["id"] == id.get() && (payment.is_null() || *payment == payment_id.get())
        };
        let path = format!("/orders/{id}/payment");
        let understood = [&ORDER_NOT_FOUND, &ORDER_STATE, &PAYMENT_TOO_LATE];
        let answer = self.peer.call(context, Method::PUT, &path, Some(body), &understood, sound).await?;
        Ok(matches!(answer, Answer::Done(_)))
    }
}
