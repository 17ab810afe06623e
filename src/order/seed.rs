//! The orders of a shop with a past.

use std::time::Duration;

use super::api::{Item, Order};
use super::jobs::OrderJob;
use super::lifecycle::{Transition, make_transition};
use super::store::{self, OrderDraft};
use crate::auth::Scope;
use crate::domain::{OrderId, Rupiah, Timestamp, UserId};
use crate::error::{Error, INVALID_FIELDS, ORDER_NOT_FOUND, Result};
use crate::events::{Event, Outbox, jobs};
use crate::product::api::Reservation;
use crate::storage::Tx;

/// Writes the orders of a made-up shop.
#[derive(Clone, Copy, Debug)]
pub struct PastOrders<'a> {
    pub outbox: &'a Outbox,
    /// How long an order waits to be paid.
    pub ttl: Duration,
}

impl PastOrders<'_> {
    /// Stores an order of what is reserved.
    pub fn add(self, tx: &Tx<'_>, user: (UserId, &str), reserved: Reservation, at: Timestamp) -> Result<Order> {
        let (user_id, user_name) = (user.0, user.1.to_owned());
        let items = reserved.items.into_iter().map(|item| Item {
            id: Some(item.product_id),
            name: item.name,
            price: item.price,
            quantity: item.quantity,
            stock: item.stock,
        });
        let items: Vec<_> = items.collect();
        let total =
            items.iter().try_fold(Rupiah::ZERO, |sum, item| sum.checked_add(item.price.checked_mul(item.quantity)?));
        let total_price = total.ok_or_else(|| Error::new(&INVALID_FIELDS))?;
        let (expires_at, reservation) = (at + self.ttl, Some(reserved.key));
        let draft = OrderDraft { user_id, user_name, items, total_price, created_at: at, expires_at, reservation };
        let order = store::insert(tx, draft)?;
        self.outbox.emit(tx, &Event::OrderCreated { order_id: order.id, user_id, at })?;
        Ok(order)
    }

    /// Makes a transition of an order. Returns the calls that must follow, which the caller makes in the same
    /// transaction.
    pub fn apply(self, tx: &Tx<'_>, id: OrderId, transition: Transition, at: Timestamp) -> Result<Vec<OrderJob>> {
        let order = store::find(tx, id, Scope::All)?.ok_or_else(|| Error::new(&ORDER_NOT_FOUND))?;
        let (_, begun) = make_transition(tx, self.outbox, id, order.status, transition, at)?;
        begun.into_iter().map(|job| jobs::take(tx, job)).collect()
    }
}
