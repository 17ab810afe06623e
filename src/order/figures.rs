//! The figures of all orders, for the admin's desk.
//!
//! A subscriber counts the changes of orders. New orders are counted from their table each second, so that placing one
//! pays for nothing more.

use super::api::{MinuteFigures, OrderFigures};
use super::state::State;
use super::store::figures;
use crate::domain::Timestamp;
use crate::error::Result;
use crate::storage::Tx;

/// The minutes that a summary has one by one.
const SHOWN_MINUTES: i64 = 30;
/// The most minutes that a summary can be about.
pub const MAX_MINUTES: i64 = figures::KEPT_MINUTES;

/// Counts the orders that were placed since the last time.
pub async fn count_new_orders(state: &State) -> Result<()> {
    while let Some(new) = state.db.read(figures::uncounted).await? {
        state.db.write_in_background(move |tx| figures::count(tx, &new)).await?;
    }
    Ok(())
}

/// Removes figures that nobody asks for any more.
pub async fn purge(state: &State) -> Result<()> {
    let before = figures::minute(state.clock.now()) - figures::KEPT_MINUTES;
    state.db.write_in_background(move |tx| figures::purge(tx, before)).await.map(drop)
}

/// The orders in figures, those of the last `minutes`. The one that is not over is among them.
pub fn summary(tx: &Tx<'_>, minutes: i64, now: Timestamp) -> Result<OrderFigures> {
    let last = figures::minute(now);
    let (first, first_shown) = (last - minutes + 1, last - SHOWN_MINUTES + 1);
    let known = figures::minutes(tx, first_shown, last)?;
    let of = |minute: i64| {
        let at = figures::start_of(minute);
        let found = known.iter().find(|figures| figures.at == at).copied();
        found.unwrap_or(MinuteFigures { at, placed: 0, refused: 0, revenue: 0 })
    };
    let (placed, refused, revenue) = figures::totals(tx, first, last)?;
    let minutes = (first_shown..=last).map(of).collect();
    Ok(OrderFigures { statuses: figures::counts(tx)?, placed, refused, revenue, minutes })
}
