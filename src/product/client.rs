//! How other services reach this one, over HTTP like anybody.

use anyhow::anyhow;
use reqwest::Method;
use serde_json::json;

use super::api::{Product, Reservation};
use crate::error::{Error, INSUFFICIENT_STOCK, PRODUCT_NOT_FOUND, Result};
use crate::peer::{Answer, Peer};
use crate::web::Context;

#[derive(Clone)]
pub struct ProductClient {
    peer: Peer,
}

/// What is to be reserved: a product's id, and how many units of it.
pub type Line = (i64, i64);

impl ProductClient {
    pub fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// The service as a peer, whoever it is.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// `GET /products/{id}`: `None` if there is no such product;
    /// [`PEER_UNAVAILABLE`](crate::error::PEER_UNAVAILABLE) if the service gives no sound answer.
    pub async fn get(&self, context: &Context, id: i64) -> Result<Option<Product>> {
        self.peer.get(context, &format!("/products/{id}"), |product: &Product| product.id == id && sound(product)).await
    }

    /// The oldest product of exactly this name.
    pub async fn named(&self, context: &Context, name: &str) -> Result<Option<Product>> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("name", name)
            .append_pair("limit", "1")
            .finish();
        let all_sound = |products: &Vec<Product>| products.iter().all(sound);
        let found = self.peer.get(context, &format!("/products?{query}"), all_sound).await?;
        // A stranger's service may not know the parameter, and list what it likes.
        Ok(found.unwrap_or_default().into_iter().find(|product| product.name == name))
    }

    /// `PUT /reservations/{key}`: all lines or none. [`INSUFFICIENT_STOCK`] and [`PRODUCT_NOT_FOUND`] as
    /// the service says them, with its detail. After any error the reservation may have been made all
    /// the same: release it.
    pub async fn reserve(&self, context: &Context, key: &str, lines: &[Line]) -> Result<Reservation> {
        let items = lines.iter().map(|(id, quantity)| json!({"product_id": id, "quantity": quantity}));
        let body = json!({"items": items.collect::<Vec<_>>()}).to_string();
        let sound = |reservation: &Reservation| {
            let answered = reservation.items.iter().map(|item| (item.product_id, item.quantity));
            reservation.key == key
                && reservation.state == "held"
                && answered.eq(lines.iter().copied())
                && reservation.items.iter().all(|item| item.price >= 0 && !item.name.is_empty())
        };
        match self.peer.call(context, Method::PUT, &format!("/reservations/{key}"), Some(body), sound).await? {
            Answer::Done(reservation) => Ok(reservation),
            Answer::Missing(told) if told.code == PRODUCT_NOT_FOUND.name => {
                Err(Error::new(&PRODUCT_NOT_FOUND).detail(told.detail))
            }
            Answer::Missing(_) => Err(self.peer.unavailable(anyhow!("it knows nothing of reservations"))),
            Answer::Refused(told) if told.code == INSUFFICIENT_STOCK.name || told.code.is_empty() => {
                Err(Error::new(&INSUFFICIENT_STOCK).detail(told.detail))
            }
            // The key is fresh: whatever else is said of it is nonsense.
            Answer::Refused(told) => Err(self.peer.unavailable(anyhow!("it refused a fresh key: {}", told.code))),
        }
    }

    /// `POST /reservations/{key}/commit`: the reservation becomes a sale. May be repeated. An error other
    /// than of a service that is away says that it never will.
    pub async fn commit(&self, context: &Context, key: &str) -> Result<()> {
        let path = format!("/reservations/{key}/commit");
        self.settled(self.peer.call(context, Method::POST, &path, None, any).await?)
    }

    /// `DELETE /reservations/{key}`: the stock goes back, and the key never reserves again. May be
    /// repeated, and may come before the reservation.
    pub async fn release(&self, context: &Context, key: &str) -> Result<()> {
        let path = format!("/reservations/{key}");
        self.settled(self.peer.call(context, Method::DELETE, &path, None, any).await?)
    }

    fn settled(&self, answer: Answer<serde_json::Value>) -> Result<()> {
        match answer {
            Answer::Done(_) => Ok(()),
            Answer::Missing(told) | Answer::Refused(told) => {
                Err(Error::internal(anyhow!("the {} service refused: {} {}", self.peer.name(), told.code, told.detail)))
            }
        }
    }
}

fn sound(product: &Product) -> bool {
    product.id > 0 && !product.name.is_empty() && product.price >= 0
}

fn any(_: &serde_json::Value) -> bool {
    true
}
