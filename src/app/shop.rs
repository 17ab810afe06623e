//! The running services, and where they are.

use std::sync::Arc;

use anyhow::{Context, bail};
use reqwest::Url;

use crate::app::secret;
use crate::auth::token::Tokens;
use crate::config::{Config, base_url};
use crate::invariants::Report;
use crate::peer::{self, Reader, ServiceToken};
use crate::service::ServiceName;

/// The running services of a shop.
pub struct Shop {
    pub user: Arc<Reader>,
    /// `None`: there is no product service.
    pub product: Option<Arc<Reader>>,
    pub order: Arc<Reader>,
    pub payment: Arc<Reader>,
}

impl Shop {
    pub fn of(config: &Config) -> anyhow::Result<Self> {
        let client = peer::client()?;
        let tokens = tokens(config)?;
        let reader = |service: ServiceName| {
            let token = tokens.clone().map(|tokens| ServiceToken::new(tokens, service.name()));
            Ok::<_, anyhow::Error>(Arc::new(Reader::new(client.clone(), url(config, service)?, token)))
        };
        let product = (!config.no_products).then(|| reader(ServiceName::Product)).transpose()?;
        Ok(Self {
            user: reader(ServiceName::User)?,
            product,
            order: reader(ServiceName::Order)?,
            payment: reader(ServiceName::Payment)?,
        })
    }

    /// The service of this name; an error if there is none.
    pub fn service(&self, name: &str) -> anyhow::Result<&Reader> {
        let found = self.services().find(|(service, _)| service.name() == name);
        found.map(|(_, reader)| &**reader).with_context(|| format!("there is no {name} service"))
    }

    pub fn services(&self) -> impl Iterator<Item = (ServiceName, &Arc<Reader>)> {
        let product = self.product.as_ref().map(|reader| (ServiceName::Product, reader));
        let others = [(ServiceName::Order, &self.order), (ServiceName::Payment, &self.payment)];
        [(ServiceName::User, &self.user)].into_iter().chain(product).chain(others)
    }

    /// The reports of a service about its own rows.
    pub async fn reports(&self, service: ServiceName, reader: &Reader) -> anyhow::Result<Vec<Report>> {
        let reports: Vec<Report> =
            reader.get("/invariants", &[]).await.with_context(|| format!("the {} service", service.name()))?;
        let own: Vec<_> = reports.into_iter().filter(|report| report.service == service.name()).collect();
        if own.is_empty() {
            let (variable, url) = (service.name().to_uppercase(), reader.url());
            bail!("the {} service is not at {url}: set {variable}_URL", service.name());
        }
        Ok(own)
    }

    /// The highest id that a user ever had, as it is now.
    pub async fn last_user(&self) -> anyhow::Result<i64> {
        last_user(&self.reports(ServiceName::User, &self.user).await?)
    }
}

/// The same, as these reports have it.
pub fn last_user(reports: &[Report]) -> anyhow::Result<i64> {
    let last = reports.iter().find_map(|report| report.figures.get("last_user").copied());
    last.context("the user service does not say what its last user is")
}

/// Where a service is found by the others.
fn url(config: &Config, service: ServiceName) -> anyhow::Result<Url> {
    if let Some((_, url)) = config.urls.iter().find(|(name, _)| *name == service) {
        return Ok(url.clone());
    }
    let own = config.services.iter().find(|one| one.service == service).and_then(|one| one.listen);
    // A service without an address of its own shares that of the order service.
    match own {
        Some(listen) => Ok(base_url(listen)?),
        None if service == ServiceName::Order => bail!("nothing says where the order service is"),
        None => url(config, ServiceName::Order),
    }
}

/// What service tokens are made with; `None` if services do not have to log in.
fn tokens(config: &Config) -> anyhow::Result<Option<Tokens>> {
    if !config.auth_required {
        return Ok(None);
    }
    let database = &config.services.first().context("there is nothing to verify")?.database;
    if config.jwt_secret.is_none() && !database.beside("jwt-secret").exists() {
        bail!("JWT_SECRET is not set, and there is none beside {database}");
    }
    Ok(Some(Tokens::new(&secret(config, database)?)))
}
