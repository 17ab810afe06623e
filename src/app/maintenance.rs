//! The commands besides serving: they check running services, remove databases and change roles.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures_util::future::join_all;
use reqwest::Url;

use super::outbox::OUTBOX;
use crate::auth::Role;
use crate::clock::Clock;
use crate::config::{Config, ServiceConfig, base_url};
use crate::domain::Email;
use crate::storage::{DatabaseUrl, Db};
use crate::user::api::User;
use crate::{peer, user};

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
    let client = peer::client()?;
    let mut urls = Vec::new();
    for ServiceConfig { service, listen, .. } in &config.services {
        // A service without an address of its own shares that of the one before.
        let url = match listen {
            Some(listen) => Some(base_url(*listen)?),
            None => urls.last().map(|(_, url): &(_, Url)| url.clone()),
        };
        urls.extend(url.map(|url| (service.title(), url)));
    }
    let checkups = urls.into_iter().map(|(name, url)| async {
        let began = Instant::now();
        let outcome = peer::check(&client, url.clone()).await;
        Checkup { name, url, took: began.elapsed(), outcome }
    });
    Ok(join_all(checkups).await)
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

/// Changes the role of the account with this e-mail address. Returns its user; an error if there is no such account.
pub async fn set_role(config: &Config, email: &Email, role: Role) -> anyhow::Result<User> {
    let [ServiceConfig { database, database_variable, .. }] = config.services.as_slice() else {
        bail!("accounts are of the user service");
    };
    if !database.exists() {
        bail!("{database_variable}: there is no database {database}");
    }
    let db = Db::open(database, config.auth_required).with_context(|| database_variable.clone())?;
    let found = user::set_role(&db, &Clock::system(), OUTBOX, email, role).await;
    tokio::task::spawn_blocking(move || db.close()).await?;
    let email = email.as_str();
    found?.with_context(|| format!("{database} has no account with the e-mail address {email}: register it first"))
}
