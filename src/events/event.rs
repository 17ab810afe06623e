//! The catalogue of events.

use serde::{Deserialize, Serialize};

use crate::domain::{OrderId, OrderStatus, PaymentId, ProductId, Rupiah, Timestamp, UserId, epoch_millis};

/// Something that happened. In JSON, times are epoch milliseconds and amounts whole rupiah.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    UserCreated {
        user_id: UserId,
        name: String,
    },
    UserUpdated {
        user_id: UserId,
        name: String,
    },
    /// The user's tokens below this version are revoked.
    UserCredentialsChanged {
        user_id: UserId,
        version: i64,
        #[serde(with = "epoch_millis")]
        at: Timestamp,
    },
    ProductCreated {
        product_id: ProductId,
        name: String,
    },
    /// `stock`: the units that can be bought; `None` if they are not tracked.
    StockChanged {
        product_id: ProductId,
        stock: Option<i64>,
    },
    OrderCreated {
        order_id: OrderId,
        user_id: UserId,
        #[serde(with = "epoch_millis")]
        at: Timestamp,
    },
    OrderStatusChanged {
        order_id: OrderId,
        user_id: UserId,
        status: OrderStatus,
        #[serde(with = "epoch_millis")]
        at: Timestamp,
    },
    PaymentCreated {
        payment_id: PaymentId,
        order_id: OrderId,
        user_id: UserId,
        amount: Rupiah,
    },
    PaymentPaid {
        payment_id: PaymentId,
        order_id: OrderId,
        user_id: UserId,
        amount: Rupiah,
    },
    PaymentExpired {
        payment_id: PaymentId,
        order_id: OrderId,
        user_id: UserId,
        amount: Rupiah,
    },
}

/// The kind of an event. Subscribers choose by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    UserCreated,
    UserUpdated,
    UserCredentialsChanged,
    ProductCreated,
    StockChanged,
    OrderCreated,
    OrderStatusChanged,
    PaymentCreated,
    PaymentPaid,
    PaymentExpired,
}

impl EventKind {
    /// The name in JSON and in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserCreated => "user_created",
            Self::UserUpdated => "user_updated",
            Self::UserCredentialsChanged => "user_credentials_changed",
            Self::ProductCreated => "product_created",
            Self::StockChanged => "stock_changed",
            Self::OrderCreated => "order_created",
            Self::OrderStatusChanged => "order_status_changed",
            Self::PaymentCreated => "payment_created",
            Self::PaymentPaid => "payment_paid",
            Self::PaymentExpired => "payment_expired",
        }
    }
}

impl Event {
    pub fn kind(&self) -> EventKind {
        match self {
            Self::UserCreated { .. } => EventKind::UserCreated,
            Self::UserUpdated { .. } => EventKind::UserUpdated,
            Self::UserCredentialsChanged { .. } => EventKind::UserCredentialsChanged,
            Self::ProductCreated { .. } => EventKind::ProductCreated,
            Self::StockChanged { .. } => EventKind::StockChanged,
            Self::OrderCreated { .. } => EventKind::OrderCreated,
            Self::OrderStatusChanged { .. } => EventKind::OrderStatusChanged,
            Self::PaymentCreated { .. } => EventKind::PaymentCreated,
            Self::PaymentPaid { .. } => EventKind::PaymentPaid,
            Self::PaymentExpired { .. } => EventKind::PaymentExpired,
        }
    }

    /// The entity that the event is about. Events of one key are handled in order.
    pub(super) fn key(&self) -> String {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_stored_under_the_name_of_its_kind() {
        let (user_id, order_id, payment_id) = (UserId::new(1), OrderId::new(2), PaymentId::new(3));
        let (product_id, amount, at) = (ProductId::new(4), Rupiah::try_from(5_000).unwrap(), Timestamp::EPOCH);
        let name = || "Siti".to_owned();
        let events = [
            Event::UserCreated { user_id, name: name() },
            Event::UserUpdated { user_id, name: name() },
            Event::UserCredentialsChanged { user_id, version: 2, at },
            Event::ProductCreated { product_id, name: name() },
            Event::StockChanged { product_id, stock: None },
            Event::OrderCreated { order_id, user_id, at },
            Event::OrderStatusChanged { order_id, user_id, status: OrderStatus::Paid, at },
            Event::PaymentCreated { payment_id, order_id, user_id, amount },
            Event::PaymentPaid { payment_id, order_id, user_id, amount },
            Event::PaymentExpired { payment_id, order_id, user_id, amount },
        ];
        for event in events {
            assert_eq!(serde_json::to_value(&event).unwrap()["event"], json!(event.kind().name()));
        }
    }
}
