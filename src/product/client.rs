//! How other services reach this one, over HTTP like anybody.

use anyhow::anyhow;
use reqwest::Method;
use serde_json::json;

use super::api::{Product, Reservation};
use crate::error::{
    Error, INSUFFICIENT_STOCK, PRODUCT_NOT_FOUND, RESERVATION_COMMITTED, RESERVATION_NOT_FOUND, RESERVATION_RELEASED,
    Result,
};
use crate::peer::{Answer, Peer};
use crate::web::{Context, Rupiah, is_name};

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
        // A service that does not know the parameter lists what it likes; to take that for "there is none"
        // would leave the price to the client.
        let that = |products: &Vec<Product>| products.iter().all(|product| sound(product) && product.name == name);
        let found = self.peer.get(context, &format!("/products?{query}"), that).await?;
        let found = found.ok_or_else(|| self.peer.unavailable(anyhow!("it has no list of products")))?;
        Ok(found.into_iter().next())
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
                && reservation.items.iter().all(|item| Rupiah::allows(item.price) && is_name(&item.name))
        };
        match self.peer.call(context, Method::PUT, &format!("/reservations/{key}"), Some(body), sound).await? {
            Answer::Done(reservation) => Ok(reservation),
            Answer::Missing(told) if told.is(&PRODUCT_NOT_FOUND) => {
                Err(Error::new(&PRODUCT_NOT_FOUND).detail(told.detail))
            }
            Answer::Missing(_) => Err(self.peer.unavailable(anyhow!("it knows nothing of reservations"))),
            Answer::Refused(told) if told.is(&INSUFFICIENT_STOCK) || told.code.is_empty() => {
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
        let refused = [&RESERVATION_NOT_FOUND, &RESERVATION_RELEASED, &RESERVATION_COMMITTED];
        match answer {
            Answer::Done(_) => Ok(()),
            Answer::Missing(told) | Answer::Refused(told) if refused.iter().any(|code| told.is(code)) => {
                Err(Error::internal(anyhow!("the {} service refused: {}", self.peer.name(), told.code)))
            }
            Answer::Missing(told) | Answer::Refused(told) => {
                Err(self.peer.unavailable(anyhow!("it knows nothing of reservations: {}", told.detail)))
            }
        }
    }
}

fn sound(product: &Product) -> bool {
    product.id > 0 && is_name(&product.name) && Rupiah::allows(product.price)
}

fn any(_: &serde_json::Value) -> bool {
    true
}
