//! Placing an order, step by step.
//!
//! Until the one write at the end nothing has been changed anywhere, so a step that fails leaves
//! nothing behind.

use std::sync::Arc;

use super::api::{Item, NewOrder, Order};
use super::{State, store};
use crate::error::{Error, INVALID_FIELDS, PRODUCT_NOT_FOUND, Result, Sentence, USER_NOT_FOUND};
use crate::web::Context;

/// An order that stands, as it is answered.
pub struct Placed {
    pub id: i64,
    /// The order as JSON: a replay answers with the very same text.
    pub json: String,
    /// Whether it had been placed before, under the same key.
    pub replayed: bool,
}

/// Places an order. Of requests with the same `key` one places it, and all are answered alike.
pub async fn place(state: &State, context: &Context, new: NewOrder, key: Option<String>) -> Result<Placed> {
    let request = serde_json::to_string(&new).map_err(Error::internal)?;
    if let Some(placed) = replay(state, key.clone(), request.clone()).await? {
        return Ok(placed);
    }
    let order = Arc::new(draw_up(state, context, &new).await?);
    state
        .db
        .write(move |tx| {
            // A twin may have come first while the peers were asked.
            if let Some(key) = &key
                && let Some(json) = store::find_key(tx, key, &request, order.created_at)?
            {
                return placed_before(json);
            }
            let mut order = Order::clone(&order);
            order.id = store::insert(tx, &order)?;
            let json = serde_json::to_string(&order).map_err(Error::internal)?;
            if let Some(key) = &key {
                store::insert_key(tx, key, &request, &json, order.created_at)?;
            }
            Ok(Placed { id: order.id, json, replayed: false })
        })
        .await
}

/// The answer that a known key stands for.
async fn replay(state: &State, key: Option<String>, request: String) -> Result<Option<Placed>> {
    let Some(key) = key else { return Ok(None) };
    let known = state.db.read(move |tx| store::find_key(tx, &key, &request, store::now())).await?;
    known.map(placed_before).transpose()
}

fn placed_before(json: String) -> Result<Placed> {
    #[derive(serde::Deserialize)]
    struct Known {
        id: i64,
    }
    let Known { id } = serde_json::from_str(&json).map_err(Error::internal)?;
    Ok(Placed { id, json, replayed: true })
}

/// Asks the other services, both at once, and puts the order together from what they say.
async fn draw_up(state: &State, context: &Context, new: &NewOrder) -> Result<Order> {
    let (user_id, product_id, quantity) = (new.user_id.get(), new.product_id.get(), new.quantity.get());
    let (user, product) =
        futures_util::future::join(state.users.get(context, user_id), state.products.get(context, product_id)).await;
    let user = user?.ok_or_else(|| Error::new(&USER_NOT_FOUND).detail(format!("there is no user {user_id}")))?;
    let product =
        product?.ok_or_else(|| Error::new(&PRODUCT_NOT_FOUND).detail(format!("there is no product {product_id}")))?;
    let total_price = product.price.checked_mul(quantity).ok_or_else(|| {
        let why = Sentence::new("membuat jumlah harga terlalu besar", "makes the total too large");
        Error::new(&INVALID_FIELDS).field("quantity", why)
    })?;
    Ok(Order {
        id: 0,
        user_id,
        user_name: user.name,
        items: vec![Item { id: product_id, name: product.name, price: product.price, quantity }],
        total_price,
        status: "pending".to_owned(),
        created_at: store::now(),
    })
}
