//! The jobs of this service: the calls to other services that follow from a transition of an order.

use std::sync::Arc;

use crate::context::Context;
use crate::domain::{OrderId, PaymentId};
use crate::error::{Error, PEER_UNAVAILABLE, Result};
use crate::events::JobKind;
use crate::events::jobs::{RunJob, remove_all_but};
use crate::payment::client::PaymentClient;
use crate::product::client::ProductClient;
use crate::service::ServiceName;
use crate::storage::Tx;

/// The stored name of [`OrderJob::Release`].
const RELEASE: &str = "release";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderJob {
    /// Commit the reservation with this key.
    Commit(String),
    /// Release the reservation with this key.
    Release(String),
    /// Refund the payment with this id.
    Refund(PaymentId),
    /// Bring the payment of the order with this id to the outcome that was set by hand.
    Settle(OrderId),
}

impl JobKind for OrderJob {
    const SERVICE: &'static str = ServiceName::Order.name();

    fn encode(&self) -> (&'static str, String) {
        match self {
            Self::Commit(reservation) => ("commit", reservation.clone()),
            Self::Release(reservation) => (RELEASE, reservation.clone()),
            Self::Refund(payment) => ("refund", payment.to_string()),
            Self::Settle(order) => ("settle", order.to_string()),
        }
    }

    fn decode(action: &str, target: &str) -> Option<Self> {
        match action {
            "commit" => Some(Self::Commit(target.to_owned())),
            RELEASE => Some(Self::Release(target.to_owned())),
            "refund" => target.parse().ok().map(Self::Refund),
            "settle" => target.parse().ok().map(Self::Settle),
            _ => None,
        }
    }
}

/// Removes all jobs but those that release reservations, whose keys are unique for all time.
pub fn keep_releases_only(tx: &Tx<'_>) -> Result<()> {
    remove_all_but(tx, OrderJob::SERVICE, RELEASE)
}

/// How the worker runs jobs, without a request.
pub fn work(products: Option<ProductClient>, payments: PaymentClient) -> RunJob<OrderJob> {
    Arc::new(move |job| {
        let (products, payments) = (products.clone(), payments.clone());
        Box::pin(async move { run(products.as_ref(), &payments, &Context::own(), &job).await })
    })
}

/// Makes the call of a job.
pub async fn run(
    products: Option<&ProductClient>,
    payments: &PaymentClient,
    context: &Context,
    job: &OrderJob,
) -> Result<()> {
    let products = || products.ok_or_else(|| Error::new(&PEER_UNAVAILABLE).detail("there is no product service"));
    match job {
        OrderJob::Commit(reservation) => products()?.commit(context, reservation).await,
        OrderJob::Release(reservation) => products()?.release(context, reservation).await,
        OrderJob::Refund(payment) => payments.refund(context, *payment).await,
        OrderJob::Settle(order) => payments.settle(context, *order).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_as_it_was_stored() {
        let key = || "7f1c3a52-5d1e-4a34-9c5b-0c8f3d2e6a91".to_owned();
        for (job, stored) in [
            (OrderJob::Commit(key()), ("commit", key())),
            (OrderJob::Release(key()), ("release", key())),
            (OrderJob::Refund(PaymentId::new(3)), ("refund", "3".to_owned())),
            (OrderJob::Settle(OrderId::new(2)), ("settle", "2".to_owned())),
        ] {
            assert_eq!(job.encode(), stored);
            assert_eq!(OrderJob::decode(stored.0, &stored.1), Some(job));
        }
        assert_eq!(OrderJob::decode("refund", &key()), None);
        assert_eq!(OrderJob::decode("tell", "3"), None);
    }
}
