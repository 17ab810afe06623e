//! The jobs of this service: the calls that follow from a transition of a payment.

use crate::domain::PaymentId;
use crate::events::JobKind;
use crate::service::ServiceName;

/// Each has the id of its payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentJob {
    /// Charge it and report that to its order, or refund it.
    Settle(PaymentId),
    /// Report to its order that it failed or expired.
    ReportOutcome(PaymentId),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_as_it_was_stored() {
        for (job, stored) in [
            (PaymentJob::Settle(PaymentId::new(3)), ("settle", "3".to_owned())),
            (PaymentJob::ReportOutcome(PaymentId::new(3)), ("tell", "3".to_owned())),
        ] {
            assert_eq!(job.encode(), stored);
            assert_eq!(PaymentJob::decode(stored.0, &stored.1), Some(job));
        }
        assert_eq!(PaymentJob::decode("settle", "x"), None);
        assert_eq!(PaymentJob::decode("refund", "3"), None);
    }
}
