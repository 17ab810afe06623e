//! The state that the handlers share.

use std::time::Duration;

use super::gateway::Gateway;
use super::jobs::PaymentJob;
use crate::clock::Clock;
use crate::events::{JobRunner, Outbox};
use crate::order::client::OrderClient;
use crate::storage::Db;

#[derive(Clone)]
pub struct State {
    pub db: Db,
    pub clock: Clock,
    pub settler: Settler,
    pub outbox: Outbox,
    pub jobs: JobRunner<PaymentJob>,
    /// How long a payment can be confirmed.
    pub window: Duration,
}

/// Settles payments.
#[derive(Clone)]
pub struct Settler {
    pub db: Db,
    pub outbox: Outbox,
    pub orders: OrderClient,
    pub gateway: Gateway,
}
