//! `pasar verify`: checks the invariants of running services, and what must hold between the services.
//!
//! Each service checks its own rows on one snapshot. What they say about each other is compared here: their lists are
//! read side by side, in constant memory. The services go on meanwhile, so what does not agree is looked at again.

mod compare;
mod recheck;
mod rows;
mod text;
mod walk;

use super::shop::{Shop, last_user};
use crate::config::Config;
use crate::domain::Language;
use crate::invariants::Report;

use compare::Suspects;
use recheck::recheck;
pub use text::text;
use walk::walk;

/// Checks everything. `progress` is called with what is being done.
pub async fn verify(config: &Config, progress: impl Fn(&str)) -> anyhow::Result<Vec<Report>> {
    let shop = Shop::of(config)?;
    let mut reports = Vec::new();
    for (service, reader) in shop.services() {
        progress(&format!("checking the {} service", service.name()));
        reports.extend(shop.reports(service, reader).await?);
    }
    let last_user = last_user(&reports)?;
    let mut suspects = Suspects::default();
    let seen = walk(&shop, last_user, &mut suspects, &progress).await?;
    let findings = recheck(&shop, seen, suspects, &progress).await?;
    let known = findings.into_iter().filter(|(check, _)| shop.product.is_some() || !check.is_about_stock());
    reports.extend(known.map(|(check, finding)| {
        let texts = [&check.sentence(), &check.what_to_do()];
        Report::new("shop", check.name(), texts, finding, Language::English)
    }));
    Ok(reports)
}
