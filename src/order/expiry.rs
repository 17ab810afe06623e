//! The expiry of orders that nobody paid in time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::api::Order;
use super::lifecycle::{self, Initiator, Transition};
use super::state::State;
use super::store::{self, Filter, pending};
use crate::context::{CALL_BUDGET, Context};
use crate::domain::{OrderId, OrderStatus as Status, Timestamp};
use crate::error::{ORDER_STATE, Result};
use crate::storage::{Cursor, Listed, MAX_CHUNK_ROWS, Sort, Tx};

/// How long after its deadline an order stays pending. The payment service may still be reporting a payment that was
/// confirmed in time.
pub const PAYMENT_GRACE: Duration = Duration::from_secs(2);
const _: () = assert!(
    PAYMENT_GRACE.as_millis() >= CALL_BUDGET.as_millis(),
    "a request that confirmed a payment in time must be able to report it"
);
/// A deadline that is brought forward makes its order wait for a multiple of this share of `ORDER_TTL`, so that there
/// are few waits.
const WAITS_PER_TTL: u32 = 16;

/// Expires the orders whose deadline has passed.
pub struct Sweeper {
    state: State,
    /// `None`: it has not looked yet.
    last: Mutex<Option<Look>>,
}

/// What the sweeper saw when it looked for expired orders.
#[derive(Clone, Copy)]
struct Look {
    at: Timestamp,
    /// The newest order. `None`: there was no order.
    newest: Option<OrderId>,
}

impl Sweeper {
    pub fn new(state: State) -> Self {
        Self { state, last: Mutex::new(None) }
    }

    /// Expires all orders whose deadline has passed.
    pub async fn sweep(&self) -> Result<()> {
        let state = &self.state;
        loop {
            self.check_clock().await?;
            let (now, outbox) = (state.clock.now(), state.outbox);
            let due = state.db.read(move |tx| pending::due(tx, now - PAYMENT_GRACE, MAX_CHUNK_ROWS)).await?;
            if due.is_empty() {
                return Ok(());
            }
            let jobs = state
                .db
                .write_in_background(move |tx| {
                    let mut all = Vec::new();
                    for id in &due {
                        let expire = Transition::Expire(Initiator::Deadline);
                        match lifecycle::make_transition(tx, &outbox, *id, Status::Pending, expire, now) {
                            Ok((_, jobs)) => all.extend(jobs),
                            // Another transition came first.
                            Err(error) if error.is(&ORDER_STATE) => {}
                            Err(error) => return Err(error),
                        }
                    }
                    Ok(all)
                })
                .await?;
            lifecycle::run_jobs(state, &Context::own(), jobs).await;
        }
    }

    /// Forgets what it saw.
    pub fn forget(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Brings deadlines forward if the clock was set back since the last look, or may have been before the first one.
    ///
    /// A clock that is set back by less than the time since the last look is not noticed. It delays a deadline by less
    /// than that time.
    async fn check_clock(&self) -> Result<()> {
        let newest = self.state.db.read(store::newest).await?;
        // Read after the newest order: all orders up to that one were made before.
        let at = self.state.clock.now();
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| at < last.at) {
            self.bring_forward(at, last).await?;
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Look { at, newest });
        Ok(())
    }

    /// Brings forward the deadlines of orders that were made before the clock was set back to `now`. No order waits
    /// longer than one that is made now.
    ///
    /// Only orders whose time of creation is in the future are changed. So a lower `ORDER_TTL` shortens no deadline.
    async fn bring_forward(&self, now: Timestamp, last: Option<Look>) -> Result<()> {
        let state = &self.state;
        let mut after = None;
        loop {
            let chunk = state.db.read(move |tx| newest_pending(tx, after.as_ref(), MAX_CHUNK_ROWS)).await?;
            let Some(oldest) = chunk.last() else { return Ok(()) };
            after = Some(oldest.cursor(Sort::IdDown));
            // Newer orders than the last look saw may have been made after the clock was set back. Behind them are
            // those that were made before, newest first.
            let has_seen = last.is_none_or(|last| Some(oldest.id) <= last.newest);
            if has_seen && chunk.iter().all(|order| order.created_at <= now) {
                return Ok(());
            }
            let late: Vec<_> = chunk.iter().filter_map(|order| earlier(order, now, state.order_ttl)).collect();
            if !late.is_empty() {
                state
                    .db
                    .write_in_background(move |tx| {
                        late.iter().try_for_each(|(id, deadline)| pending::bring_forward(tx, *id, *deadline))
                    })
                    .await?;
            }
        }
    }
}

/// Up to `limit` pending orders after a cursor, newest first.
fn newest_pending(tx: &Tx<'_>, after: Option<&Cursor>, limit: usize) -> Result<Vec<Order>> {
    let filter = Filter { statuses: vec![Status::Pending], user_id: None };
    store::list(tx, &filter, Sort::IdDown, after, limit)
}

/// The deadline of an order that was made in the future and expires later than one that is made now; `None` for other
/// orders. It is up to a sixteenth of `order_ttl` earlier than that of an order that is made now.
fn earlier(order: &Order, now: Timestamp, order_ttl: Duration) -> Option<(OrderId, Timestamp)> {
    let deadline = now + order_ttl;
    if order.created_at <= now || order.expires_at.is_none_or(|expires_at| expires_at <= deadline) {
        return None;
    }
    let step = i64::try_from((order_ttl / WAITS_PER_TTL).as_millis()).unwrap_or(i64::MAX).max(1);
    let wait = deadline.as_millis() - order.created_at.as_millis();
    Some((order.id, Timestamp::from_millis(deadline.as_millis() - wait.rem_euclid(step))))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::{Rupiah, UserId};
    use crate::events::{JobRunner, Outbox};
    use crate::metrics::Metrics;
    use crate::order::jobs;
    use crate::order::state::Quota;
    use crate::order::store::OrderDraft;
    use crate::payment::client::PaymentClient;
    use crate::peer::{self, Peer, Target};
    use crate::storage::Db;
    use crate::user::client::UserClient;

    const START: i64 = 1_800_000_000_000;
    const MINUTE: i64 = 60_000;
    const TTL: Duration = Duration::from_secs(15 * 60);

    struct Shop {
        db: Db,
        clock: Clock,
        _folder: tempfile::TempDir,
    }

    impl Shop {
        fn open(now: i64) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite:{}", folder.path().join("pasar.db").display());
            let db = Db::open(&url.parse().unwrap(), false).unwrap();
            Self { db, clock: Clock::standing_at(now), _folder: folder }
        }

        /// The sweeper of a process that has just started.
        fn sweeper(&self, order_ttl: Duration) -> Sweeper {
            let peer = |name| {
                let target = Target::new(
                    "order",
                    name,
                    "http://127.0.0.1:9".parse().unwrap(),
                    None,
                    Metrics::new("order").unwrap(),
                    crate::faults::Faults::off(),
                );
                Peer::new(peer::client().unwrap(), target)
            };
            let payments = PaymentClient::new(peer("payment"));
            Sweeper::new(State {
                db: self.db.clone(),
                clock: self.clock.clone(),
                users: UserClient::new(peer("user")),
                products: None,
                stock_hints: Arc::default(),
                payments: payments.clone(),
                changes: tokio::sync::watch::channel(()).1,
                outbox: Outbox::new(&[]),
                jobs: JobRunner::new(self.db.clone(), self.clock.clone(), jobs::work(None, payments)),
                order_ttl,
                quota: Quota { orders: 1, units: 1 },
            })
        }

        /// Adds orders, ten milliseconds after each other.
        async fn add_orders(&self, count: usize, order_ttl: Duration) {
            for _ in 0..count {
                let draft = OrderDraft {
                    user_id: UserId::new(1),
                    user_name: "Bambang".to_owned(),
                    items: Vec::new(),
                    total_price: Rupiah::ZERO,
                    created_at: self.clock.now(),
                    expires_at: self.clock.after(order_ttl),
                    reservation: None,
                };
                self.db.write(move |tx| store::insert(tx, draft.clone())).await.unwrap();
                self.clock.set(self.clock.now().as_millis() + 10);
            }
        }

        /// The pending orders, newest first.
        async fn pending(&self) -> Vec<Order> {
            self.db.read(|tx| newest_pending(tx, None, 10_000)).await.unwrap()
        }

        async fn close(self) {
            tokio::task::spawn_blocking(move || self.db.close()).await.unwrap();
        }
    }

    /// Asserts that the orders that were made in the future expire when a new one would, or up to a sixteenth of the
    /// time earlier, and that others wait as long as ever. Returns how many were made in the future.
    async fn assert_brought_forward(shop: &Shop) -> usize {
        let (now, deadline) = (shop.clock.now(), shop.clock.after(TTL));
        let orders = shop.pending().await;
        for order in &orders {
            let expires_at = order.expires_at.unwrap();
            if order.created_at > now {
                assert!(expires_at <= deadline && deadline < expires_at + TTL / WAITS_PER_TTL, "{order:?}");
            } else {
                assert_eq!(expires_at, order.created_at + TTL);
            }
        }
        let waits = shop.db.read(pending::waits).await.unwrap();
        assert!(waits.len() <= WAITS_PER_TTL as usize + 2, "{waits:?}");
        orders.iter().filter(|order| order.created_at > now).count()
    }

    #[tokio::test]
    async fn no_order_waits_longer_than_a_new_one_after_the_clock_is_set_back() {
        for (before, after) in [(0, 0), (150, 0), (150, 250), (0, 250), (250, 1), (90, 20)] {
            let shop = Shop::open(START + 60 * MINUTE);
            let sweeper = shop.sweeper(TTL);
            // Orders that the sweeper sees before the clock is set back, orders that it does not see, and orders that
            // are placed before it sees that the clock was set back.
            shop.add_orders(before, TTL).await;
            sweeper.sweep().await.unwrap();
            shop.add_orders(150, TTL).await;
            shop.clock.set(START);
            shop.add_orders(after, TTL).await;
            sweeper.sweep().await.unwrap();
            assert_eq!(assert_brought_forward(&shop).await, before + 150);
            assert_eq!(shop.pending().await.len(), before + 150 + after);
            // All of them are expired when the last one is due.
            shop.clock.set(shop.clock.after(TTL + PAYMENT_GRACE).as_millis());
            sweeper.sweep().await.unwrap();
            assert_eq!(shop.pending().await.len(), 0);
            shop.close().await;
        }
    }

    #[tokio::test]
    async fn no_order_waits_longer_than_a_new_one_after_the_clock_is_set_back_twice_without_the_process() {
        let shop = Shop::open(START + 60 * MINUTE);
        for minutes in [60, 64, 68] {
            shop.clock.set(START + minutes * MINUTE);
            shop.add_orders(120, TTL).await;
        }
        for (now, future) in [(START + 66 * MINUTE, 120), (START, 360)] {
            shop.clock.set(now);
            shop.sweeper(TTL).sweep().await.unwrap();
            assert_eq!(assert_brought_forward(&shop).await, future);
        }
        shop.close().await;
    }

    #[tokio::test]
    async fn orders_of_each_wait_expire_at_their_own_deadlines() {
        let (long, short) = (Duration::from_secs(3600), Duration::from_secs(60));
        let shop = Shop::open(START);
        shop.add_orders(120, long).await;
        shop.add_orders(230, short).await;
        shop.add_orders(120, long).await;
        let sweeper = shop.sweeper(short);
        for (now, left) in [
            (START + MINUTE, 470),
            // The first short one.
            (START + 1200 + MINUTE + 2000, 469),
            (START + 3490 + MINUTE + 2000, 240),
            (START + 60 * MINUTE + 1999, 240),
            (START + 60 * MINUTE + 2000, 239),
            (START + 4690 + 60 * MINUTE + 2000, 0),
        ] {
            shop.clock.set(now);
            sweeper.sweep().await.unwrap();
            assert_eq!(shop.pending().await.len(), left, "{}", now - START);
        }
        shop.close().await;
    }
}
