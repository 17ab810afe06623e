//! The life of an order: its transitions, and the jobs that follow from them.
//!
//! `pending → paid → confirmed → shipped → completed`; `pending → cancelled | expired | failed`; `paid → cancelled`.
//! Each transition is one conditional `UPDATE`, so that one of two concurrent ones wins. Its entry in the history, its
//! event and its jobs are written in the same transaction. Confirming commits the reservation. An order that is
//! cancelled, expires or fails releases it.

use futures_util::future::join_all;

use super::api::{Order, PaidBy};
use super::jobs::{self, OrderJob};
use super::state::State;
use super::store;
use crate::auth::Scope;
use crate::context::Context;
use crate::domain::{OrderId, OrderStatus as Status, PaymentId, Timestamp};
use crate::error::{Error, ORDER_NOT_FOUND, ORDER_STATE, PAYMENT_TOO_LATE, Result};
use crate::events::{Event, Job, Outbox, jobs::begin};
use crate::storage::Tx;

/// A transition from one status of an order to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    Pay(Initiator),
    Confirm,
    Ship,
    Complete,
    Cancel,
    /// Cancels an order that is not paid yet: the only transition that its user may request.
    CancelUnpaid,
    Expire(Initiator),
    Fail(Initiator),
}

/// Who reports the outcome of an order's payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// The payment service, for this payment.
    Payment(PaymentId),
    /// Somebody who names no payment. A job then brings the open payment of the order to the same outcome.
    Manual,
    /// Nobody: the deadline of the order has passed. The deadline of its payment is not later, unless the clock was set
    /// back; then the payment expires by itself soon after.
    Deadline,
}

impl Transition {
    /// The status after the transition; `None` if an order in `status` does not allow it.
    pub fn target(self, status: Status) -> Option<Status> {
        match (self, status) {
            (Self::Pay(_), Status::Pending) => Some(Status::Paid),
            (Self::Confirm, Status::Paid) => Some(Status::Confirmed),
            (Self::Ship, Status::Confirmed) => Some(Status::Shipped),
            (Self::Complete, Status::Shipped) => Some(Status::Completed),
            (Self::Cancel, Status::Pending | Status::Paid) | (Self::CancelUnpaid, Status::Pending) => {
                Some(Status::Cancelled)
            }
            (Self::Expire(_), Status::Pending) => Some(Status::Expired),
            (Self::Fail(_), Status::Pending) => Some(Status::Failed),
            _ => None,
        }
    }

    /// Whether the order has made this transition already, by the same report. A caller that received no answer repeats
    /// its report.
    fn is_applied(self, order: &Order) -> bool {
        match self {
            Self::Pay(Initiator::Payment(payment)) => order.paid_by == PaidBy::Payment(payment),
            Self::Pay(_) => order.is_paid(),
            Self::Expire(_) => order.status == Status::Expired,
            Self::Fail(_) => order.status == Status::Failed,
            _ => false,
        }
    }
}

/// Applies a transition to an order within `scope` and runs its jobs. Returns the order after the transition. A job
/// that fails is retried later; the transition stays. [`ORDER_NOT_FOUND`], [`ORDER_STATE`] or [`PAYMENT_TOO_LATE`] if
/// it is refused.
///
/// The transition starts from the present status. If another transition comes first, this one is refused, even where it
/// would be allowed from the new status too: whoever cancels an unpaid order may not want to cancel a paid one.
pub async fn apply(
    state: &State,
    context: &Context,
    id: OrderId,
    scope: Scope,
    transition: Transition,
) -> Result<Order> {
    let seen = state.db.read(move |tx| find(tx, id, scope)).await?;
    let (now, outbox) = (state.clock.now(), state.outbox);
    let (order, jobs) =
        state.db.write(move |tx| make_transition(tx, &outbox, id, seen.status, transition, now)).await?;
    run_jobs(state, context, jobs).await;
    Ok(order)
}

/// Makes the calls of jobs. One that fails is retried later.
pub async fn run_jobs(state: &State, context: &Context, jobs: Vec<Job<OrderJob>>) {
    let runs = jobs.into_iter().map(async |job| {
        let outcome = jobs::run(state.products.as_ref(), &state.payments, context, &job.kind).await;
        state.jobs.record(job, outcome).await;
    });
    join_all(runs).await;
}

fn find(tx: &Tx<'_>, id: OrderId, scope: Scope) -> Result<Order> {
    store::find(tx, id, scope)?.ok_or_else(|| Error::new(&ORDER_NOT_FOUND).detail(format!("there is no order {id}")))
}

/// The error of a transition that an order in `status` does not allow.
fn refusal(transition: Transition, status: Status) -> Error {
    match (transition, status) {
        (Transition::Pay(_), Status::Expired) => Error::new(&PAYMENT_TOO_LATE),
        _ => Error::new(&ORDER_STATE).detail(format!("the order is {}", status.as_str())),
    }
}

/// Applies a transition to an order in `from`, and begins its jobs. [`ORDER_NOT_FOUND`], [`ORDER_STATE`] or
/// [`PAYMENT_TOO_LATE`] if it is refused.
pub fn make_transition(
    tx: &Tx<'_>,
    outbox: &Outbox,
    id: OrderId,
    from: Status,
    transition: Transition,
    now: Timestamp,
) -> Result<(Order, Vec<Job<OrderJob>>)> {
    let mut order = find(tx, id, Scope::All)?;
    if transition.is_applied(&order) {
        return Ok((order, Vec::new()));
    }
    if let Transition::Pay(Initiator::Payment(payment)) = transition
        && order.is_paid()
        && store::name_payment(tx, id, payment)?
    {
        // Somebody had set the order to paid without naming the payment.
        order.paid_by = PaidBy::Payment(payment);
        return Ok((order, Vec::new()));
    }
    let next = transition.target(order.status).filter(|_| order.status == from);
    let next = next.ok_or_else(|| refusal(transition, order.status))?;
    // Only the payment service checks the deadline of a payment itself.
    if transition == Transition::Pay(Initiator::Manual) && order.expires_at.is_some_and(|deadline| deadline <= now) {
        return Err(Error::new(&PAYMENT_TOO_LATE));
    }
    match transition {
        Transition::Pay(Initiator::Payment(payment)) => order.paid_by = PaidBy::Payment(payment),
        Transition::Pay(_) => order.paid_by = PaidBy::Manual,
        _ => {}
    }
    if !store::set_status(tx, id, from, next, order.paid_by)? {
        return Err(refusal(transition, from));
    }
    (order.status, order.expires_at) = (next, None);
    store::add_to_history(tx, id, next, now)?;
    let (user_id, status) = (order.user_id, next);
    outbox.emit(tx, &Event::OrderStatusChanged { order_id: id, user_id, status, at: now })?;
    let mut jobs = Vec::new();
    if let Some(reservation) = order.reservation.clone() {
        match next {
            Status::Confirmed => jobs.push(begin(tx, OrderJob::Commit(reservation), now)?),
            Status::Cancelled | Status::Expired | Status::Failed => {
                jobs.push(begin(tx, OrderJob::Release(reservation), now)?);
            }
            Status::Pending | Status::Paid | Status::Shipped | Status::Completed => {}
        }
    }
    if let Transition::Pay(Initiator::Manual)
    | Transition::Expire(Initiator::Manual)
    | Transition::Fail(Initiator::Manual) = transition
    {
        jobs.push(begin(tx, OrderJob::Settle(id), now)?);
    }
    if let (Status::Cancelled, Some(payment)) = (next, order.paid_by.payment()) {
        jobs.push(begin(tx, OrderJob::Refund(payment), now)?);
    }
    Ok((order, jobs))
}
