//! The payments of this service, and how they go over the wire.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{Field, FieldError, OrderId, PaymentId, Rupiah, Sentence, Timestamp, UnknownName, UserId};
use crate::error::Result;
use crate::storage::{Cursor, Listed, Sort, SortKey};
use crate::web::{Body, Fields, body};

/// How far a payment has come; the steps between are in `settlement`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentStatus)]
pub enum Status {
    /// Open: it can be confirmed until it expires.
    Pending,
    /// It was confirmed in time, and is being charged.
    Confirming,
    Paid,
    /// The charge was declined.
    Failed,
    Expired,
    /// The order did not take it; what was charged is being given back.
    Refunding,
    Refunded,
}

impl Status {
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Confirming, Self::Paid, Self::Failed, Self::Expired, Self::Refunding, Self::Refunded];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirming => "confirming",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
        }
    }
}

impl FromStr for Status {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| UnknownName::new(text, "a status of a payment"))
    }
}

/// A way to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PaymentMethod)]
pub enum Method {
    #[serde(rename = "transfer")]
    Transfer,
    #[serde(rename = "e-wallet")]
    EWallet,
    #[serde(rename = "qris")]
    Qris,
    #[serde(rename = "card")]
    Card,
    /// Cash on delivery.
    #[serde(rename = "cod")]
    Cod,
}

impl Method {
    pub const ALL: [Self; 5] = [Self::Transfer, Self::EWallet, Self::Qris, Self::Card, Self::Cod];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::EWallet => "e-wallet",
            Self::Qris => "qris",
            Self::Card => "card",
            Self::Cod => "cod",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }

    /// How people say it.
    pub fn label(self) -> Sentence {
        match self {
            Self::Transfer => Sentence::new("transfer bank", "bank transfer"),
            Self::EWallet => Sentence::new("dompet digital", "e-wallet"),
            Self::Qris => Sentence::new("QRIS", "QRIS"),
            Self::Card => Sentence::new("kartu", "card"),
            Self::Cod => Sentence::new("bayar di tempat", "cash on delivery"),
        }
    }
}

impl FromStr for Method {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::parse(text).ok_or_else(|| UnknownName::new(text, "a way to pay"))
    }
}

impl Field for Method {
    fn read(value: Value) -> Result<Self, FieldError> {
        let Value::String(text) = value else {
            return Err(FieldError::wrong_type("harus teks", "must be a string"));
        };
        let names = Self::ALL.map(Self::as_str).join(", ");
        Self::parse(&text).ok_or_else(|| {
            FieldError::rule(format!("harus salah satu dari {names}"), format!("must be one of {names}"))
        })
    }
}

/// A way to pay, as it is listed.
#[derive(Serialize, ToSchema)]
pub struct PaymentMethodOption {
    pub method: Method,
    /// The method as people say it.
    pub label: String,
}

/// A payment of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub order_id: OrderId,
    pub user_id: UserId,
    pub amount: Rupiah,
    pub method: Method,
    pub status: Status,
    pub created_at: Timestamp,
    /// From then on it can't be confirmed any more.
    pub expires_at: Timestamp,
}

/// A payment as it goes over the wire.
#[derive(Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentResponse {
    #[schema(value_type = i64)]
    id: PaymentId,
    /// The same as `id`.
    #[schema(value_type = i64)]
    payment_id: PaymentId,
    #[schema(value_type = i64)]
    order_id: OrderId,
    #[schema(value_type = i64)]
    user_id: UserId,
    /// Whole rupiah.
    #[schema(value_type = i64)]
    amount: Rupiah,
    method: Method,
    status: Status,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// From then on it can't be confirmed any more.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<&Payment> for PaymentResponse {
    fn from(payment: &Payment) -> Self {
        Self {
            id: payment.id,
            payment_id: payment.id,
            order_id: payment.order_id,
            user_id: payment.user_id,
            amount: payment.amount,
            method: payment.method,
            status: payment.status,
            created_at: payment.created_at,
            expires_at: payment.expires_at,
        }
    }
}

impl Listed for Payment {
    fn response(&self) -> impl Serialize {
        PaymentResponse::from(self)
    }

    fn cursor(&self, _: Sort) -> Cursor {
        Cursor { key: SortKey::None, id: self.id.get() }
    }
}

/// The latest payment of an order, as other services compare it with their rows. Values are as they are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentRecord {
    pub order_id: i64,
    pub payment_id: i64,
    pub user_id: i64,
    /// Whole rupiah.
    pub amount: i64,
    pub status: String,
}

impl Listed for PaymentRecord {
    fn response(&self) -> impl Serialize {
        self
    }

    fn cursor(&self, _: Sort) -> Cursor {
        Cursor { key: SortKey::None, id: self.order_id }
    }
}

/// The forms of `POST /payments`, for the documentation.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum PaymentRequest {
    Method(NewPayment),
    PaymentMethod(NewPaymentByPaymentMethod),
}

body! {
    /// The body of `POST /payments`. Serialised, it is what a replay of its Idempotency-Key must equal.
    #[derive(Clone, Debug, Serialize)]
    pub struct NewPayment {
        required order_id: OrderId,
        /// `transfer`, unless it is given.
        optional method: Method = Method::Transfer,
        /// The order's user, if it is given.
        optional user_id: UserId,
        /// The order's total, if it is given.
        optional amount: Rupiah,
        /// Ten times as long to pay, up to the deadline of the order.
        #[serde(skip_serializing_if = "Option::is_none")]
        optional more_time: bool,
    }
}

body! {
    /// Seed 001.
    pub struct NewPaymentByPaymentMethod {
        required order_id: OrderId,
        // Null has always been taken, though it says no more than the other form without `method`.
        #[schema(value_type = Method)]
        optional payment_method: Method,
        optional user_id: UserId,
        optional amount: Rupiah,
        optional more_time: bool,
    }
}

impl Body for PaymentRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        if fields.has("payment_method") {
            return NewPaymentByPaymentMethod::read(fields).map(Self::PaymentMethod);
        }
        NewPayment::read(fields).map(Self::Method)
    }
}

impl From<PaymentRequest> for NewPayment {
    fn from(request: PaymentRequest) -> Self {
        match request {
            PaymentRequest::Method(new) => new,
            PaymentRequest::PaymentMethod(NewPaymentByPaymentMethod {
                order_id,
                payment_method,
                user_id,
                amount,
                more_time,
            }) => Self { order_id, method: payment_method.unwrap_or(Method::Transfer), user_id, amount, more_time },
        }
    }
}

/// The body of `POST /payments/confirm`: which payment, or the latest of which order.
#[derive(Clone, Copy, Debug, ToSchema)]
#[serde(untagged)]
pub enum PaymentConfirmation {
    Payment(ConfirmPayment),
    Order(ConfirmPaymentOfOrder),
}

body! {
    #[derive(Clone, Copy, Debug)]
    pub struct ConfirmPayment {
        required payment_id: PaymentId,
    }
}

body! {
    #[derive(Clone, Copy, Debug)]
    pub struct ConfirmPaymentOfOrder {
        required order_id: OrderId,
    }
}

impl Body for PaymentConfirmation {
    fn read(fields: &mut Fields) -> Option<Self> {
        if fields.has("order_id") && !fields.has("payment_id") {
            return ConfirmPaymentOfOrder::read(fields).map(Self::Order);
        }
        ConfirmPayment::read(fields).map(Self::Payment)
    }
}
