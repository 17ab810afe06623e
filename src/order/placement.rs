//! Placing an order: a saga over the user, product and order services.
//!
//! If no product tracks stock, the only change is one write at the end, so a failure before it leaves nothing behind.
//!
//! Otherwise the first write plans a job that releases the reservation, the product service then makes the reservation,
//! and the last write inserts the order and withdraws that job. After any failure in between, even of the whole
//! process, the job becomes due and a worker releases the reservation. Its key never reserves anything again, even if
//! the request to reserve arrives late.
//!
//! The reservation answers with the names and prices of the products. So where a product is likely to track stock (see
//! [`StockHints`](super::hints::StockHints)), nobody asks for the products first, and the first write is made while the
//! user service answers.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use futures_util::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::api::{Item, OrderResponse};
use super::forms::{NewOrder, Selection};
use super::jobs::OrderJob;
use super::state::{Quota, State};
use super::store::quota;
use super::store::{self, OrderDraft};
use crate::auth::Scope;
use crate::context::{CALL_BUDGET, Context};
use crate::domain::{Quantity, Rupiah, Sentence, Timestamp, UserId};
use crate::error::{
    Error, INVALID_FIELDS, NOT_ALLOWED, PRICE_DIFFERS, PRODUCT_NOT_FOUND, Result, TOO_MANY_HELD_UNITS, TOO_SLOW,
    USER_NOT_FOUND,
};
use crate::events::{Event, Outbox, jobs};
use crate::product::api::{Product, Reservation, insufficient};
use crate::product::client::Line;
use crate::storage::Tx;
use crate::storage::idempotency::{self, Created, Key};

/// How long a placement may take from its first write to its last. Its idempotency key, its claim on the quota and its
/// planned job are leased for this time.
const PLACEMENT_LEASE: Duration = Duration::from_secs(5);
const _: () = assert!(
    PLACEMENT_LEASE.as_millis() >= 2 * CALL_BUDGET.as_millis(),
    "a slow placement must end within its lease, or its own reservation is released"
);
const _: () = assert!(
    PLACEMENT_LEASE.as_millis() <= idempotency::MAX_LEASE.as_millis(),
    "the lease of a key that ends later counts as ended"
);
const _: () = assert!(
    PLACEMENT_LEASE.as_millis() <= jobs::MAX_PAUSE.as_millis(),
    "a planned job that is due later is brought forward, and would release the reservation too early"
);
/// The most products that are read at the same time.
const MAX_PARALLEL_CALLS: usize = 8;

/// The request for an order.
struct Request {
    new: NewOrder,
    key: Option<Key>,
    /// The quota of the account; `None` without one.
    quota: Option<Quota>,
}

/// Places an order for a user within `scope`. Requests with the same `key` create one order and get the same answer.
pub async fn place_order(
    state: &State,
    context: &Context,
    scope: Scope,
    new: NewOrder,
    key: Option<Key>,
) -> Result<Created> {
    let user_id = new.user_id;
    if !scope.includes(user_id) {
        return Err(no_user(user_id));
    }
    if let Some(placed) = idempotency::replay(&state.db, key.as_ref(), state.clock.now()).await? {
        return Ok(placed);
    }
    let quota = (scope != Scope::All).then_some(state.quota);
    let request = Arc::new(Request { new, key, quota });
    if let Selection::Products(basket) = &request.new.selection
        && let Some(units) = state.stock_hints.units(basket)
    {
        let lines = basket.0.iter().map(|(&id, &quantity)| (id, quantity)).collect();
        let begun = join(user_name(state, context, user_id), begin(state, &request, units)).await;
        // The hint may have counted too many units. What the last write refuses was counted from the reservation.
        if !begun.1.as_ref().is_err_and(|error| error.is(&TOO_MANY_HELD_UNITS)) {
            return reserve_and_insert(state, context, &request, lines, begun).await;
        }
    }
    let found = join(user_name(state, context, user_id), items(state, context, &request.new.selection)).await;
    let (user_name, items) = (found.0?, found.1?);
    request.check(&items)?;
    // A product that is sold out needs no reservation to find that out.
    for item in &items {
        if let (Some(left), Some(id)) = (item.stock.filter(|left| *left < item.quantity.get()), item.id) {
            return Err(insufficient(id, Some(&item.name), left, item.quantity.get()));
        }
    }
    if scope != Scope::All && items.iter().any(|item| item.id.is_none()) {
        return Err(Error::new(&NOT_ALLOWED).detail("what the catalogue does not have, only an admin may order"));
    }
    if items.iter().any(|item| item.stock.is_some()) {
        let lines = items.iter().filter_map(|item| Some((item.id?, item.quantity))).collect();
        let begun = begin(state, &request, tracked_units(&items)).await;
        reserve_and_insert(state, context, &request, lines, (Ok(user_name), begun)).await
    } else {
        insert(state, request, user_name, items).await
    }
}

/// Stores an order without tracked stock, in one write.
async fn insert(state: &State, request: Arc<Request>, user_name: String, items: Vec<Item>) -> Result<Created> {
    let order = request.order(user_name, items, None, state)?;
    let outbox = state.outbox;
    state
        .db
        .write(move |tx| {
            // A request with the same key may have placed the order during the calls.
            idempotency::once(tx, request.key.as_ref(), order.created_at, || {
                let claim = request.claim(tx, 0, order.created_at, order.created_at)?;
                add(tx, &outbox, order.clone(), claim)
            })
        })
        .await
}

/// What the first write of an order with tracked stock hands to the last one.
#[derive(Clone)]
struct PlacementStart {
    /// The key of the reservation.
    reservation: String,
    /// The planned job that releases the reservation.
    release: i64,
    /// The claim on the account's quota.
    claim: Option<i64>,
    /// The units that it claims.
    units: i64,
}

/// Reserves the stock of an order and stores the order, after the user's name and the first write.
async fn reserve_and_insert(
    state: &State,
    context: &Context,
    request: &Arc<Request>,
    lines: Vec<Line>,
    (user_name, begun): (Result<String>, Result<Result<PlacementStart, Created>>),
) -> Result<Created> {
    let products = state.products()?;
    let start = match begun {
        Ok(Ok(start)) => start,
        Ok(Err(placed)) => return Ok(placed),
        Err(error) => return Err(user_name.err().unwrap_or(error)),
    };
    let user_name = match user_name {
        Ok(user_name) => user_name,
        Err(error) => {
            undo(state, request, start, |tx, release| jobs::withdraw(tx, release).map(drop)).await;
            return Err(error);
        }
    };
    let placed = match products.reserve(context, &start.reservation, &lines).await {
        Ok(reserved) => finish(state, request, user_name, reserved, start.clone()).await,
        Err(error) => {
            state.stock_hints.forget(&lines);
            Err(error)
        }
    };
    if placed.is_err() {
        undo(state, request, start, jobs::run_now).await;
    }
    placed
}

/// The first write of an order with tracked stock; `units` are the tracked units, as far as they are known. If a request
/// with the same key has placed the order meanwhile, its answer.
async fn begin(state: &State, request: &Arc<Request>, units: i64) -> Result<Result<PlacementStart, Created>> {
    // Such keys grow with time, so that new reservations are stored side by side.
    let reservation = Uuid::now_v7().to_string();
    let (now, lease) = (state.clock.now(), state.clock.after(PLACEMENT_LEASE));
    let request = Arc::clone(request);
    let work = move |tx: &Tx<'_>| {
        if let Some(placed) = idempotency::begin(tx, request.key.as_ref(), &reservation, lease, now)? {
            return Ok(Err(placed));
        }
        let claim = request.claim(tx, units, lease, now)?;
        let release = jobs::plan(tx, &OrderJob::Release(reservation.clone()), lease)?;
        Ok(Ok(PlacementStart { reservation: reservation.clone(), release, claim, units }))
    };
    state.db.write(work).await
}

/// Stores the order with the reserved lines, and withdraws the job that would release them.
async fn finish(
    state: &State,
    request: &Arc<Request>,
    user_name: String,
    reserved: Reservation,
    start: PlacementStart,
) -> Result<Created> {
    for item in &reserved.items {
        state.stock_hints.learn(item.product_id, item.stock);
    }
    let items = reserved.items.into_iter().map(|item| Item {
        id: Some(item.product_id),
        name: item.name,
        price: item.price,
        quantity: item.quantity,
        stock: item.stock,
    });
    let items: Vec<_> = items.collect();
    request.check(&items)?;
    let units = tracked_units(&items);
    let order = request.order(user_name, items, Some(reserved.key), state)?;
    let (outbox, request) = (state.outbox, Arc::clone(request));
    state
        .db
        .write(move |tx| {
            if !jobs::withdraw(tx, start.release)? {
                return Err(Error::new(&TOO_SLOW).detail("the reservation was given back meanwhile"));
            }
            let claim = match start.claim {
                // The units were not those that a hint had led to expect.
                Some(claim) if start.units != units => {
                    quota::abandon(tx, claim)?;
                    request.claim(tx, units, order.created_at, order.created_at)?
                }
                claim => claim,
            };
            let placed = add(tx, &outbox, order.clone(), claim)?;
            idempotency::finish(tx, request.key.as_ref(), &start.reservation, &placed)?;
            Ok(placed)
        })
        .await
}

/// Undoes the first write of an order that could not be placed; `end_release` ends its planned job.
async fn undo(
    state: &State,
    request: &Arc<Request>,
    start: PlacementStart,
    end_release: fn(&Tx<'_>, i64) -> Result<()>,
) {
    let request = Arc::clone(request);
    let undone = state.db.write(move |tx| {
        idempotency::abandon(tx, request.key.as_ref(), &start.reservation)?;
        if let Some(claim) = start.claim {
            quota::abandon(tx, claim)?;
        }
        end_release(tx, start.release)
    });
    if let Err(error) = undone.await {
        log::warn!("an order that could not be placed is undone when its lease ends: {error}");
    }
}

fn add(tx: &Tx<'_>, outbox: &Outbox, draft: OrderDraft, claim: Option<i64>) -> Result<Created> {
    let order = store::insert(tx, draft)?;
    if let Some(claim) = claim
        && !quota::keep(tx, claim, order.id)?
    {
        return Err(Error::new(&TOO_SLOW).detail("the order took too long to be placed"));
    }
    outbox.emit(tx, &Event::OrderCreated { order_id: order.id, user_id: order.user_id, at: order.created_at })?;
    Created::first(order.id.get(), &OrderResponse::from(&order))
}

fn no_user(id: UserId) -> Error {
    Error::new(&USER_NOT_FOUND).detail(format!("there is no user {id}"))
}

/// The user's name; [`USER_NOT_FOUND`] if there is no such user.
async fn user_name(state: &State, context: &Context, id: UserId) -> Result<String> {
    let user = state.users.get(context, id).await?;
    user.map(|user| user.name).ok_or_else(|| no_user(id))
}

/// The units of the lines whose products track stock.
fn tracked_units(items: &[Item]) -> i64 {
    items.iter().filter(|item| item.stock.is_some()).map(|item| item.quantity.get()).sum()
}

/// The lines of the order, with the present names, prices and stock.
async fn items(state: &State, context: &Context, selection: &Selection) -> Result<Vec<Item>> {
    let item = |product: Product, quantity| {
        state.stock_hints.learn(product.id, product.stock);
        Item { id: Some(product.id), name: product.name, price: product.price, quantity, stock: product.stock }
    };
    match selection {
        Selection::Products(basket) => {
            let products = state.products()?;
            let asked = basket.0.iter().map(|(&id, &quantity)| async move {
                let missing = || Error::new(&PRODUCT_NOT_FOUND).detail(format!("there is no product {id}"));
                Ok(item(products.get(context, id).await?.ok_or_else(missing)?, quantity))
            });
            stream::iter(asked).buffered(MAX_PARALLEL_CALLS).try_collect().await
        }
        Selection::Named { name, price } => {
            let found = match &state.products {
                Some(products) => products.named(context, name.as_str()).await?,
                None => None,
            };
            let custom = || Item {
                id: None,
                name: name.as_str().to_owned(),
                price: *price,
                quantity: Quantity::ONE,
                stock: None,
            };
            Ok(vec![found.map_or_else(custom, |product| item(product, Quantity::ONE))])
        }
    }
}

impl Request {
    /// Claims an order of `units` tracked units of the account's quota. Returns the id of the claim; `None` without a
    /// quota.
    fn claim(&self, tx: &Tx<'_>, units: i64, lease_until: Timestamp, now: Timestamp) -> Result<Option<i64>> {
        self.quota.map(|bounds| quota::claim(tx, bounds, self.new.user_id, units, lease_until, now)).transpose()
    }

    /// [`PRICE_DIFFERS`] if the request states another price than the catalogue, [`INVALID_FIELDS`] if the total is too
    /// large.
    fn check(&self, items: &[Item]) -> Result<()> {
        if let (Selection::Named { price, .. }, [item]) = (&self.new.selection, items)
            && item.price != *price
        {
            return Err(Error::new(&PRICE_DIFFERS).detail(format!("the price of {} is {}", item.name, item.price)));
        }
        self.total(items).map(drop)
    }

    /// The sum of price × quantity; [`INVALID_FIELDS`] if it is too large.
    fn total(&self, items: &[Item]) -> Result<Rupiah> {
        let total =
            items.iter().try_fold(Rupiah::ZERO, |sum, item| sum.checked_add(item.price.checked_mul(item.quantity)?));
        total.ok_or_else(|| {
            let why = Sentence::new("membuat jumlah harga terlalu besar", "makes the total too large");
            Error::new(&INVALID_FIELDS).field(self.new.field, why)
        })
    }

    /// The order, which has no id yet.
    fn order(
        &self,
        user_name: String,
        items: Vec<Item>,
        reservation: Option<String>,
        state: &State,
    ) -> Result<OrderDraft> {
        // Read once, so that all orders wait equally long.
        let created_at = state.clock.now();
        Ok(OrderDraft {
            user_id: self.new.user_id,
            user_name,
            total_price: self.total(&items)?,
            items,
            created_at,
            expires_at: created_at + state.order_ttl,
            reservation,
        })
    }
}
