//! How other services reach this one, over HTTP like anybody.

use anyhow::anyhow;
use reqwest::Method;
use serde_json::{Value, json};

use super::api::Summary;
use crate::error::{ORDER_NOT_FOUND, ORDER_STATE, PAYMENT_TOO_LATE, Result};
use crate::peer::{Answer, Peer};
use crate::web::Context;

#[derive(Clone)]
pub struct OrderClient {
    peer: Peer,
}

impl OrderClient {
    pub fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// The service as a peer, whoever it is.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// `GET /orders/{id}`: `None` if there is no such order;
    /// [`PEER_UNAVAILABLE`](crate::error::PEER_UNAVAILABLE) if the service gives no sound answer.
    pub async fn get(&self, context: &Context, id: i64) -> Result<Option<Summary>> {
        let sound = |order: &Summary| order.id == id && order.user_id > 0 && order.total_price >= 0;
        self.peer.get(context, &format!("/orders/{id}"), sound).await
    }

    /// `PUT /orders/{id}/payment`: what has become of a payment (`paid`, `failed` or `expired`). False if
    /// the order is not there or has come to something else. A payment that paid an order may say so again.
    pub async fn payment_is(&self, context: &Context, id: i64, status: &str, payment_id: i64) -> Result<bool> {
        let body = json!({"payment_status": status, "payment_id": payment_id}).to_string();
        let sound = |order: &Value| order["id"] == id;
        let path = format!("/orders/{id}/payment");
        match self.peer.call(context, Method::PUT, &path, Some(body), sound).await? {
            Answer::Done(_) => Ok(true),
            Answer::Missing(told) | Answer::Refused(told)
                if [&ORDER_NOT_FOUND, &ORDER_STATE, &PAYMENT_TOO_LATE].iter().any(|code| told.is(code)) =>
            {
                Ok(false)
            }
            Answer::Missing(told) | Answer::Refused(told) => {
                Err(self.peer.unavailable(anyhow!("it knows nothing of payments: {}", told.detail)))
            }
        }
    }
}
