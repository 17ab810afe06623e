//! The commands besides serving: they check running services, act as their customers, copy and remove databases, change
//! roles and add products.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures_util::future::join_all;
use reqwest::Url;

use super::outbox::OUTBOX;
use crate::auth::Role;
use crate::clock::Clock;
use crate::config::{Config, ServiceConfig, base_url};
use crate::domain::Email;
use crate::product::Seeded;
use crate::service::ServiceName;
use crate::storage::{DatabaseUrl, Db};
use crate::user::api::User;
use crate::{load, peer, product, user};

/// The result of checking a service.
pub struct Checkup {
    pub name: &'static str,
    pub url: Url,
    pub took: Duration,
    /// Whether it is ready, or why not.
    pub outcome: anyhow::Result<()>,
}

/// Asks the services of `config`, which run elsewhere, whether they are ready; all at once.
pub async fn health(config: &Config) -> anyhow::Result<Vec<Checkup>> {
    let client = &peer::client()?;
    let checkups = addresses(config)?.into_iter().map(|(service, url)| async move {
        let began = Instant::now();
        let outcome = peer::check(client, url.clone()).await;
        Checkup { name: service.title(), url, took: began.elapsed(), outcome }
    });
    Ok(join_all(checkups).await)
}

/// Where the services of `config` listen.
fn addresses(config: &Config) -> anyhow::Result<Vec<(ServiceName, Url)>> {
    let mut urls = Vec::new();
    for ServiceConfig { service, listen, .. } in &config.services {
        // A service without an address of its own shares that of the one before.
        let url = match listen {
            Some(listen) => Some(base_url(*listen)?),
            None => urls.last().map(|(_, url): &(_, Url)| url.clone()),
        };
        urls.extend(url.map(|url| (*service, url)));
    }
    Ok(urls)
}

/// Acts as customers of the services of `config`, which run elsewhere, until the time is over or `stop` completes.
/// `show` gets the progress. An error if the services can't be used.
pub async fn load(
    config: &Config,
    settings: &load::Settings,
    stop: impl Future<Output = ()>,
    show: impl Fn(&load::Progress),
) -> anyhow::Result<load::Report> {
    let addresses = addresses(config)?;
    // A URL that is set says where others find the service.
    let find = |service: ServiceName| {
        let found = config.urls.iter().chain(&addresses).find(|(name, _)| *name == service);
        found
            .map(|(_, url)| url.clone())
            .with_context(|| format!("nothing says where the {} service is", service.name()))
    };
    let services = load::Services {
        user: find(ServiceName::User)?,
        product: find(ServiceName::Product)?,
        order: find(ServiceName::Order)?,
        payment: find(ServiceName::Payment)?,
    };
    load::run(settings, services, stop, show).await
}

/// The databases to remove, of services that do not run, and the secret next to them: old tokens must not be valid
/// for new users with the same ids.
pub struct Reset {
    databases: Vec<DatabaseUrl>,
    files: Vec<PathBuf>,
}

impl Reset {
    /// Finds the files; an error if a database is in use, or not one of ours.
    pub fn of(config: &Config) -> anyhow::Result<Self> {
        let mut reset = Self { databases: Vec::new(), files: Vec::new() };
        for ServiceConfig { database, database_variable, .. } in &config.services {
            if database.exists() && !reset.databases.contains(database) {
                database.check_unused().with_context(|| format!("{database_variable}: {database}"))?;
                reset.databases.push(database.clone());
                reset.files.extend(database.files());
            }
            let secret = database.beside("jwt-secret");
            if database.exists() && secret.exists() && !reset.files.contains(&secret) {
                reset.files.push(secret);
            }
        }
        Ok(reset)
    }

    /// The files that are removed.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Removes the files, unless the database has come into use meanwhile.
    pub fn run(&self) -> anyhow::Result<()> {
        for database in &self.databases {
            database.check_unused().with_context(|| database.to_string())?;
        }
        for file in &self.files {
            match std::fs::remove_file(file) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("can't remove {}", file.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Copies the database of the services, which share one, to `file`. Returns which database it is, and its
/// variable.
pub fn back_up(config: &Config, file: &Path) -> anyhow::Result<(DatabaseUrl, String)> {
    let shared = config.services.first().context("there is nothing to copy")?;
    let ServiceConfig { database, database_variable, .. } = shared;
    if !database.exists() {
        bail!("{database_variable}: there is no database {database}");
    }
    if file.try_exists()? {
        bail!("{} exists already, and is not overwritten", file.display());
    }
    database.back_up(file).with_context(|| format!("{database_variable}: {database}"))?;
    Ok((database.clone(), database_variable.clone()))
}

/// Changes the role of the account with this e-mail address. Returns its user; an error if there is no such account.
pub async fn set_role(config: &Config, email: &Email, role: Role) -> anyhow::Result<User> {
    let ServiceConfig { database, database_variable, .. } = only_service(config)?;
    if !database.exists() {
        bail!("{database_variable}: there is no database {database}");
    }
    let db = open(config)?;
    let found = user::set_role(&db, &Clock::system(), OUTBOX, email, role).await;
    tokio::task::spawn_blocking(move || db.close()).await?;
    let email = email.as_str();
    found?.with_context(|| format!("{database} has no account with the e-mail address {email}: register it first"))
}

/// Adds the catalogue to the products, in a new database if there is none. Returns which database it is.
pub async fn seed(config: &Config) -> anyhow::Result<(DatabaseUrl, Seeded)> {
    let db = open(config)?;
    let seeded = product::seed(&db, OUTBOX, config.demo).await;
    tokio::task::spawn_blocking(move || db.close()).await?;
    Ok((only_service(config)?.database.clone(), seeded?))
}

/// The service of a command that concerns one.
fn only_service(config: &Config) -> anyhow::Result<&ServiceConfig> {
    match config.services.as_slice() {
        [service] => Ok(service),
        _ => bail!("this command concerns one service"),
    }
}

/// Opens the database of that service.
fn open(config: &Config) -> anyhow::Result<Db> {
    let ServiceConfig { database, database_variable, .. } = only_service(config)?;
    Db::open(database, config.auth_required).with_context(|| database_variable.clone())
}
