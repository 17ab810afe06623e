//! How other services reach this one, over HTTP like anybody.

use super::api::Product;
use crate::error::Result;
use crate::peer::Peer;
use crate::web::Context;

#[derive(Clone)]
pub struct ProductClient {
    peer: Peer,
}

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
        let sound = |product: &Product| product.id == id && !product.name.is_empty() && product.price >= 0;
        self.peer.get(context, &format!("/products/{id}"), sound).await
    }
}
