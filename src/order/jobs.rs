//! The calls that orders owe to other services.

use std::sync::Arc;

use crate::context::Context;
use crate::error::{Error, PEER_UNAVAILABLE, Result};
use crate::events::{Act, Intent};
use crate::payment::client::PaymentClient;
use crate::product::client::ProductClient;

/// The calls that an order may owe to other services.
pub struct Owed;

impl Owed {
    /// Make a sale of a reservation; the target is its key.
    pub const COMMIT: &str = "commit";
    /// Give a reservation back; the target is its key.
    pub const RELEASE: &str = "release";
    /// Refund a payment; the target is its id.
    pub const REFUND: &str = "refund";
    /// Bring the payment of an order to what the order was said to have come to; the target is the order's id.
    pub const SETTLE: &str = "settle";
}

/// Makes the calls that orders owe, when nobody waits for them.
pub fn act(products: Option<ProductClient>, payments: PaymentClient) -> Act {
    Arc::new(move |intent| {
        let (products, payments) = (products.clone(), payments.clone());
        Box::pin(async move { call(products.as_ref(), &payments, &Context::own(), &intent).await })
    })
}

/// Makes one call that an order owes.
pub async fn call(
    products: Option<&ProductClient>,
    payments: &PaymentClient,
    context: &Context,
    Intent { action, target, .. }: &Intent,
) -> Result<()> {
    match (action.as_str(), products) {
        (Owed::COMMIT, Some(products)) => products.commit(context, target).await,
        (Owed::RELEASE, Some(products)) => products.release(context, target).await,
        (Owed::REFUND, _) => payments.refund(context, target).await,
        (Owed::SETTLE, _) => payments.settle(context, target).await,
        (_, None) => Err(Error::new(&PEER_UNAVAILABLE).detail("there is no product service")),
        (_, Some(_)) => Err(Error::internal(anyhow::anyhow!("an order owes no {action}"))),
    }
}
