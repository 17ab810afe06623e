//! The calls that must follow from what has become of a payment.

use std::sync::Arc;

use super::state::Settler;
use crate::context::Context;
use crate::error::Result;
use crate::events::{JobKind, jobs::Work};
use crate::service::ServiceName;

/// Each is about the payment with this id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentJob {
    /// Charge it and report that to its order, or give it back.
    Settle(i64),
    /// Report to its order that it failed or expired.
    ReportOutcome(i64),
}

impl JobKind for PaymentJob {
    const SERVICE: &'static str = ServiceName::Payment.name();

    fn encode(&self) -> (&'static str, String) {
        match self {
            Self::Settle(id) => ("settle", id.to_string()),
            Self::ReportOutcome(id) => ("tell", id.to_string()),
        }
    }

    fn decode(action: &str, target: &str) -> Option<Self> {
        let id = target.parse().ok()?;
        match action {
            "settle" => Some(Self::Settle(id)),
            "tell" => Some(Self::ReportOutcome(id)),
            _ => None,
        }
    }
}

/// Runs jobs when no request waits for them.
pub fn work(settler: Settler) -> Work<PaymentJob> {
    Arc::new(move |job| {
        let settler = settler.clone();
        Box::pin(async move { run(&settler, &Context::own(), &job).await })
    })
}

/// Makes the calls of a job.
pub async fn run(settler: &Settler, context: &Context, job: &PaymentJob) -> Result<()> {
    match *job {
        PaymentJob::Settle(id) => settler.settle(context, id).await,
        PaymentJob::ReportOutcome(id) => settler.report_outcome(context, id).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_as_it_was_stored() {
        for (job, stored) in [
            (PaymentJob::Settle(3), ("settle", "3".to_owned())),
            (PaymentJob::ReportOutcome(3), ("tell", "3".to_owned())),
        ] {
            assert_eq!(job.encode(), stored);
            assert_eq!(PaymentJob::decode(stored.0, &stored.1), Some(job));
        }
        assert_eq!(PaymentJob::decode("settle", "x"), None);
        assert_eq!(PaymentJob::decode("refund", "3"), None);
    }
}
