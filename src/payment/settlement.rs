//! The life of a payment: confirming, charging, expiring and refunding it.
//!
//! `pending → confirming → paid → refunding → refunded`; `pending → expired | failed | refunded`;
//! `expired → confirming | failed`, if its order was set to paid or failed by hand before the expiry was reported;
//! `confirming → failed | refunding`.
//!
//! The `UPDATE` that leaves `pending` compares the clock with the stored deadline. A payment that is being confirmed
//! does not expire any more, and is settled even if the process dies several times meanwhile. The order service
//! decides: a payment is paid only after its order accepted it. A payment that its order does not accept is refunded.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::api::{Payment, PaymentConfirmation, Status};
use super::gateway::Charge;
use super::jobs::PaymentJob;
use super::state::{Settler, State};
use super::store;
use crate::auth::Scope;
use crate::context::Context;
use crate::domain::{OrderId, OrderStatus, PaymentId, Timestamp};
use crate::error::{
    Error, ORDER_STATE, PAYMENT_DECLINED, PAYMENT_NOT_FOUND, PAYMENT_TOO_LATE, PAYMENT_UNSETTLED, Result,
};
use crate::events::jobs::{begin, complete, plan};
use crate::events::{Event, Job, Outbox};
use crate::storage::Tx;

/// How long a call to the gateway may take when no request waits for it. A gateway that hangs must not delay other
/// payments for longer.
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(30);
/// The most payments that expire in one transaction.
const MAX_BATCH_PAYMENTS: i64 = 100;

/// The outcome of an attempt to confirm.
enum Confirmation {
    /// It is being confirmed: by the job, or by somebody else.
    Confirming(Option<Job<PaymentJob>>),
    /// It has expired, which the job reports.
    TooLate(Job<PaymentJob>),
    /// The payment had left `pending` before, for this status.
    Left(Status),
}

/// Confirms a payment within `scope` and settles it. Returns the paid payment; [`PAYMENT_TOO_LATE`],
/// [`PAYMENT_DECLINED`], [`ORDER_STATE`] or [`PAYMENT_UNSETTLED`] otherwise.
pub async fn confirm(state: &State, context: &Context, scope: Scope, which: PaymentConfirmation) -> Result<Payment> {
    let (now, outbox) = (state.clock.now(), state.outbox);
    let (id, begun) = state
        .db
        .write(move |tx| {
            let payment = match which {
                PaymentConfirmation::Payment(of) => store::find(tx, of.payment_id, scope)?,
                PaymentConfirmation::Order(of) => store::of_order(tx, of.order_id, scope)?,
            };
            let payment = payment.ok_or_else(|| Error::new(&PAYMENT_NOT_FOUND))?;
            Ok((payment.id, confirm_or_expire(tx, &outbox, &payment, now)?))
        })
        .await?;
    match begun {
        Confirmation::Confirming(Some(job)) => run_job(state, context, job).await,
        // Another request confirms it. Settling it here too is harmless, and needed if that request's process died.
        Confirmation::Confirming(None) => {
            if let Err(error) = state.settler.settle(context, id).await {
                log::warn!("payment {id} is not settled yet: {error}");
            }
        }
        Confirmation::TooLate(job) => {
            run_job(state, context, job).await;
            return Err(Error::new(&PAYMENT_TOO_LATE));
        }
        Confirmation::Left(Status::Expired) => return Err(Error::new(&PAYMENT_TOO_LATE)),
        Confirmation::Left(_) => {}
    }
    let payment = find(state, id).await?;
    match payment.status {
        Status::Paid => Ok(payment),
        Status::Failed => Err(Error::new(&PAYMENT_DECLINED)),
        Status::Refunding | Status::Refunded => Err(Error::new(&ORDER_STATE)
            .detail("the order did not take the payment, or was cancelled since; nothing of it is kept")),
        Status::Expired => Err(Error::new(&PAYMENT_TOO_LATE)),
        Status::Pending | Status::Confirming => Err(Error::new(&PAYMENT_UNSETTLED)),
    }
}

/// Runs a job and records how it ended.
async fn run_job(state: &State, context: &Context, job: Job<PaymentJob>) {
    let outcome = state.settler.run(context, &job.kind).await;
    state.jobs.record(job, outcome).await;
}

/// Confirms or expires a pending payment, whichever its deadline says. A payment that left `pending` before stays as it
/// is.
fn confirm_or_expire(tx: &Tx<'_>, outbox: &Outbox, payment: &Payment, now: Timestamp) -> Result<Confirmation> {
    if store::begin_confirming(tx, payment.id, now)? {
        return Ok(Confirmation::Confirming(Some(begin(tx, PaymentJob::Settle(payment.id), now)?)));
    }
    if store::expire(tx, payment.id, now)? {
        return Ok(Confirmation::TooLate(record_expiry(tx, outbox, payment, now)?));
    }
    match payment.status {
        Status::Confirming => Ok(Confirmation::Confirming(None)),
        status => Ok(Confirmation::Left(status)),
    }
}

/// Writes what follows from a payment's expiry: its event, and the job that reports it to the order.
fn record_expiry(tx: &Tx<'_>, outbox: &Outbox, payment: &Payment, now: Timestamp) -> Result<Job<PaymentJob>> {
    outbox.emit(tx, &expiry_event(payment))?;
    begin(tx, PaymentJob::ReportOutcome(payment.id), now)
}

/// That a payment has expired.
pub fn expiry_event(&Payment { id, order_id, user_id, amount, .. }: &Payment) -> Event {
    Event::PaymentExpired { payment_id: id, order_id, user_id, amount }
}

/// Expires the payment of an order if its deadline has passed.
pub async fn expire_of_order(state: &State, context: &Context, order_id: OrderId) -> Result<()> {
    let payment = state.db.read(move |tx| store::of_order(tx, order_id, Scope::All)).await?;
    let Some(payment) = payment.filter(|payment| payment.status == Status::Pending) else { return Ok(()) };
    let (now, outbox) = (state.clock.now(), state.outbox);
    let job = state.db.write(move |tx| {
        if store::expire(tx, payment.id, now)? { record_expiry(tx, &outbox, &payment, now).map(Some) } else { Ok(None) }
    });
    let job = job.await?;
    if let Some(job) = job {
        run_job(state, context, job).await;
    }
    Ok(())
}

/// Expires the payments whose deadline has passed.
pub async fn expire(state: &State) -> Result<()> {
    // After the clock was set back, no payment waits longer than one that is made now.
    let now = state.clock.now();
    if state.db.read(move |tx| store::any_made_later(tx, now)).await? {
        state.db.write_in_background(move |tx| store::bring_forward(tx, now)).await?;
    }
    loop {
        let (now, outbox) = (state.clock.now(), state.outbox);
        let due = state.db.read(move |tx| store::overdue(tx, now, MAX_BATCH_PAYMENTS)).await?;
        if due.is_empty() {
            return Ok(());
        }
        let jobs = state
            .db
            .write_in_background(move |tx| {
                let mut jobs = Vec::new();
                for payment in &due {
                    if store::expire(tx, payment.id, now)? {
                        jobs.push(record_expiry(tx, &outbox, payment, now)?);
                    }
                }
                Ok(jobs)
            })
            .await?;
        let context = Context::own();
        join_all(jobs.into_iter().map(|job| run_job(state, &context, job))).await;
    }
}

/// Ends the payment of a cancelled order: a charge is refunded, and an open payment is closed. [`ORDER_STATE`] if the
/// order is not cancelled.
pub async fn refund(state: &State, context: &Context, id: PaymentId) -> Result<Payment> {
    let payment = find(state, id).await?;
    let order = state.settler.orders.get(context, payment.order_id).await?;
    match order.map_or(OrderStatus::Cancelled, |order| order.status) {
        OrderStatus::Cancelled => follow(state, context, id, OrderStatus::Cancelled).await,
        _ => Err(Error::new(&ORDER_STATE).detail("the order is not cancelled")),
    }
}

/// Brings the payment of an order to the outcome of the order, which may have been set by hand.
pub async fn follow_order(state: &State, context: &Context, order_id: OrderId) -> Result<Payment> {
    let payment = state.db.read(move |tx| store::of_order(tx, order_id, Scope::All)).await?;
    let payment = payment.ok_or_else(|| Error::new(&PAYMENT_NOT_FOUND).detail(format!("order {order_id} has none")))?;
    match state.settler.orders.get(context, order_id).await? {
        Some(order) => follow(state, context, payment.id, order.status).await,
        None => Ok(payment),
    }
}

/// Brings a payment to the status that matches the status of its order. Idempotent. [`PAYMENT_UNSETTLED`] if the caller
/// must repeat the call.
async fn follow(state: &State, context: &Context, id: PaymentId, order: OrderStatus) -> Result<Payment> {
    // The order may have accepted the payment before the payment was set to paid.
    state.settler.settle(context, id).await?;
    let (now, outbox) = (state.clock.now(), state.outbox);
    let payment = find(state, id).await?;
    if let Some(job) = state.db.write(move |tx| align_with_order(tx, &outbox, &payment, order, now)).await? {
        run_job(state, context, job).await;
    }
    let payment = find(state, id).await?;
    match (payment.status, order) {
        // Another request has confirmed it meanwhile, or it is not settled yet.
        (Status::Pending | Status::Confirming, order) if order != OrderStatus::Pending => {
            Err(Error::new(&PAYMENT_UNSETTLED))
        }
        (Status::Paid, OrderStatus::Cancelled) => Err(Error::new(&PAYMENT_UNSETTLED)),
        _ => Ok(payment),
    }
}

/// Changes the status of a payment towards the status of its order. Returns the job that the change needs, if any.
fn align_with_order(
    tx: &Tx<'_>,
    outbox: &Outbox,
    payment: &Payment,
    order: OrderStatus,
    now: Timestamp,
) -> Result<Option<Job<PaymentJob>>> {
    let id = payment.id;
    // The payment may have expired before it learned the outcome of its order. It follows the order all the same.
    let leave_open = |to| -> Result<bool> {
        Ok(store::set_status(tx, id, Status::Pending, to)? || store::set_status(tx, id, Status::Expired, to)?)
    };
    let settle = || begin(tx, PaymentJob::Settle(id), now).map(Some);
    match order {
        OrderStatus::Pending => {}
        OrderStatus::Paid | OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Completed => {
            // The order must learn which payment paid it, so that it can be refunded.
            if leave_open(Status::Confirming)? {
                return settle();
            }
        }
        OrderStatus::Failed => {
            leave_open(Status::Failed)?;
        }
        OrderStatus::Expired => {
            if store::set_status(tx, id, Status::Pending, Status::Expired)? {
                outbox.emit(tx, &expiry_event(payment))?;
            }
        }
        OrderStatus::Cancelled => {
            store::set_status(tx, id, Status::Pending, Status::Refunded)?;
            if store::set_status(tx, id, Status::Paid, Status::Refunding)? {
                return settle();
            }
        }
    }
    Ok(None)
}

async fn find(state: &State, id: PaymentId) -> Result<Payment> {
    let payment = state.db.read(move |tx| store::find(tx, id, Scope::All)).await?;
    payment.ok_or_else(|| Error::new(&PAYMENT_NOT_FOUND).detail(format!("there is no payment {id}")))
}

/// Calls the gateway within the deadline of the request, or within [`GATEWAY_TIMEOUT`] without a request.
/// [`PAYMENT_UNSETTLED`] if it does not answer in time.
async fn with_deadline<T>(context: &Context, call: impl Future<Output = Result<T>>) -> Result<T> {
    let deadline = context.request_deadline().unwrap_or_else(|| Instant::now() + GATEWAY_TIMEOUT);
    let late = || Error::new(&PAYMENT_UNSETTLED).detail("the payment gateway has not answered yet");
    tokio::time::timeout_at(deadline.into(), call).await.unwrap_or_else(|_| Err(late()))
}

impl Settler {
    /// Makes the calls of a job.
    pub async fn run(&self, context: &Context, job: &PaymentJob) -> Result<()> {
        match *job {
            PaymentJob::Settle(id) => self.settle(context, id).await,
            PaymentJob::ReportOutcome(id) => self.report_outcome(context, id).await,
        }
    }

    /// Brings a payment in `confirming` or `refunding` to its final status. Idempotent, also when called concurrently.
    /// After an error it must be called again.
    pub async fn settle(&self, context: &Context, id: PaymentId) -> Result<()> {
        loop {
            let Some(payment) = self.db.read(move |tx| store::find(tx, id, Scope::All)).await? else { return Ok(()) };
            let from = payment.status;
            let to = match from {
                Status::Confirming => self.charge(context, &payment).await?,
                Status::Refunding => {
                    with_deadline(context, self.gateway.refund(context, &payment)).await?;
                    Status::Refunded
                }
                _ => return Ok(()),
            };
            let Payment { order_id, user_id, amount, .. } = payment;
            let outbox = self.outbox;
            let report = self.db.write(move |tx| {
                if !store::set_status(tx, id, from, to)? {
                    return Ok(None);
                }
                match to {
                    Status::Paid => {
                        outbox.emit(tx, &Event::PaymentPaid { payment_id: id, order_id, user_id, amount })?;
                        Ok(None)
                    }
                    Status::Failed => plan(tx, &PaymentJob::ReportOutcome(id), Timestamp::EPOCH).map(Some),
                    _ => Ok(None),
                }
            });
            if let Some(job) = report.await? {
                self.report_outcome(context, id).await?;
                self.db.write(move |tx| complete(tx, job)).await?;
            }
        }
    }

    /// The next status of a payment that is being confirmed.
    async fn charge(&self, context: &Context, payment: &Payment) -> Result<Status> {
        let Some(order) = self.orders.get(context, payment.order_id).await? else { return Ok(Status::Refunding) };
        let charged = match order.status {
            OrderStatus::Pending => with_deadline(context, self.gateway.charge(context, payment)).await?,
            _ if order.payment_id == Some(payment.id) => Charge::Approved,
            // The order was set to paid by hand, so nothing is charged.
            OrderStatus::Paid | OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Completed
                if order.payment_id.is_none() =>
            {
                Charge::Approved
            }
            // Charge nothing for an order that has another outcome.
            _ => return Ok(Status::Refunding),
        };
        match charged {
            Charge::Approved => {
                // The gateway may have taken long. Another order may have this id by now.
                self.db.check_generation().await?;
                let taken = self.orders.report_payment(context, payment.order_id, "paid", payment.id).await?;
                Ok(if taken { Status::Paid } else { Status::Refunding })
            }
            Charge::Declined => Ok(Status::Failed),
        }
    }

    /// Reports to the order that its payment failed or expired. An order that has another outcome by then keeps it.
    pub async fn report_outcome(&self, context: &Context, id: PaymentId) -> Result<()> {
        if let Some(payment) = self.db.read(move |tx| store::find(tx, id, Scope::All)).await? {
            let status = payment.status.as_str();
            self.orders.report_payment(context, payment.order_id, status, id).await?;
        }
        Ok(())
    }
}
