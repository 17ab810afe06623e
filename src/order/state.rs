//! The state that the handlers share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::hints::StockHints;
use super::jobs::OrderJob;
use crate::clock::Clock;
use crate::error::{Error, PRODUCT_NOT_FOUND, Result};
use crate::events::{JobRunner, Outbox};
use crate::payment::client::PaymentClient;
use crate::product::client::ProductClient;
use crate::storage::Db;
use crate::user::client::UserClient;

#[derive(Clone)]
pub struct State {
    pub db: Db,
    pub clock: Clock,
    pub users: UserClient,
    /// `None`: there is no product service, and every line is a custom line.
    pub products: Option<ProductClient>,
    pub stock_hints: Arc<StockHints>,
    pub payments: PaymentClient,
    /// Changes when orders have changed.
    pub changes: watch::Receiver<()>,
    pub outbox: Outbox,
    pub jobs: JobRunner<OrderJob>,
    /// How long an order waits to be paid.
    pub order_ttl: Duration,
    pub quota: Quota,
}

/// The most that one account may have open, so that nobody holds all stock without paying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Orders that wait to be paid.
    pub orders: i64,
    /// Units of tracked products that such orders hold.
    pub units: i64,
}

impl State {
    /// The product service; [`PRODUCT_NOT_FOUND`] without one.
    pub fn products(&self) -> Result<&ProductClient> {
        let missing = || Error::new(&PRODUCT_NOT_FOUND).detail("there is no product service: PRODUCT_URL is none");
        self.products.as_ref().ok_or_else(missing)
    }
}
