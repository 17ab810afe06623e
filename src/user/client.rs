//! The client with which other services call this one.

use super::api::User;
use crate::context::Context;
use crate::domain::{UserId, is_name};
use crate::error::{Result, USER_NOT_FOUND};
use crate::peer::Peer;

#[derive(Clone)]
pub struct UserClient {
    peer: Peer,
}

impl UserClient {
    pub fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// The service as a peer.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// `GET /users/{id}`: `None` if there is no such user. [`PEER_UNAVAILABLE`](crate::error::PEER_UNAVAILABLE) if the
    /// service gives no sound answer.
    pub async fn get(&self, context: &Context, id: UserId) -> Result<Option<User>> {
        let sound = |user: &User| user.id == id && is_name(&user.name);
        self.peer.get(context, &format!("/users/{id}"), &USER_NOT_FOUND, sound).await
    }
}
