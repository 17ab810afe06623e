//! Stock and reservations, in SQL. Every change is one conditional `UPDATE`, so that the stock never falls below zero,
//! however many requests run at the same time. Lines are updated in the order of their ids.
//!
//! `stock` is the number of units that can be bought: a reservation lowers it, a sale does not.

use crate::domain::{ProductId, Quantity, Stock, Timestamp};
use crate::error::{
    Error, PRODUCT_NOT_FOUND, RESERVATION_COMMITTED, RESERVATION_DIFFERS, RESERVATION_NOT_FOUND, RESERVATION_RELEASED,
    Result, STOCK_HELD, STOCK_TOO_LARGE,
};
use crate::events::{Event, Outbox};
use crate::product::api::{Basket, Reservation, ReservationState, ReservedItem, StockLevel, insufficient};
use crate::storage::{Row, Tx};

fn level(row: &Row<'_>) -> Result<StockLevel> {
    Ok(StockLevel {
        product_id: row.get(0)?,
        stock: row.get(1)?,
        reserved: row.get(2)?,
        sold: row.get(3)?,
        received: row.get(4)?,
    })
}

pub fn levels(tx: &Tx<'_>, id: ProductId) -> Result<Option<StockLevel>> {
    tx.query_opt("SELECT id, stock, reserved, sold, received FROM products WHERE id = $1", &[id.into()], level)
}

fn emit_change(tx: &Tx<'_>, outbox: &Outbox, product_id: ProductId, stock: Option<i64>) -> Result<()> {
    outbox.emit(tx, &Event::StockChanged { product_id, stock })
}

/// Sets the stock of a product, which is tracked from now on. `None` if there is no such product.
pub fn set(tx: &Tx<'_>, outbox: &Outbox, id: ProductId, stock: i64) -> Result<Option<StockLevel>> {
    let level = tx.query_opt(
        "UPDATE products SET stock = $2, received = $2 + reserved + sold WHERE id = $1
         RETURNING id, stock, reserved, sold, received",
        &[id.into(), stock.into()],
        level,
    )?;
    if level.is_some() {
        emit_change(tx, outbox, id, Some(stock))?;
    }
    Ok(level)
}

/// Changes the stock of a product by a number of units. `None` if there is no such product. [`insufficient`] or
/// [`STOCK_TOO_LARGE`] if the result is out of bounds.
pub fn change(tx: &Tx<'_>, outbox: &Outbox, id: ProductId, change: i64) -> Result<Option<StockLevel>> {
    let Some(before) = levels(tx, id)? else { return Ok(None) };
    let stock = before.stock.unwrap_or(0) + change;
    if stock < 0 {
        return Err(insufficient(id, None, before.stock.unwrap_or(0), -change));
    }
    if stock > Stock::MAX {
        return Err(Error::new(&STOCK_TOO_LARGE).detail(format!("{} are in stock", stock - change)));
    }
    set(tx, outbox, id, stock)
}

/// Ends the tracking of a product's stock; [`STOCK_HELD`] while orders hold units of it.
pub fn untrack(tx: &Tx<'_>, outbox: &Outbox, id: ProductId) -> Result<()> {
    let sql = "UPDATE products SET stock = NULL, received = NULL WHERE id = $1 AND reserved = 0";
    if tx.execute(sql, &[id.into()])? == 0 {
        return Err(Error::new(&STOCK_HELD));
    }
    emit_change(tx, outbox, id, None)
}

/// Reserves all lines of a basket, or none. Idempotent for one key and basket.
pub fn reserve(tx: &Tx<'_>, outbox: &Outbox, key: &str, basket: &Basket) -> Result<Reservation> {
    if let Some(state) = state(tx, key)? {
        if state == ReservationState::Released {
            return Err(Error::new(&RESERVATION_RELEASED));
        }
        let items = items(tx, key)?;
        if !items.iter().map(|item| (&item.product_id, &item.quantity)).eq(&basket.0) {
            return Err(Error::new(&RESERVATION_DIFFERS));
        }
        return Ok(Reservation { key: key.to_owned(), state, items });
    }
    tx.execute(
        "INSERT INTO reservations (key, state) VALUES ($1, $2)",
        &[key.into(), ReservationState::Held.as_str().into()],
    )?;
    let mut items = Vec::with_capacity(basket.0.len());
    for (&id, &quantity) in &basket.0 {
        let item = reserve_line(tx, outbox, id, quantity)?;
        tx.execute(
            "INSERT INTO reservation_items (key, product_id, name, price, quantity, stock)
             VALUES ($1, $2, $3, $4, $5, $6)",
            &[key.into(), id.into(), (&item.name).into(), item.price.into(), quantity.into(), item.stock.into()],
        )?;
        items.push(item);
    }
    Ok(Reservation { key: key.to_owned(), state: ReservationState::Held, items })
}

/// Reserves units of one product. A product without tracked stock always has enough.
fn reserve_line(tx: &Tx<'_>, outbox: &Outbox, id: ProductId, quantity: Quantity) -> Result<ReservedItem> {
    let held = tx.query_opt(
        "UPDATE products
         SET stock = stock - $2, reserved = reserved + (CASE WHEN stock IS NULL THEN 0 ELSE $2 END)
         WHERE id = $1 AND (stock IS NULL OR stock >= $2)
         RETURNING name, price, stock",
        &[id.into(), quantity.into()],
        |row| Ok(ReservedItem { product_id: id, name: row.get(0)?, price: row.get(1)?, quantity, stock: row.get(2)? }),
    )?;
    if let Some(item) = held {
        if item.stock.is_some() {
            emit_change(tx, outbox, id, item.stock)?;
        }
        return Ok(item);
    }
    let sql = "SELECT name, stock FROM products WHERE id = $1";
    let there = tx.query_opt(sql, &[id.into()], |row| Ok((row.get::<String>(0)?, row.get::<Option<i64>>(1)?)))?;
    Err(match there {
        Some((name, left)) => insufficient(id, Some(&name), left.unwrap_or(0), quantity.get()),
        None => Error::new(&PRODUCT_NOT_FOUND).detail(format!("there is no product {id}")),
    })
}

/// Makes a sale of a reservation. Idempotent.
pub fn commit(tx: &Tx<'_>, key: &str, now: Timestamp) -> Result<Reservation> {
    if end(tx, key, ReservationState::Committed, now)? {
        for item in items(tx, key)?.iter().filter(|item| item.stock.is_some()) {
            tx.execute(
                "UPDATE products SET reserved = reserved - $2, sold = sold + $2 WHERE id = $1",
                &[item.product_id.into(), item.quantity.into()],
            )?;
        }
    }
    match state(tx, key)? {
        Some(state @ ReservationState::Committed) => {
            Ok(Reservation { key: key.to_owned(), state, items: items(tx, key)? })
        }
        Some(_) => Err(Error::new(&RESERVATION_RELEASED)),
        None => Err(Error::new(&RESERVATION_NOT_FOUND)),
    }
}

/// Releases a reservation. Idempotent. An unknown key is stored as released, so that it never reserves anything if its
/// reservation arrives late.
pub fn release(tx: &Tx<'_>, outbox: &Outbox, key: &str, now: Timestamp) -> Result<()> {
    if end(tx, key, ReservationState::Released, now)? {
        for item in items(tx, key)?.iter().filter(|item| item.stock.is_some()) {
            let stock = tx.query_opt(
                "UPDATE products SET reserved = reserved - $2, stock = stock + $2 WHERE id = $1 RETURNING stock",
                &[item.product_id.into(), item.quantity.into()],
                |row| row.get(0),
            )?;
            emit_change(tx, outbox, item.product_id, stock.flatten())?;
        }
        return Ok(());
    }
    match state(tx, key)? {
        Some(ReservationState::Committed) => Err(Error::new(&RESERVATION_COMMITTED)),
        Some(_) => Ok(()),
        None => {
            tx.execute(
                "INSERT INTO reservations (key, state, ended_at) VALUES ($1, $2, $3)",
                &[key.into(), ReservationState::Released.as_str().into(), now.into()],
            )?;
            Ok(())
        }
    }
}

/// Ends a reservation; false if it is not held.
fn end(tx: &Tx<'_>, key: &str, state: ReservationState, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE reservations SET state = $2, ended_at = $3 WHERE key = $1 AND state = 'held'";
    Ok(tx.execute(sql, &[key.into(), state.as_str().into(), now.into()])? == 1)
}

fn state(tx: &Tx<'_>, key: &str) -> Result<Option<ReservationState>> {
    tx.query_opt("SELECT state FROM reservations WHERE key = $1", &[key.into()], |row| row.parse(0))
}

fn items(tx: &Tx<'_>, key: &str) -> Result<Vec<ReservedItem>> {
    tx.query(
        "SELECT product_id, name, price, quantity, stock FROM reservation_items WHERE key = $1 ORDER BY product_id",
        &[key.into()],
        |row| {
            Ok(ReservedItem {
                product_id: row.get(0)?,
                name: row.get(1)?,
                price: row.get(2)?,
                quantity: row.get(3)?,
                stock: row.get(4)?,
            })
        },
    )
}

/// Removes up to `limit` reservations that were released before `before`, and returns how many. (Sales stay, as the
/// record of what was sold.)
pub fn purge(tx: &Tx<'_>, before: Timestamp, limit: i64) -> Result<u64> {
    let keys = tx.query(
        "SELECT key FROM reservations WHERE state = 'released' AND ended_at < $1 LIMIT $2",
        &[before.into(), limit.into()],
        |row| row.get::<String>(0),
    )?;
    for key in &keys {
        tx.execute("DELETE FROM reservation_items WHERE key = $1", &[key.into()])?;
        tx.execute("DELETE FROM reservations WHERE key = $1", &[key.into()])?;
    }
    Ok(keys.len() as u64)
}
