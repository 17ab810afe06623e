//! Customers that use running services, as many as the settings say: they browse, order, pay, pay too late and cancel.
//!
//! A call without a clear answer is retried with the same key until it is answered. What a service acknowledged is
//! written to a journal. At the end each entry is compared with the order, so a run also shows that nothing
//! acknowledged was lost, and nothing done twice.
//!
//! The services are strangers here: what they answer is counted, whatever it is, and never believed unread.

mod arrivals;
mod call;
mod check;
mod customer;
mod journal;
mod late;
mod report;
mod settings;
mod stats;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use futures_util::future::{join, join_all};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::watch;

use crate::peer;
use arrivals::Arrivals;
use call::Caller;
use customer::Customer;
use stats::Stats;

pub use report::Report;
pub use settings::{MAX_CUSTOMERS, MAX_RATE, Mix, Services, Settings};
pub use stats::Progress;

/// The most customers that register at the same time: the user service hashes a password for each.
const MAX_REGISTRATIONS: usize = 8;
/// The pause between two reports of the progress.
const PROGRESS_PERIOD: Duration = Duration::from_millis(250);

/// Runs customers against `services` until the time is over or `stop` completes, and then checks what was acknowledged.
/// `show` gets the progress. An error if the services can't be used, before any order.
pub async fn run(
    settings: &Settings,
    services: Services,
    stop: impl Future<Output = ()>,
    show: impl Fn(&Progress),
) -> anyhow::Result<Report> {
    let client = peer::client()?;
    for (name, url) in services.named() {
        let ready = peer::check(&client, url.clone()).await;
        ready.with_context(|| format!("the {name} service at {url} is not ready"))?;
    }
    let stats = Arc::new(Mutex::new(Stats::new()?));
    let caller = Arc::new(Caller::new(client, services, Arc::clone(&stats)));
    customer::check_catalogue(&caller).await?;
    let customers: Vec<_> = stream::iter(0..settings.customers)
        .map(|_| Customer::register(Arc::clone(&caller), settings.auth_required))
        .buffer_unordered(MAX_REGISTRATIONS)
        .try_collect()
        .await?;

    let (stop_sender, stopped) = watch::channel(false);
    let arrivals = Arrivals::begin(settings, stopped);
    let work = async {
        let (late_payments, receiver) = late::queue();
        let shop = |customer: Customer| customer.shop(&arrivals, &settings.mix, late_payments.clone());
        let shopping = join_all(customers.into_iter().map(shop).collect::<Vec<_>>());
        // The queue ends when the last customer has dropped its sender.
        drop(late_payments);
        let (visited, ()) = join(shopping, late::confirm_all(&caller, receiver)).await;
        let ran = arrivals.ran();
        stats::lock(&stats).end();
        (ran, check::check_all(&caller, visited).await)
    };
    let stopping = async {
        stop.await;
        // The customers are gone if this fails.
        let _ = stop_sender.send(true);
        std::future::pending::<()>().await;
    };
    let showing = async {
        loop {
            tokio::time::sleep(PROGRESS_PERIOD).await;
            show(&stats::lock(&stats).progress(&arrivals));
        }
    };
    let (ran, orders) = tokio::select! {
        done = work => done,
        () = stopping => anyhow::bail!("it was stopped"),
        () = showing => anyhow::bail!("it was stopped"),
    };
    let report = Report::new(settings, &arrivals, ran, &stats::lock(&stats), orders?);
    Ok(report)
}
