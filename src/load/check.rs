//! Whether what was acknowledged is so: each order of the journals is looked up, and the orders of each customer are
//! counted.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde::Serialize;
use serde::de::IgnoredAny;

use super::call::{Caller, Outcome, Request, give_up};
use super::customer::Customer;
use super::journal::{Entry, Expected, Journal};
use super::late::MAX_WAIT;
use crate::domain::{OrderId, OrderStatus};
use crate::error::ORDER_NOT_FOUND;
use crate::order::api::Summary;

/// How long an order may take to become what was acknowledged, after it is due. A process that was killed leaves jobs
/// with leases of seconds.
const SETTLE_TIME: Duration = Duration::from_secs(30);
/// The pause before an order is looked up again.
const PAUSE: Duration = Duration::from_millis(100);
/// Orders on a page when they are counted.
const PAGE_ROWS: usize = 500;
/// The most wrong orders that are kept; further ones are counted.
const MAX_WRONG: usize = 20;

/// What became of the orders.
#[derive(Debug, Default, Serialize)]
pub struct Orders {
    /// Orders that were acknowledged.
    pub acknowledged: u64,
    /// Orders whose call was given up without a clear answer. They may be stored.
    pub unclear: u64,
    /// Orders that the customers have.
    pub found: u64,
    pub paid: u64,
    pub cancelled: u64,
    pub failed: u64,
    pub expired: u64,
    /// Orders that still can be paid: their time is longer than the check waits.
    pub open: u64,
    /// Orders of which a later call had no clear answer, or an unexpected one. They exist.
    pub unknown: u64,
    /// Orders that are not what was acknowledged.
    pub wrong: u64,
    /// The first of them.
    pub wrong_orders: Vec<WrongOrder>,
    /// Why the orders could not be checked, or not counted as they were acknowledged.
    pub problems: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct WrongOrder {
    pub order_id: OrderId,
    pub why: String,
}

/// How an order compares with its entry.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    /// It may become right.
    NotYet(String),
    Wrong(String),
}

impl Orders {
    /// Whether all is as it was acknowledged.
    pub fn are_complete(&self) -> bool {
        self.wrong == 0 && self.problems.is_empty()
    }

    fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.unclear += other.unclear;
        self.found += other.found;
        self.paid += other.paid;
        self.cancelled += other.cancelled;
        self.failed += other.failed;
        self.expired += other.expired;
        self.open += other.open;
        self.unknown += other.unknown;
        self.wrong += other.wrong;
        self.wrong_orders.extend(other.wrong_orders);
        self.wrong_orders.truncate(MAX_WRONG);
        self.problems.extend(other.problems);
    }

    fn count(&mut self, expected: Expected) {
        *match expected {
            Expected::Paid(_) => &mut self.paid,
            Expected::Cancelled => &mut self.cancelled,
            Expected::Failed => &mut self.failed,
            Expected::Expired => &mut self.expired,
            Expected::Unknown => &mut self.unknown,
        } += 1;
    }
}

/// Checks the orders of all customers, at the same time.
pub async fn check_all(caller: &Caller, visited: Vec<anyhow::Result<(Customer, Journal)>>) -> anyhow::Result<Orders> {
    let began = Instant::now();
    let visited = visited.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let mut all = Orders::default();
    let checks = visited.into_iter().map(|(customer, journal)| check(caller, customer, journal, began));
    for orders in join_all(checks).await {
        all.add(orders?);
    }
    Ok(all)
}

async fn check(caller: &Caller, mut customer: Customer, journal: Journal, began: Instant) -> anyhow::Result<Orders> {
    let (acknowledged, unclear) = (journal.entries, customer.unclear_orders);
    let mut orders = Orders { acknowledged, unclear, ..Orders::default() };
    for entry in journal.read()? {
        let entry = entry?;
        customer.renew().await;
        match settled(caller, &customer, &entry, began).await {
            Ok(Verdict::Right) => orders.count(entry.expected),
            Ok(Verdict::NotYet(_)) if entry.due > began + MAX_WAIT => orders.open += 1,
            Ok(Verdict::NotYet(why) | Verdict::Wrong(why)) => {
                orders.wrong += 1;
                if orders.wrong_orders.len() < MAX_WRONG {
                    orders.wrong_orders.push(WrongOrder { order_id: entry.order, why });
                }
            }
            // It would be the same with the orders after this one.
            Err(why) => {
                orders.problems.push(format!("order {} and those after it were not checked: {why}", entry.order));
                return Ok(orders);
            }
        }
    }
    match count(caller, &customer).await {
        Ok(found) => {
            orders.found = found;
            if found < acknowledged || found > acknowledged + unclear {
                let user = customer.user.id;
                orders.problems.push(format!(
                    "user {user} has {found} orders, but {acknowledged} were acknowledged and {unclear} had no clear answer"
                ));
            }
        }
        Err(why) => orders.problems.push(format!("the orders of user {} were not counted: {why}", customer.user.id)),
    }
    Ok(orders)
}

/// Looks an order up until it is right, or it is clear that it won't be.
async fn settled(caller: &Caller, customer: &Customer, entry: &Entry, began: Instant) -> Result<Verdict, String> {
    let waits = entry.due <= began + MAX_WAIT;
    let settled_by = if waits { entry.due.max(began) + SETTLE_TIME } else { began };
    if waits {
        tokio::time::sleep_until(entry.due.into()).await;
    }
    let request = Request::get(&caller.services.order, format!("/orders/{}", entry.order)).by(customer.token());
    loop {
        let sound = |order: &Summary| order.id == entry.order;
        let answer = caller.call(&request, Instant::now(), give_up(), sound).await;
        let verdict = match answer {
            Outcome::Done { value, .. } => judge(entry.expected, &value),
            Outcome::Refused { code, .. } if code.name == ORDER_NOT_FOUND.name => {
                Verdict::Wrong("it is lost".to_owned())
            }
            Outcome::Refused { code, .. } => {
                return Err(format!("the order service refuses to show it: {}", code.name));
            }
            Outcome::Unclear(symptom) => return Err(format!("the order service does not show it: {symptom}")),
        };
        if !matches!(verdict, Verdict::NotYet(_)) || Instant::now() >= settled_by {
            return Ok(verdict);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Compares an order with what must have become of it.
fn judge(expected: Expected, order: &Summary) -> Verdict {
    use OrderStatus::{Cancelled, Completed, Confirmed, Expired, Failed, Paid, Pending, Shipped};
    let (wanted, right) = match expected {
        Expected::Paid(payment) => (
            format!("paid by payment {payment}"),
            // An admin may go on with it meanwhile.
            matches!(order.status, Paid | Confirmed | Shipped | Completed) && order.payment_id == Some(payment),
        ),
        Expected::Cancelled => ("cancelled".to_owned(), order.status == Cancelled),
        Expected::Failed => ("failed".to_owned(), order.status == Failed),
        Expected::Expired => ("expired".to_owned(), order.status == Expired),
        Expected::Unknown => return Verdict::Right,
    };
    let by = order.payment_id.map(|payment| format!(" by payment {payment}")).unwrap_or_default();
    let why = format!("it is {}{by}, but has to be {wanted}", order.status.as_str());
    match order.status {
        _ if right => Verdict::Right,
        Pending => Verdict::NotYet(why),
        _ => Verdict::Wrong(why),
    }
}

/// The number of orders that a customer has.
async fn count(caller: &Caller, customer: &Customer) -> Result<u64, String> {
    let mut found = 0;
    let mut query = format!("limit={PAGE_ROWS}");
    loop {
        let path = format!("/orders/user/{}?{query}", customer.user.id);
        let request = Request::get(&caller.services.order, path).by(customer.token());
        let give_up = Instant::now() + SETTLE_TIME;
        match caller.call::<Vec<IgnoredAny>>(&request, Instant::now(), give_up, |_| true).await {
            Outcome::Done { value, next } => {
                found += value.len() as u64;
                match next {
                    Some(next) if !value.is_empty() => query = next,
                    _ => return Ok(found),
                }
            }
            Outcome::Refused { code, .. } => return Err(code.name.to_owned()),
            Outcome::Unclear(symptom) => return Err(symptom.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{PaymentId, Rupiah, UserId};

    fn order(status: OrderStatus, payment: Option<i64>) -> Summary {
        Summary {
            id: OrderId::new(1),
            user_id: UserId::new(1),
            total_price: Rupiah::try_from(1000).unwrap(),
            status,
            payment_id: payment.map(PaymentId::new),
            expires_at: None,
        }
    }

    #[test]
    fn an_order_is_right_only_in_the_status_that_was_acknowledged() {
        use OrderStatus::{Cancelled, Expired, Failed, Paid, Pending, Shipped};
        let paid = Expected::Paid(PaymentId::new(7));
        for (expected, status, payment) in [
            (paid, Paid, Some(7)),
            (paid, Shipped, Some(7)),
            (Expected::Cancelled, Cancelled, None),
            (Expected::Expired, Expired, None),
            (Expected::Failed, Failed, None),
            (Expected::Unknown, Pending, None),
        ] {
            assert_eq!(judge(expected, &order(status, payment)), Verdict::Right, "{expected:?} {status:?}");
        }
        for (expected, status, payment) in [
            (paid, Paid, Some(8)),
            (paid, Paid, None),
            (paid, Cancelled, Some(7)),
            (Expected::Cancelled, Paid, Some(7)),
            (Expected::Expired, Paid, Some(7)),
            (Expected::Failed, Expired, None),
        ] {
            let verdict = judge(expected, &order(status, payment));
            assert!(matches!(verdict, Verdict::Wrong(_)), "{expected:?} {status:?}: {verdict:?}");
        }
        assert!(matches!(judge(paid, &order(Pending, None)), Verdict::NotYet(_)));
    }
}
