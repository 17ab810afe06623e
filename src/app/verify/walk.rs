//! One walk along the orders, with their payments and reservations beside them.

use std::collections::{BTreeMap, HashMap};

use anyhow::bail;

use super::compare::{Case, Suspects};
use super::rows::{Record, Rows};
use crate::app::shop::Shop;
use crate::order::api::OrderRecord;
use crate::payment::api::PaymentRecord;
use crate::product::api::ReservationRecord;

/// The most reservations whose orders were not met yet.
const MAX_UNMATCHED: usize = 1_000_000;
/// Orders between two messages about the progress.
const STEP: i64 = 1000;

/// What the walk has seen.
#[derive(Default)]
pub struct Seen {
    pub figures: BTreeMap<&'static str, i64>,
    /// The last order.
    pub last_order: i64,
}

/// The reservations in the order of their keys. These grow with time as the ids of orders do, but not quite: requests
/// overtake each other. So those that are met before their orders wait here.
struct Reservations {
    rows: Option<Rows<ReservationRecord>>,
    unmatched: HashMap<String, ReservationRecord>,
    count: i64,
}

impl Reservations {
    /// The reservation with this key, unless it is released.
    async fn take(&mut self, key: &str) -> anyhow::Result<Option<ReservationRecord>> {
        self.pass_until(Some(key)).await?;
        Ok(self.unmatched.remove(key))
    }

    /// Reads up to this key; without one, to the end.
    async fn pass_until(&mut self, key: Option<&str>) -> anyhow::Result<()> {
        let Some(rows) = &mut self.rows else { return Ok(()) };
        while let Some(next) = rows.peek().await?
            && key.is_none_or(|key| next.key.as_str() <= key)
        {
            let Some(reservation) = rows.next().await? else { break };
            self.count += 1;
            // A released one needs no order, and an order may miss it.
            if reservation.state != "released" {
                self.unmatched.insert(reservation.key.clone(), reservation);
            }
            if self.unmatched.len() > MAX_UNMATCHED {
                bail!("a million reservations belong to no order: are these the services of one shop?");
            }
        }
        Ok(())
    }
}

/// Compares all orders, payments and reservations.
pub async fn walk(
    shop: &Shop,
    last_user: i64,
    suspects: &mut Suspects,
    progress: &impl Fn(&str),
) -> anyhow::Result<Seen> {
    let mut orders: Rows<OrderRecord> = Rows::of(&shop.order);
    let mut payments: Rows<PaymentRecord> = Rows::of(&shop.payment);
    let rows = shop.product.as_ref().map(Rows::of);
    let with_products = rows.is_some();
    let mut reservations = Reservations { rows, unmatched: HashMap::new(), count: 0 };
    let (mut compared, mut paid, mut rupiah, mut last_order) = (0, 0, 0_i64, 0);
    while let Some(order) = orders.next().await? {
        last_order = order.order_id;
        compared += 1;
        if compared % STEP == 0 {
            progress(&format!("comparing order {compared}"));
        }
        let payment = payment_of(&mut payments, last_order, last_user, suspects).await?;
        let reservation = match &order.reservation {
            Some(key) if with_products => reservations.take(key).await?,
            _ => None,
        };
        if let Some(payment) = payment.as_ref().filter(|payment| payment.status == "paid") {
            paid += 1;
            rupiah = rupiah.saturating_add(payment.amount);
        }
        // Without a product service nothing is known of its reservations.
        let order = if with_products { order } else { OrderRecord { reservation: None, ..order } };
        suspects.add(&Case { order: Some(order), payment, reservation }, last_user);
    }
    while let Some(payment) = payments.next().await? {
        suspects.add(&Case { payment: Some(payment), ..Case::default() }, last_user);
    }
    reservations.pass_until(None).await?;
    for reservation in reservations.unmatched.into_values() {
        suspects.add(&Case { reservation: Some(reservation), ..Case::default() }, last_user);
    }
    let figures = [("orders", compared), ("paid", paid), ("rupiah", rupiah), ("reservations", reservations.count)];
    Ok(Seen { figures: figures.into(), last_order })
}

/// The payment of an order. Payments before it are of orders that were not met.
async fn payment_of(
    payments: &mut Rows<PaymentRecord>,
    order: i64,
    last_user: i64,
    suspects: &mut Suspects,
) -> anyhow::Result<Option<PaymentRecord>> {
    while let Some(next) = payments.peek().await? {
        if next.order_id > order {
            break;
        }
        let payment = payments.next().await?;
        match payment {
            Some(payment) if payment.order_id < order => {
                suspects.add(&Case { payment: Some(payment), ..Case::default() }, last_user);
            }
            payment => return Ok(payment),
        }
    }
    Ok(None)
}

/// All rows after a cursor.
pub async fn collect<T: Record>(mut rows: Rows<T>) -> anyhow::Result<Vec<T>> {
    let mut all = Vec::new();
    while let Some(row) = rows.next().await? {
        all.push(row);
    }
    Ok(all)
}
