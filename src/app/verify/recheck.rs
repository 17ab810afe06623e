//! A second look at what did not agree.
//!
//! The lists are not of one moment. So a case is looked at again: first the jobs that wait, then its rows. If the rows
//! are the same as before and there is no job about them, nothing will make them right: a change and its job are
//! committed together, so a job that is gone was done before its rows were read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::compare::{Case, Check, Jobs, Suspects, jobs_of};
use super::rows::{self, Rows, after_id};
use super::walk::{Seen, collect};
use crate::app::shop::Shop;
use crate::events::WaitingJob;
use crate::invariants::Finding;
use crate::order::api::OrderRecord;
use crate::peer::Reader;

/// How often a case whose rows change is looked at.
const ROUNDS: usize = 5;
/// The pause before each look.
const PAUSE: Duration = Duration::from_secs(1);

/// What has become of the suspects.
pub async fn recheck(
    shop: &Shop,
    seen: Seen,
    suspects: Suspects,
    progress: &impl Fn(&str),
) -> anyhow::Result<BTreeMap<Check, Finding>> {
    let mut findings: BTreeMap<Check, Finding> = Check::ALL.map(|check| (check, Finding::default())).into();
    let Suspects { first, totals } = suspects;
    let mut left: Vec<(Check, Case)> =
        first.into_iter().flat_map(|(check, cases)| cases.into_iter().map(move |case| (check, case))).collect();
    let kept = |check: &Check| left.iter().filter(|(one, _)| one == check).count() as u64;
    let unseen: BTreeMap<Check, u64> = totals.iter().map(|(check, total)| (*check, total - kept(check))).collect();
    for _ in 0..ROUNDS {
        if left.is_empty() {
            break;
        }
        progress(&format!("looking again at {} rows", left.len()));
        tokio::time::sleep(PAUSE).await;
        let last_user =
            if left.iter().any(|(check, _)| *check == Check::UserOfOrder) { shop.last_user().await? } else { i64::MAX };
        let jobs = jobs(shop).await?;
        let mut fresh = Fresh { shop, after: seen.last_order, new_orders: None };
        let mut changed = Vec::new();
        for (check, case) in left {
            let now = fresh.read(&case).await?;
            if !now.breaks(check, last_user) {
                continue;
            }
            let Some(finding) = findings.get_mut(&check) else { continue };
            if now.has_job(check, &jobs) {
                finding.under_way.add(now.id());
            } else if now == case {
                finding.broken.add(now.id());
            } else {
                changed.push((check, now));
            }
        }
        left = changed;
    }
    for (check, case) in left {
        if let Some(finding) = findings.get_mut(&check) {
            finding.under_way.add(case.id());
        }
    }
    for (check, finding) in &mut findings {
        finding.figures = seen.figures.clone();
        // There are too many to look at each again, and the first of them are at fault.
        let unseen = unseen.get(check).copied().unwrap_or(0);
        if !finding.broken.is_empty() {
            finding.broken.add_unlisted(unseen);
        }
    }
    Ok(findings)
}

/// The jobs that wait, in all databases.
async fn jobs(shop: &Shop) -> anyhow::Result<Jobs> {
    let mut jobs = Jobs::new();
    for reader in [&shop.order, &shop.payment] {
        jobs.extend(jobs_of(collect::<WaitingJob>(Rows::of(reader)).await?));
    }
    Ok(jobs)
}

/// Reads the rows of cases again.
struct Fresh<'a> {
    shop: &'a Shop,
    /// The last order of the walk.
    after: i64,
    /// The orders that were placed since, by their reservations; `None` until they are needed.
    new_orders: Option<HashMap<String, OrderRecord>>,
}

impl Fresh<'_> {
    async fn read(&mut self, case: &Case) -> anyhow::Result<Case> {
        let Shop { order, payment, product, .. } = self.shop;
        let id = case.order.as_ref().map(|it| it.order_id).or(case.payment.as_ref().map(|it| it.order_id));
        let (order, payment) = match (id, &case.reservation) {
            (Some(id), _) => (rows::order(order, id).await?, rows::payment(payment, id).await?),
            (None, Some(reservation)) => (self.new_orders(order).await?.get(&reservation.key).cloned(), None),
            (None, None) => (None, None),
        };
        let own = case.reservation.as_ref().map(|reservation| &reservation.key);
        let key = order.as_ref().and_then(|order| order.reservation.as_ref()).or(own);
        let reservation = match (key, product) {
            (Some(key), Some(product)) => rows::reservation(product, key).await?,
            _ => None,
        };
        // As in the walk.
        let order =
            order.map(|order| if product.is_some() { order } else { OrderRecord { reservation: None, ..order } });
        Ok(Case { order, payment, reservation })
    }

    async fn new_orders(&mut self, reader: &Arc<Reader>) -> anyhow::Result<&HashMap<String, OrderRecord>> {
        if self.new_orders.is_none() {
            let orders = collect::<OrderRecord>(Rows::after(reader, Some(after_id(self.after)))).await?;
            let by_key = orders.into_iter().filter_map(|order| Some((order.reservation.clone()?, order)));
            self.new_orders = Some(by_key.collect());
        }
        Ok(self.new_orders.get_or_insert_default())
    }
}
