//! What happened, told to whoever subscribed; and the calls that must follow from a change.
//!
//! [`emit`] writes an event in the transaction of the change that it reports, one row for each
//! subscriber; [`Delivery`] hands the rows over in batches, each in the transaction of the subscriber's own effect.
//! So an event exists if and only if its change was committed, and is applied once. [`intents`] do the
//! same for calls over the network, which no transaction can hold: they are made until they are answered.

mod delivery;
pub mod intents;
mod pace;
mod subscribers;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::storage::Tx;
pub use delivery::{Delivery, Effect, Subscriber};
pub use intents::{Act, Caller, Intent};
use pace::Pace;

/// The log of the order service: seed 004 has it hear of new users.
pub const ORDER_LOG: &str = "order.log";
/// The notifications of the user service.
pub const NOTIFICATIONS: &str = "user.notifications";
/// The services that check tokens, but for the user service, which knows by itself which of them count.
pub const PRODUCT_TOKENS: &str = "product.tokens";
pub const ORDER_TOKENS: &str = "order.tokens";
pub const PAYMENT_TOKENS: &str = "payment.tokens";

/// Who hears of what, whichever process they are in.
const SUBSCRIPTIONS: &[(&str, &[&str])] = &[
    (ORDER_LOG, &["user_created"]),
    (NOTIFICATIONS, &["order_created", "order_status_changed"]),
    (PRODUCT_TOKENS, &["user_credentials_changed"]),
    (ORDER_TOKENS, &["user_credentials_changed"]),
    (PAYMENT_TOKENS, &["user_credentials_changed"]),
];

/// Something that happened. Times are in epoch milliseconds, amounts in whole rupiah.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    UserCreated {
        user_id: i64,
        name: String,
    },
    UserUpdated {
        user_id: i64,
        name: String,
    },
    /// Tokens of the user below this version count no more.
    UserCredentialsChanged {
        user_id: i64,
        version: i64,
        at: i64,
    },
    ProductCreated {
        product_id: i64,
        name: String,
    },
    /// `stock`: what can still be bought; absent if it is not tracked.
    StockChanged {
        product_id: i64,
        stock: Option<i64>,
    },
    OrderCreated {
        order_id: i64,
        user_id: i64,
        at: i64,
    },
    OrderStatusChanged {
        order_id: i64,
        user_id: i64,
        status: String,
        at: i64,
    },
    PaymentCreated {
        payment_id: i64,
        order_id: i64,
        user_id: i64,
        amount: i64,
    },
    PaymentPaid {
        payment_id: i64,
        order_id: i64,
        user_id: i64,
        amount: i64,
    },
    PaymentExpired {
        payment_id: i64,
        order_id: i64,
        user_id: i64,
        amount: i64,
    },
}

impl Event {
    /// The event's name in the contract.
    pub fn name(&self) -> &'static str {
        match self {
            Self::UserCreated { .. } => "user_created",
            Self::UserUpdated { .. } => "user_updated",
            Self::UserCredentialsChanged { .. } => "user_credentials_changed",
            Self::ProductCreated { .. } => "product_created",
            Self::StockChanged { .. } => "stock_changed",
            Self::OrderCreated { .. } => "order_created",
            Self::OrderStatusChanged { .. } => "order_status_changed",
            Self::PaymentCreated { .. } => "payment_created",
            Self::PaymentPaid { .. } => "payment_paid",
            Self::PaymentExpired { .. } => "payment_expired",
        }
    }

    /// What it is about: events of one key are handled in their order.
    fn key(&self) -> String {
        match self {
            Self::UserCreated { user_id, .. }
            | Self::UserUpdated { user_id, .. }
            | Self::UserCredentialsChanged { user_id, .. } => format!("user:{user_id}"),
            Self::ProductCreated { product_id, .. } | Self::StockChanged { product_id, .. } => {
                format!("product:{product_id}")
            }
            Self::OrderCreated { order_id, .. }
            | Self::OrderStatusChanged { order_id, .. }
            | Self::PaymentCreated { order_id, .. }
            | Self::PaymentPaid { order_id, .. }
            | Self::PaymentExpired { order_id, .. } => format!("order:{order_id}"),
        }
    }
}

/// Writes `event` for everybody who subscribed to it; it stands or falls with the transaction.
pub fn emit(tx: &Tx<'_>, event: &Event) -> Result<()> {
    for (subscriber, names) in SUBSCRIPTIONS {
        if names.contains(&event.name()) {
            let json = serde_json::to_string(event).map_err(Error::internal)?;
            tx.execute(
                "INSERT INTO outbox (subscriber, id, key, event)
                 VALUES ($1, (SELECT coalesce(max(id), 0) + 1 FROM outbox WHERE subscriber = $1), $2, $3)",
                &[(*subscriber).into(), (&event.key()).into(), (&json).into()],
            )?;
        }
    }
    Ok(())
}

/// How much there is still to do, how much was given up, and how much dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub events_waiting: i64,
    pub events_parked: i64,
    /// Since the database was made: nobody received them.
    pub events_dropped: i64,
    pub intents_waiting: i64,
    pub intents_parked: i64,
}

pub fn backlog(tx: &Tx<'_>) -> Result<Backlog> {
    tx.query_one(
        "SELECT (SELECT count(*) FROM outbox WHERE parked = 0), (SELECT count(*) FROM outbox WHERE parked = 1),
                (SELECT coalesce(sum(dropped), 0) FROM subscribers),
                (SELECT count(*) FROM intents WHERE parked = 0), (SELECT count(*) FROM intents WHERE parked = 1)",
        &[],
        |row| {
            Ok(Backlog {
                events_waiting: row.get(0)?,
                events_parked: row.get(1)?,
                events_dropped: row.get(2)?,
                intents_waiting: row.get(3)?,
                intents_parked: row.get(4)?,
            })
        },
    )
}

/// How long to wait after the `attempts`th failure in a row: from half a second, doubling, to `most`.
fn backoff(attempts: i64, most: Duration) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 16) - 1).unwrap_or(0);
    Duration::from_millis(500 << doublings).min(most)
}
