//! What the handlers work with.

use std::time::Duration;

use super::gateway::Gateway;
use crate::clock::Clock;
use crate::events;
use crate::order::client::OrderClient;
use crate::storage::Db;

#[derive(Clone)]
pub struct State {
    pub db: Db,
    pub clock: Clock,
    pub settler: Settler,
    /// The calls that payments owe.
    pub owed: events::Caller,
    /// How long a payment can be confirmed.
    pub window: Duration,
}

/// What it takes to bring payments to their end.
#[derive(Clone)]
pub struct Settler {
    pub db: Db,
    pub orders: OrderClient,
    pub gateway: Gateway,
}
