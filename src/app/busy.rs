//! `pasar seed busy`: a shop with a day behind it. What happened is made up, written by the functions that write what
//! really happens, in the order of its time, and all in one transaction.

use std::time::Duration;

use anyhow::Context;
use fastrand::Rng;
use uuid::Uuid;

use super::outbox::OUTBOX;
use crate::clock::Clock;
use crate::config::{Config, ServiceConfig};
use crate::domain::{Quantity, Timestamp};
use crate::error::{Error, Result};
use crate::order::{Initiator, OrderJob, PastOrders, Transition};
use crate::payment::api::{Method, Status};
use crate::payment::{PaidOrder, PastPayments};
use crate::product::PastStock;
use crate::product::api::{Basket, Product};
use crate::storage::{DatabaseUrl, Db, Tx};
use crate::user::api::User;
use crate::{product, user};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How many orders were placed earlier in the day, and lately.
const EARLIER: usize = 240;
const LATELY: usize = 80;
/// How many wait to be paid.
const WAITING: usize = 8;
/// What `LATELY` means: the minutes that the admin's desk shows one by one.
const LATE: Duration = Duration::from_secs(30 * 60);
/// How old an order is at least that does not wait any more.
const MIN_AGE: Duration = Duration::from_secs(3 * 60);
/// How long before its end a payment was opened.
const PAYING: Duration = Duration::from_secs(5);
/// Different days would be as good.
const SEED: u64 = 28;

/// What was added.
#[derive(Debug)]
pub struct Busy {
    pub products: usize,
    pub customers: usize,
    pub orders: usize,
}

/// What became of an order.
#[derive(Clone, Copy, Debug)]
enum Life {
    /// It is paid, confirmed, shipped and completed, as far as the time has allowed.
    Bought,
    Cancelled,
    CancelledAfterPayment,
    /// Its payment was declined.
    Declined,
    /// Its payment was opened, and not confirmed in time.
    Late,
    /// Nobody tried to pay for it.
    Expired,
}

const LIVES: [Life; 12] = [
    Life::Bought,
    Life::Bought,
    Life::Cancelled,
    Life::Bought,
    Life::Bought,
    Life::Expired,
    Life::Bought,
    Life::CancelledAfterPayment,
    Life::Bought,
    Life::Declined,
    Life::Bought,
    Life::Late,
];

/// What happens to an order at a time.
#[derive(Clone, Copy, Debug)]
enum Step {
    Order,
    Pay,
    Decline,
    Lapse,
    Apply(Transition),
}

/// Adds products, customers and the orders of the last day to the database of all services, in a new one if there is
/// none. `None`: they have been added before.
pub async fn seed_busy(config: &Config) -> anyhow::Result<(DatabaseUrl, Option<Busy>)> {
    let shared = config.services.first().context("there is nothing to add to")?;
    let ServiceConfig { database, database_variable, .. } = shared;
    let db = Db::open(database, config.auth_required).with_context(|| database_variable.clone())?;
    let added = add(config, &db).await;
    tokio::task::spawn_blocking(move || db.close()).await?;
    Ok((database.clone(), added?))
}

async fn add(config: &Config, db: &Db) -> anyhow::Result<Option<Busy>> {
    user::start_up(db, config.demo).await?;
    let products = product::seed(db, OUTBOX, config.demo).await?.added;
    let (ttl, window, now) = (config.order.ttl, config.payment.window, Clock::system().now());
    let written = db.write(move |tx| {
        if !tx.mark_done("busy day")? {
            return Ok(None);
        }
        let (customers, on_sale) = (user::add_customers(tx, &OUTBOX)?, PastStock { outbox: &OUTBOX }.products(tx)?);
        let (orders, mut steps) = plan(&mut Rng::with_seed(SEED), ttl, now, &customers, &on_sale)?;
        // Stable: what happens to an order at one time stays in its order.
        steps.sort_by_key(|(at, ..)| *at);
        let mut past = Past { tx, ttl, window, orders };
        for (at, order, step) in steps {
            past.take(order, step, at)?;
        }
        Ok(Some((customers.len(), past.orders.len())))
    });
    Ok(written.await?.map(|(customers, orders)| Busy { products, customers, orders }))
}

/// An order, as far as it is written.
struct Planned<'a> {
    customer: &'a User,
    basket: Basket,
    method: Method,
    /// `None`: it is not placed yet.
    order: Option<PaidOrder>,
}

/// What happens, to which order and when.
type Steps = Vec<(Timestamp, usize, Step)>;

fn plan<'a>(
    rng: &mut Rng,
    ttl: Duration,
    now: Timestamp,
    customers: &'a [User],
    on_sale: &[Product],
) -> Result<(Vec<Planned<'a>>, Steps)> {
    let (mut orders, mut steps) = (Vec::new(), Vec::new());
    for number in 0..EARLIER + LATELY + WAITING {
        let age = match number {
            _ if number < EARLIER => between(rng, LATE, DAY),
            _ if number < EARLIER + LATELY => between(rng, MIN_AGE, LATE),
            // Orders that wait equally long have to be in the order of their deadlines, also with those that are there.
            _ => Duration::ZERO,
        };
        let placed = now - age;
        steps.push((placed, number, Step::Order));
        if !age.is_zero() {
            let life = LIVES.get(number % LIVES.len()).copied().unwrap_or(Life::Bought);
            steps.extend(fate(rng, life, placed, ttl, now).into_iter().map(|(at, step)| (at, number, step)));
        }
        orders.push(Planned {
            customer: rng.choice(customers).ok_or_else(missing)?,
            basket: basket(rng, on_sale)?,
            method: rng.choice(Method::ALL).unwrap_or(Method::Transfer),
            order: None,
        });
    }
    Ok((orders, steps))
}

/// What happens to an order after it was placed, up to now. It does not wait any more.
fn fate(rng: &mut Rng, life: Life, placed: Timestamp, ttl: Duration, now: Timestamp) -> Vec<(Timestamp, Step)> {
    let mut later = |after: Timestamp, least: u32, most: u32| after + between(rng, MINUTE * least, MINUTE * most);
    let soon = later(placed, 1, 3);
    let expires = placed + ttl;
    match life {
        Life::Expired if expires < now => vec![(expires, Step::Apply(Transition::Expire(Initiator::Deadline)))],
        Life::Cancelled => vec![(soon, Step::Apply(Transition::Cancel))],
        Life::Declined => vec![(soon, Step::Decline)],
        Life::Late => vec![(soon, Step::Lapse)],
        Life::CancelledAfterPayment => {
            vec![(soon, Step::Pay), (later(soon, 5, 20).min(now), Step::Apply(Transition::Cancel))]
        }
        Life::Bought | Life::Expired => {
            let confirmed = later(soon, 2, 30);
            let shipped = later(confirmed, 60, 180);
            let completed = later(shipped, 180, 540);
            let mut steps = vec![
                (soon, Step::Pay),
                (confirmed, Step::Apply(Transition::Confirm)),
                (shipped, Step::Apply(Transition::Ship)),
                (completed, Step::Apply(Transition::Complete)),
            ];
            steps.retain(|(at, _)| *at <= now);
            steps
        }
    }
}

/// One to three products of the catalogue, one to three units of each.
fn basket(rng: &mut Rng, on_sale: &[Product]) -> Result<Basket> {
    let count = rng.usize(1..=3);
    let lines = rng.choose_multiple(on_sale, count).into_iter().map(|product| {
        let quantity = Quantity::try_from(rng.i64(1..=3)).map_err(|_| missing())?;
        Ok((product.id, quantity))
    });
    lines.collect::<Result<_>>().map(Basket)
}

fn between(rng: &mut Rng, least: Duration, most: Duration) -> Duration {
    least + (most - least).mul_f64(rng.f64())
}

fn missing() -> Error {
    Error::internal(anyhow::anyhow!("the seed lacks something"))
}

/// Writes the past.
struct Past<'a, 'b> {
    tx: &'a Tx<'a>,
    ttl: Duration,
    window: Duration,
    orders: Vec<Planned<'b>>,
}

impl Past<'_, '_> {
    /// Writes one step of an order, with all that follows from it in other services.
    fn take(&mut self, number: usize, step: Step, at: Timestamp) -> Result<()> {
        let Self { tx, ttl, window, ref mut orders } = *self;
        let (stock, payments) = (PastStock { outbox: &OUTBOX }, PastPayments { outbox: &OUTBOX });
        let past_orders = PastOrders { outbox: &OUTBOX, ttl };
        let planned = orders.get_mut(number).ok_or_else(missing)?;
        if let Step::Order = step {
            let reserved = stock.reserve(tx, &Uuid::now_v7().to_string(), &planned.basket)?;
            let order = past_orders.add(tx, (planned.customer.id, &planned.customer.name), reserved, at)?;
            planned.order = Some(PaidOrder { id: order.id, user_id: order.user_id, total_price: order.total_price });
            return Ok(());
        }
        let order = planned.order.ok_or_else(missing)?;
        let transition = if let Step::Apply(transition) = step {
            transition
        } else {
            let opened = if let Step::Lapse = step { at - window } else { at - PAYING };
            let payment = payments.open(tx, order, planned.method, opened, opened + window)?;
            let (status, transition) = match step {
                Step::Lapse => (Status::Expired, Transition::Expire(Initiator::Payment(payment))),
                Step::Decline => (Status::Failed, Transition::Fail(Initiator::Payment(payment))),
                _ => (Status::Paid, Transition::Pay(Initiator::Payment(payment))),
            };
            payments.end(tx, payment, status)?;
            transition
        };
        for call in past_orders.apply(tx, order.id, transition, at)? {
            match call {
                OrderJob::Commit(key) => stock.commit(tx, &key, at)?,
                OrderJob::Release(key) => stock.release(tx, &key, &planned.basket, at)?,
                OrderJob::Refund(payment) => payments.end(tx, payment, Status::Refunded)?,
                OrderJob::Settle(_) => {}
            }
        }
        Ok(())
    }
}
