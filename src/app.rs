//! The launcher: opens the databases, binds the listeners, starts the servers, and stops it all in
//! order. Only here is it decided which concrete parts a process is made of.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use anyhow::{Context, anyhow, bail};
use reqwest::Url;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use crate::config::{Config, Service, ServiceConfig, base_url};
use crate::peer::{self, Peer, Target};
use crate::product::client::ProductClient;
use crate::storage::{DatabaseUrl, Db};
use crate::user::client::UserClient;
use crate::web::{self, Hosts, Metrics, Server};
use crate::{order, product, user};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// How often what has expired is cleared away.
const PURGE: Duration = Duration::from_secs(60 * 60);

/// The services of this process, running.
pub struct App {
    servers: Vec<Running>,
    databases: Vec<Db>,
    housekeeping: Vec<JoinHandle<()>>,
}

struct Running {
    service: Service,
    addr: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl App {
    /// Starts what `config` says, on the runtime that calls this. When it returns, the services answer.
    /// An error names the setting at fault.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for one in &config.services {
            let listener = bind(one)?;
            addresses.push((one.service, listener.local_addr()?));
            listeners.push(listener);
        }
        let mut opened: Vec<(DatabaseUrl, Db)> = Vec::new();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = (cores / config.services.len().max(1)).max(1);
        let mut servers = Vec::new();
        let mut housekeeping = Vec::new();
        for (one, listener) in config.services.iter().zip(listeners) {
            let db = match opened.iter().find(|(url, _)| *url == one.database) {
                Some((_, db)) => db.clone(),
                None => {
                    let db = Db::open(&one.database).with_context(|| one.database_variable.clone())?;
                    opened.push((one.database.clone(), db.clone()));
                    db
                }
            };
            let addr = listener.local_addr()?;
            let hosts = Hosts::new(&config.allowed_hosts, &config.cors_origins, addr);
            let server = |name| -> anyhow::Result<Server> {
                Ok(Server::new(name, db.clone(), Metrics::new(name)?, hosts, config.request_timeout))
            };
            let running = match one.service {
                Service::User => {
                    if config.demo {
                        user::seed(&db).await.context("the demo users")?;
                    }
                    let server = server(user::NAME)?;
                    web::serve(listener, server, workers, user::routes, move || user::State { db: db.clone() })
                }
                Service::Product => {
                    if config.demo {
                        product::seed(&db).await.context("the demo products")?;
                    }
                    let server = server(product::NAME)?;
                    web::serve(listener, server, workers, product::routes, move || product::State { db: db.clone() })
                }
                Service::Order => {
                    housekeeping.push(tokio::spawn(purge(db.clone())));
                    let server = server(order::NAME)?;
                    let target = |peer: Service, url: &Option<Url>| -> anyhow::Result<_> {
                        let here = addresses.iter().find(|(service, _)| *service == peer);
                        let url = match (url, here) {
                            (Some(url), _) => url.clone(),
                            (None, Some((_, addr))) => base_url(*addr)?,
                            (None, None) => bail!("nothing says where the {} service is", peer.name()),
                        };
                        Ok(Target::new(peer.name(), url, server.metrics.clone()))
                    };
                    let users = target(Service::User, &config.user_url)?;
                    let products = target(Service::Product, &config.product_url)?;
                    // Made once here, to learn in time if it can't be made at all.
                    peer::client()?;
                    web::serve(listener, server, workers, order::routes, move || {
                        let client = peer::client().unwrap_or_default();
                        order::State {
                            db: db.clone(),
                            users: UserClient::new(Peer::new(client.clone(), users.clone())),
                            products: ProductClient::new(Peer::new(client, products.clone())),
                        }
                    })
                }
            };
            let running = running?;
            servers.push(Running { service: one.service, addr, handle: running.handle(), task: tokio::spawn(running) });
        }
        Ok(Self { servers, databases: opened.into_iter().map(|(_, db)| db).collect(), housekeeping })
    }

    /// Where each service listens, in the order of their start.
    pub fn addresses(&self) -> impl Iterator<Item = (Service, SocketAddr)> {
        self.servers.iter().map(|running| (running.service, running.addr))
    }

    /// Runs until `stop` comes, then stops; an error if a server ended by itself.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let ended = {
            let tasks = self.servers.iter_mut().map(|running| &mut running.task);
            let any = futures_util::future::select_all(tasks);
            tokio::select! {
                () = stop => None,
                (ended, at, _) = any => Some((ended, at)),
            }
        };
        let failure = ended.map(|(ended, at)| {
            let name = self.servers.remove(at).service.name();
            match ended {
                Ok(Ok(())) => anyhow!("the {name} service stopped by itself"),
                Ok(Err(error)) => anyhow!(error).context(format!("the {name} service failed")),
                Err(error) => anyhow!(error).context(format!("the {name} service failed")),
            }
        });
        self.stop().await;
        failure.map_or(Ok(()), Err)
    }

    /// Answers what has been accepted, then ends: order first, since it still calls the others.
    pub async fn stop(self) {
        let (callers, called): (Vec<_>, Vec<_>) =
            self.servers.into_iter().partition(|running| running.service == Service::Order);
        for group in [callers, called] {
            futures_util::future::join_all(group.iter().map(|running| running.handle.stop(true))).await;
        }
        for task in self.housekeeping {
            task.abort();
        }
        let databases = self.databases;
        let closed = tokio::task::spawn_blocking(move || databases.iter().for_each(Db::close)).await;
        if let Err(error) = closed {
            log::error!("closing the databases failed: {error}");
        }
    }
}

/// Asks the services of `config`, which run elsewhere, whether they are well.
pub async fn health(config: &Config) -> anyhow::Result<()> {
    let client = peer::client()?;
    for ServiceConfig { service, listen, .. } in &config.services {
        peer::check(&client, base_url(*listen)?).await.with_context(|| format!("the {} service", service.name()))?;
    }
    Ok(())
}

/// Binds a listener before anything is started, so that a port in use costs nothing.
fn bind(one: &ServiceConfig) -> anyhow::Result<TcpListener> {
    let ServiceConfig { service, listen, .. } = one;
    let bound = || {
        let socket = if listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Not on Windows, where it would let two processes share the port.
        if cfg!(unix) {
            socket.set_reuseaddr(true)?;
        }
        socket.bind(*listen)?;
        socket.listen(BACKLOG)?.into_std()
    };
    bound().map_err(|error| {
        let variable = service.addr_variable();
        let flag = service.name();
        if error.kind() != ErrorKind::AddrInUse {
            return anyhow!("{variable}: can't listen on {listen}: {error}");
        }
        let airplay = if cfg!(target_os = "macos") && listen.port() == 5000 {
            " (on macOS by AirPlay Receiver: System Settings, General, AirDrop & Handoff)"
        } else {
            ""
        };
        anyhow!(
            "{variable}: {listen} is in use{airplay}; stop what listens there or choose another, \
             for example --{flag}-addr {}:{}",
            listen.ip(),
            listen.port().wrapping_add(3000),
        )
    })
}

async fn purge(db: Db) {
    let mut hours = tokio::time::interval(PURGE);
    loop {
        hours.tick().await;
        if let Err(error) = order::purge(&db).await {
            log::warn!("expired keys stay for another while: {error}");
        }
    }
}
