//! The life of an order: which step leads where, and what must follow from it.
//!
//! `pending → paid → confirmed → shipped → completed`; `pending → cancelled | expired | failed`;
//! `paid → cancelled`. Each step is one conditional `UPDATE`, so that of two that race one wins. With it
//! are written its entry in the history, its event, and the jobs that follow from it: confirming makes a sale
//! of the reservation, and an order that is cancelled, expires or fails gives it back.

use std::time::Duration;

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

/// How long after its deadline an order is left alone: a payment that was confirmed in time may still be
/// on its way.
const GRACE: Duration = Duration::from_secs(2);
/// Orders that expire in one transaction.
const BATCH: i64 = 100;

/// A step in the life of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    Pay(Initiator),
    Confirm,
    Ship,
    Complete,
    Cancel,
    /// Cancel what is not paid yet: all that its user may undo alone.
    Withdraw,
    Expire(Initiator),
    Fail(Initiator),
}

/// Who says what has become of an order's payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// The payment with this id, by itself.
    Payment(PaymentId),
    /// Somebody who names no payment: the order's open payment must come to the same.
    Manual,
    /// Nobody: the deadline of the order has passed. A payment's own never comes later.
    Deadline,
}

impl Transition {
    /// Where the step leads to from `status`, if it can be taken there.
    pub fn target(self, status: Status) -> Option<Status> {
        match (self, status) {
            (Self::Pay(_), Status::Pending) => Some(Status::Paid),
            (Self::Confirm, Status::Paid) => Some(Status::Confirmed),
            (Self::Ship, Status::Confirmed) => Some(Status::Shipped),
            (Self::Complete, Status::Shipped) => Some(Status::Completed),
            (Self::Cancel, Status::Pending | Status::Paid) | (Self::Withdraw, Status::Pending) => {
                Some(Status::Cancelled)
            }
            (Self::Expire(_), Status::Pending) => Some(Status::Expired),
            (Self::Fail(_), Status::Pending) => Some(Status::Failed),
            _ => None,
        }
    }

    /// Whether the order is there already, on the same word. Whoever did not hear the answer says it again.
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

/// Takes a step with an order within `scope`, runs the jobs that follow from it, and shows the order as it is
/// then. A job that fails is retried later; the step is not undone.
///
/// The step starts from where the order is now. If another one is faster, this one is refused, even if it
/// could be taken from there too: who cancels what waits for payment may not want to cancel what is paid.
pub async fn apply(
    state: &State,
    context: &Context,
    id: OrderId,
    scope: Scope,
    transition: Transition,
) -> Result<Order> {
    let seen = state.db.read(move |tx| find(tx, id, scope)).await?;
    let (now, outbox) = (state.clock.now(), state.outbox);
    let (order, jobs) = state.db.write(move |tx| advance(tx, &outbox, id, seen.status, transition, now)).await?;
    run_jobs(state, context, jobs).await;
    Ok(order)
}

/// Lets the orders expire that nobody paid in time.
pub async fn expire(state: &State) -> Result<()> {
    bring_forward(state).await?;
    loop {
        let (now, outbox) = (state.clock.now(), state.outbox);
        let due = state.db.read(move |tx| store::unpaid(tx, now - GRACE, BATCH)).await?;
        if due.is_empty() {
            return Ok(());
        }
        let jobs = state
            .db
            .write_in_background(move |tx| {
                let mut all = Vec::new();
                for id in &due {
                    match advance(tx, &outbox, *id, Status::Pending, Transition::Expire(Initiator::Deadline), now) {
                        Ok((_, jobs)) => all.extend(jobs),
                        // Somebody was faster.
                        Err(error) if error.is(&ORDER_STATE) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(all)
            })
            .await?;
        run_jobs(state, &Context::own(), jobs).await;
    }
}

/// Has no order wait longer from now than one that is made now, though the clock was set back after it was made.
///
/// Only orders that seem to be made in the future are changed: whoever lowers `ORDER_TTL` shortens none that waits.
async fn bring_forward(state: &State) -> Result<()> {
    loop {
        let (now, deadline) = (state.clock.now(), state.clock.after(state.order_ttl));
        let late = state.db.read(move |tx| store::made_later(tx, now, deadline, BATCH)).await?;
        if late.is_empty() {
            return Ok(());
        }
        state
            .db
            .write_in_background(move |tx| late.iter().try_for_each(|id| store::bring_forward(tx, *id, deadline)))
            .await?;
    }
}

async fn run_jobs(state: &State, context: &Context, jobs: Vec<Job<OrderJob>>) {
    let runs = jobs.into_iter().map(async |job| {
        let outcome = jobs::run(state.products.as_ref(), &state.payments, context, &job.kind).await;
        state.jobs.record(job, outcome).await;
    });
    join_all(runs).await;
}

fn find(tx: &Tx<'_>, id: OrderId, scope: Scope) -> Result<Order> {
    store::find(tx, id, scope)?.ok_or_else(|| Error::new(&ORDER_NOT_FOUND).detail(format!("there is no order {id}")))
}

/// Why a step is refused to an order in `status`.
fn refusal(transition: Transition, status: Status) -> Error {
    match (transition, status) {
        (Transition::Pay(_), Status::Expired) => Error::new(&PAYMENT_TOO_LATE),
        _ => Error::new(&ORDER_STATE).detail(format!("the order is {}", status.as_str())),
    }
}

/// Takes a step with an order that is in `from`, and begins the jobs that follow from it.
fn advance(
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
        // It was said to be paid by hand; now it is known by which payment.
        order.paid_by = PaidBy::Payment(payment);
        return Ok((order, Vec::new()));
    }
    let next = transition.target(order.status).filter(|_| order.status == from);
    let next = next.ok_or_else(|| refusal(transition, order.status))?;
    // The payment service answers for the time of its payments; nobody else does.
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
