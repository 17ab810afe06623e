//! The client with which other services call this one.

use anyhow::anyhow;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Product, Reservation, ReservationState};
use crate::context::Context;
use crate::domain::{ProductId, Quantity, is_name};
use crate::error::{
    Error, INSUFFICIENT_STOCK, PRODUCT_NOT_FOUND, RESERVATION_COMMITTED, RESERVATION_NOT_FOUND, RESERVATION_RELEASED,
    Result,
};
use crate::peer::{Answer, Peer, Refusal};

#[derive(Clone)]
pub struct ProductClient {
    peer: Peer,
}

/// A line of a reservation: a product, and how many units of it.
pub type Line = (ProductId, Quantity);

impl ProductClient {
    pub fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// The service as a peer.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// `GET /products/{id}`: `None` if there is no such product. [`PEER_UNAVAILABLE`](crate::error::PEER_UNAVAILABLE)
    /// if the service gives no sound answer.
    pub async fn get(&self, context: &Context, id: ProductId) -> Result<Option<Product>> {
        let sound = |product: &Product| product.id == id && sound(product);
        self.peer.get(context, &format!("/products/{id}"), &PRODUCT_NOT_FOUND, sound).await
    }

    /// The oldest product of exactly this name; `None` if the service has none.
    ///
    /// A service that does not know the parameter `name` answers with other products. If the product is not among them,
    /// it may exist all the same: that is [`PRODUCT_NOT_FOUND`]. `None` would let the client choose the price.
    pub async fn named(&self, context: &Context, name: &str) -> Result<Option<Product>> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("name", name)
            .append_pair("limit", "1")
            .finish();
        let path = format!("/products?{query}");
        // Products of other names are not checked: the client could not have created them by choosing a name.
        let list = self.peer.call(context, Method::GET, &path, None, &[], |_: &Vec<Value>| true).await?;
        let Answer::Done(list) = list else { return Ok(None) };
        if list.is_empty() {
            return Ok(None);
        }
        let same = list.iter().filter(|product| product["name"] == name);
        let products = same.filter_map(|product| Product::deserialize(product).ok()).filter(sound);
        let oldest = products.min_by_key(|product| product.id);
        let unknown =
            || Error::new(&PRODUCT_NOT_FOUND).detail("the product service can't look a product up by its name");
        oldest.map(Some).ok_or_else(unknown)
    }

    /// `PUT /reservations/{key}`: reserves all lines or none. [`INSUFFICIENT_STOCK`] or [`PRODUCT_NOT_FOUND`] with the
    /// detail of the service. After any error the reservation may exist all the same: release it.
    pub async fn reserve(&self, context: &Context, key: &str, lines: &[Line]) -> Result<Reservation> {
        let items = lines.iter().map(|(id, quantity)| json!({"product_id": id, "quantity": quantity}));
        let body = json!({"items": items.collect::<Vec<_>>()}).to_string();
        let sound = |reservation: &Reservation| {
            let answered = reservation.items.iter().map(|item| (item.product_id, item.quantity));
            reservation.key == key
                && reservation.state == ReservationState::Held
                && answered.eq(lines.iter().copied())
                && reservation.items.iter().all(|item| item.price.is_price() && is_name(&item.name))
        };
        let path = format!("/reservations/{key}");
        let understood = [&PRODUCT_NOT_FOUND, &INSUFFICIENT_STOCK];
        match self.peer.call(context, Method::PUT, &path, Some(body), &understood, sound).await? {
            Answer::Done(reservation) => Ok(reservation),
            Answer::Refused(Refusal { code, detail }) => Err(Error::new(code).detail(detail)),
        }
    }

    /// `POST /reservations/{key}/commit`: the reservation becomes a sale. Idempotent.
    /// [`PEER_UNAVAILABLE`](crate::error::PEER_UNAVAILABLE) if the service is down; after any other error the commit
    /// can never succeed.
    pub async fn commit(&self, context: &Context, key: &str) -> Result<()> {
        let path = format!("/reservations/{key}/commit");
        let sold =
            |reservation: &Reservation| reservation.key == key && reservation.state == ReservationState::Committed;
        let understood = [&RESERVATION_NOT_FOUND, &RESERVATION_RELEASED];
        self.ended(self.peer.call(context, Method::POST, &path, None, &understood, sold).await?)
    }

    /// `DELETE /reservations/{key}`: releases the stock, and the key never reserves again. Idempotent. It may arrive
    /// before the reservation. Errors as in [`Self::commit`].
    pub async fn release(&self, context: &Context, key: &str) -> Result<()> {
        let path = format!("/reservations/{key}");
        // Only an empty answer means success. A gateway in between may answer 200 with a page.
        let empty = |answer: &Value| answer.is_null();
        let understood = [&RESERVATION_NOT_FOUND, &RESERVATION_COMMITTED];
        self.ended(self.peer.call(context, Method::DELETE, &path, None, &understood, empty).await?)
    }

    fn ended<T>(&self, answer: Answer<T>) -> Result<()> {
        match answer {
            Answer::Done(_) => Ok(()),
            Answer::Refused(Refusal { code, .. }) => {
                Err(Error::internal(anyhow!("the {} service refused: {}", self.peer.name(), code.name)))
            }
        }
    }
}

fn sound(product: &Product) -> bool {
    product.id.get() > 0 && is_name(&product.name) && product.price.is_price()
}
