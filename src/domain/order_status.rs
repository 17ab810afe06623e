//! The status of an order.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::language::Sentence;
use super::unknown_name::UnknownName;

/// How far an order has come; the steps between are in `lifecycle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    Pending,
    Paid,
    Confirmed,
    Shipped,
    Completed,
    Cancelled,
    Expired,
    Failed,
}

impl OrderStatus {
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Paid,
        Self::Confirmed,
        Self::Shipped,
        Self::Completed,
        Self::Cancelled,
        Self::Expired,
        Self::Failed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Confirmed => "confirmed",
            Self::Shipped => "shipped",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// The status in words for people.
    pub fn label(self) -> Sentence {
        match self {
            Self::Pending => Sentence::new("menunggu pembayaran", "waiting for payment"),
            Self::Paid => Sentence::new("dibayar", "paid"),
            Self::Confirmed => Sentence::new("dalam proses", "in process"),
            Self::Shipped => Sentence::new("dikirim", "shipped"),
            Self::Completed => Sentence::new("selesai", "completed"),
            Self::Cancelled => Sentence::new("dibatalkan", "cancelled"),
            Self::Expired => Sentence::new("kedaluwarsa", "expired"),
            Self::Failed => Sentence::new("pembayaran gagal", "payment failed"),
        }
    }
}

impl FromStr for OrderStatus {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::parse(text).ok_or_else(|| UnknownName::new(text, "a status of an order"))
    }
}
