//! Placing an order: a saga over the user, product and order services.
//!
//! If no product tracks stock, the only change is one write at the end, so a failure before it leaves nothing behind.
//!
//! Otherwise the first write plans a job that releases the reservation, the product service then makes the reservation,
//! and the last write inserts the order and withdraws that job. After any failure in between, even of the whole
//! process, the job becomes due and a worker releases the reservation. Its key never reserves anything again, even if
//! the request to reserve arrives late.

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
    Error, INVALID_FIELDS, NOT_ALLOWED, PRICE_DIFFERS, PRODUCT_NOT_FOUND, Result, TOO_SLOW, USER_NOT_FOUND,
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

/// An order before it is stored: the request, with the answers of the other services.
struct Checkout {
    user_id: UserId,
    user_name: String,
    items: Vec<Item>,
    /// Whether a product tracks stock, which must be reserved.
    tracks_stock: bool,
    /// The price that the request states for its only product.
    stated_price: Option<Rupiah>,
    /// The field of the request that an error names.
    field: &'static str,
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
    if !scope.includes(new.user_id) {
        return Err(no_user(new.user_id));
    }
    if let Some(placed) = idempotency::replay(&state.db, key.as_ref(), state.clock.now()).await? {
        return Ok(placed);
    }
    let mut checkout = prepare(state, context, &new).await?;
    checkout.quota = (scope != Scope::All).then_some(state.quota);
    let checkout = Arc::new(checkout);
    if scope != Scope::All && checkout.items.iter().any(|item| item.id.is_none()) {
        return Err(Error::new(&NOT_ALLOWED).detail("what the catalogue does not have, only an admin may order"));
    }
    if checkout.tracks_stock {
        reserve_and_insert(state, context, checkout, key).await
    } else {
        insert(state, checkout, key).await
    }
}

/// Stores an order without tracked stock, in one write.
async fn insert(state: &State, checkout: Arc<Checkout>, key: Option<Key>) -> Result<Created> {
    let order = checkout.order(checkout.items.clone(), None, state)?;
    let outbox = state.outbox;
    state
        .db
        .write(move |tx| {
            // A request with the same key may have placed the order during the calls.
            idempotency::once(tx, key.as_ref(), order.created_at, || {
                let claim = checkout.claim(tx, order.created_at, order.created_at)?;
                add(tx, &outbox, order.clone(), claim)
            })
        })
        .await
}

/// What the first write of an order with tracked stock hands to the last one.
#[derive(Clone, Copy)]
struct PlacementStart {
    /// The planned job that releases the reservation.
    release: i64,
    /// The claim on the account's quota.
    claim: Option<i64>,
}

/// Reserves the stock of an order and stores the order.
async fn reserve_and_insert(
    state: &State,
    context: &Context,
    checkout: Arc<Checkout>,
    key: Option<Key>,
) -> Result<Created> {
    let reservation = Uuid::new_v4().to_string();
    let (now, lease) = (state.clock.now(), state.clock.after(PLACEMENT_LEASE));
    let (leased, own, claimed) = (key.clone(), reservation.clone(), Arc::clone(&checkout));
    let begun = state.db.write(move |tx| {
        if let Some(placed) = idempotency::begin(tx, leased.as_ref(), &own, lease, now)? {
            return Ok(Err(placed));
        }
        let claim = claimed.claim(tx, lease, now)?;
        Ok(Ok(PlacementStart { release: jobs::plan(tx, &OrderJob::Release(own.clone()), lease)?, claim }))
    });
    let begun = match begun.await? {
        Ok(begun) => begun,
        Err(placed) => return Ok(placed),
    };
    let placed = match state.products()?.reserve(context, &reservation, &checkout.lines()).await {
        Ok(reserved) => finish(state, checkout, key.clone(), reserved, begun).await,
        Err(error) => Err(error),
    };
    if placed.is_err() {
        let undone = state.db.write(move |tx| {
            idempotency::abandon(tx, key.as_ref(), &reservation)?;
            if let Some(claim) = begun.claim {
                quota::abandon(tx, claim)?;
            }
            jobs::run_now(tx, begun.release)
        });
        if let Err(error) = undone.await {
            log::warn!("an order that came to nothing is undone when its lease runs out: {error}");
        }
    }
    placed
}

/// Stores the order with the reserved lines, and withdraws the job that would release them.
async fn finish(
    state: &State,
    checkout: Arc<Checkout>,
    key: Option<Key>,
    reserved: Reservation,
    begun: PlacementStart,
) -> Result<Created> {
    let reservation = reserved.key;
    let items = reserved.items.into_iter().map(|item| Item {
        id: Some(item.product_id),
        name: item.name,
        price: item.price,
        quantity: item.quantity,
        stock: item.stock,
    });
    let items: Vec<_> = items.collect();
    checkout.check_price(&items)?;
    let order = checkout.order(items, Some(reservation.clone()), state)?;
    let outbox = state.outbox;
    state
        .db
        .write(move |tx| {
            if !jobs::withdraw(tx, begun.release)? {
                return Err(Error::new(&TOO_SLOW).detail("the reservation was given back meanwhile"));
            }
            let placed = add(tx, &outbox, order.clone(), begun.claim)?;
            idempotency::finish(tx, key.as_ref(), &reservation, &placed)?;
            Ok(placed)
        })
        .await
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

/// Reads the user and the products from their services, all at once, and checks the order against them.
async fn prepare(state: &State, context: &Context, new: &NewOrder) -> Result<Checkout> {
    let user_id = new.user_id;
    let (user, items) = join(state.users.get(context, user_id), items(state, context, &new.selection)).await;
    let user = user?.ok_or_else(|| no_user(user_id))?;
    let items = items?;
    let stated_price = match &new.selection {
        Selection::Named { price, .. } => Some(*price),
        Selection::Products(_) => None,
    };
    let tracks_stock = items.iter().any(|item| item.stock.is_some());
    let checkout =
        Checkout { user_id, user_name: user.name, items, tracks_stock, stated_price, field: new.field, quota: None };
    checkout.check_price(&checkout.items)?;
    checkout.total(&checkout.items)?;
    // A product that is sold out needs no reservation to find that out.
    for item in &checkout.items {
        if let (Some(left), Some(id)) = (item.stock.filter(|left| *left < item.quantity.get()), item.id) {
            return Err(insufficient(id, Some(&item.name), left, item.quantity.get()));
        }
    }
    Ok(checkout)
}

/// The lines of the order, with the present names, prices and stock.
async fn items(state: &State, context: &Context, selection: &Selection) -> Result<Vec<Item>> {
    let item = |product: Product, quantity| Item {
        id: Some(product.id),
        name: product.name,
        price: product.price,
        quantity,
        stock: product.stock,
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

impl Checkout {
    /// The lines that have a product, for the reservation.
    fn lines(&self) -> Vec<Line> {
        self.items.iter().filter_map(|item| Some((item.id?, item.quantity))).collect()
    }

    /// Claims the order's share of the account's quota. Returns the id of the claim; `None` without a quota.
    fn claim(&self, tx: &Tx<'_>, lease_until: Timestamp, now: Timestamp) -> Result<Option<i64>> {
        let units = self.items.iter().filter(|item| item.stock.is_some()).map(|item| item.quantity.get()).sum();
        self.quota.map(|bounds| quota::claim(tx, bounds, self.user_id, units, lease_until, now)).transpose()
    }

    /// [`PRICE_DIFFERS`] if the request states another price than the catalogue.
    fn check_price(&self, items: &[Item]) -> Result<()> {
        match (self.stated_price, items) {
            (Some(stated_price), [item]) if item.price != stated_price => {
                Err(Error::new(&PRICE_DIFFERS).detail(format!("the price of {} is {}", item.name, item.price)))
            }
            _ => Ok(()),
        }
    }

    /// The sum of price × quantity; [`INVALID_FIELDS`] if it is too large.
    fn total(&self, items: &[Item]) -> Result<Rupiah> {
        let total =
            items.iter().try_fold(Rupiah::ZERO, |sum, item| sum.checked_add(item.price.checked_mul(item.quantity)?));
        total.ok_or_else(|| {
            let why = Sentence::new("membuat jumlah harga terlalu besar", "makes the total too large");
            Error::new(&INVALID_FIELDS).field(self.field, why)
        })
    }

    /// The order, which has no id yet.
    fn order(&self, mut items: Vec<Item>, reservation: Option<String>, state: &State) -> Result<OrderDraft> {
        let total_price = self.total(&items)?;
        if reservation.is_none() {
            items.iter_mut().for_each(|item| item.stock = None);
        }
        Ok(OrderDraft {
            user_id: self.user_id,
            user_name: self.user_name.clone(),
            items,
            total_price,
            created_at: state.clock.now(),
            expires_at: state.clock.after(state.order_ttl),
            reservation,
        })
    }
}
