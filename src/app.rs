//! The launcher: opens the database, binds the listeners, builds the services, starts their servers and tasks, and
//! stops all in order. Only the launcher chooses the concrete back ends of a process.

mod busy;
pub mod faults;
pub mod lessons;
mod maintenance;
mod outbox;
mod reset;
mod shop;
pub mod verify;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use anyhow::{Context, anyhow, bail};
use futures_util::future::{join_all, select_all};
use reqwest::Url;
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::auth::token::{Secret, Tokens};
use crate::auth::{Auth, revocations};
use crate::calls::{Recorder, Scope};
use crate::clock::Clock;
use crate::config::{Config, ServiceConfig, base_url};
use crate::events::Delivery;
use crate::faults::Faults;
use crate::limits;
use crate::metrics::Metrics;
use crate::service::{Deps, Purge, Service, ServiceName, every};
use crate::storage::{DatabaseUrl, Db, idempotency};
use crate::web::{self, Hosts, LiveStreams, Mount, PublicAddress, Server};
use crate::{order, payment, peer, product, user};
pub use busy::{Busy, seed_busy};
pub use maintenance::{Checkup, Reset, back_up, health, load, seed, set_role};
use outbox::OUTBOX;

/// The most connections that wait to be accepted.
const MAX_PENDING_CONNECTIONS: u32 = 1024;
/// How often expired data is removed.
const PURGE_PERIOD: Duration = Duration::from_secs(60 * 60);
const _: () = assert!(
    2 * peer::POOL_IDLE_TIMEOUT.as_millis() < web::KEEP_ALIVE.as_millis(),
    "a client closes an idle connection well before the server does"
);
const _: () = assert!(
    web::MAX_WAIT_FOR_ROOM.as_millis() < peer::FIRST_ATTEMPT_TIMEOUT.as_millis(),
    "a call finds room at a server that is full of idle clients"
);
/// The services that call others, in the order in which they stop. The other services stop after them, all at once.
const CALLERS: [ServiceName; 2] = [ServiceName::Payment, ServiceName::Order];

/// The threads of a server that calls others, even if its share of the cores is less, but not more than there are cores.
const MIN_CALLER_WORKERS: usize = 4;

/// The running services of this process.
pub struct App {
    servers: Vec<Running>,
    addresses: Vec<(ServiceName, SocketAddr)>,
    /// Set to true to end the live streams.
    closing: watch::Sender<bool>,
    /// Background tasks of the services.
    tasks: Vec<JoinHandle<()>>,
    db: Db,
}

struct Running {
    service: ServiceName,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

/// Builds a service. This match is the only list of the builders.
fn build(service: ServiceName, deps: &Deps, config: &Config) -> anyhow::Result<Service> {
    match service {
        ServiceName::User => user::build(deps),
        ServiceName::Product => Ok(product::build(deps)),
        ServiceName::Order => order::build(deps, &config.order),
        ServiceName::Payment => payment::build(deps, &config.payment),
    }
}

impl App {
    /// Starts the services of `config` on the current runtime. When it returns, they answer. An error names the
    /// setting at fault.
    pub async fn start(config: &Config, clock: Clock) -> anyhow::Result<Self> {
        let listeners = bind_all(&config.services)?;
        let address_of =
            |bound: &BoundListener| bound.services.iter().map(|name| (*name, bound.addr)).collect::<Vec<_>>();
        let addresses: Vec<_> = listeners.iter().flat_map(address_of).collect();
        let Some(ServiceConfig { database, database_variable, .. }) = config.services.first() else {
            bail!("there is nothing to start");
        };
        let db = Db::open(database, config.auth_required).with_context(|| database_variable.clone())?;
        let tokens = Tokens::new(&secret(config, database)?);
        let urls = Arc::new(urls(config, &addresses)?);
        let public = Arc::new(public_addresses(config, &urls));
        let recorder = config.recorded_calls.map_or_else(Recorder::off, Recorder::new);
        let faults = if recorder.is_on() { Faults::on(clock.clone()) } else { Faults::off() };
        let (closing, closes) = watch::channel(false);
        let servers: Vec<_> = listeners.iter().filter_map(|bound| bound.services.first().copied()).collect();
        let workers_of = |service: ServiceName| workers(service, servers.len());
        let all_workers = servers.iter().map(|service| workers_of(*service)).sum();
        let connections = limits::max_connections(servers.len(), all_workers);

        let (mut ready, mut tasks, mut subscribers) = (Vec::new(), Vec::new(), Vec::new());
        let (mut purges, mut forget) = (Vec::new(), Vec::new());
        for BoundListener { listener, addr, services: names } in listeners {
            let Some(&first) = names.first() else { continue };
            let metrics = Metrics::new(first.title())?;
            let deps = Deps {
                db: db.clone(),
                clock: clock.clone(),
                outbox: OUTBOX,
                tokens: tokens.clone(),
                metrics: metrics.clone(),
                faults: faults.clone(),
                urls: Arc::clone(&urls),
                auth_required: config.auth_required,
                demo: config.demo,
            };
            let mut mounts: Vec<Mount> = Vec::new();
            let mut token_check = None;
            let mut invariants = Vec::new();
            for &name in &names {
                let service = build(name, &deps, config)?;
                service.start_up.await?;
                mounts.push(service.mount);
                token_check.get_or_insert(service.token_check);
                let scope = || Scope::of_task(&recorder, name.name());
                let faults = &faults;
                let task = |task| {
                    let (faults, work) = (faults.clone(), scope().run(task));
                    async move { faults.run_task(name.name(), work).await }
                };
                tasks.extend(service.tasks.into_iter().map(task));
                subscribers.push(service.subscribers);
                invariants.push((name.name(), service.invariants));
                purges.extend(service.purge);
                forget.extend(service.forget);
            }
            let Some(token_check) = token_check else { continue };
            let auth = Auth {
                required: config.auth_required,
                tokens: tokens.clone(),
                token_check,
                services: names.iter().map(|name| name.name()).collect(),
            };
            let server = Server {
                name: first.title(),
                db: db.clone(),
                clock: clock.clone(),
                invariants,
                metrics,
                recorder: recorder.clone(),
                faults: faults.clone(),
                hosts: Hosts::new(&config.allowed_hosts, &config.cors_origins, addr),
                public: Arc::clone(&public),
                live: LiveStreams::new(closes.clone()),
                auth,
                time_limit: config.request_timeout,
                connections,
                reset: None,
                documentation: Default::default(),
            };
            ready.push((first, listener, server, mounts));
        }
        let delivery = Delivery::new(db.clone(), clock.clone(), OUTBOX, &subscribers, recorder, faults);
        delivery.catch_up().await.context("the revoked tokens")?;
        let reset = config.may_reset.then(|| reset::of(&db, config.demo, forget));
        let mut servers = Vec::new();
        for (service, listener, mut server, mounts) in ready {
            server.reset = reset.clone();
            let running = web::serve(listener, server, workers_of(service), mounts)?;
            servers.push(Running { service, handle: running.handle(), task: tokio::spawn(running) });
        }
        let mut tasks: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
        tasks.push(tokio::spawn(delivery.run()));
        tasks.push(tokio::spawn(purge(db.clone(), clock, purges)));
        Ok(Self { servers, addresses, closing, tasks, db })
    }

    /// The address of each service, in the order of their start.
    pub fn addresses(&self) -> impl Iterator<Item = (ServiceName, SocketAddr)> {
        self.addresses.iter().copied()
    }

    /// Runs until `stop` completes, then stops; an error if a server or a task ended by itself.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let ended = {
            let servers = select_all(self.servers.iter_mut().map(|running| &mut running.task));
            let tasks = select_all(self.tasks.iter_mut());
            tokio::select! {
                () = stop => None,
                (ended, at, _) = servers => Some((ended.map_err(Into::into).and_then(|ended| Ok(ended?)), Some(at))),
                (ended, ..) = tasks => Some((ended.map_err(Into::into), None)),
            }
        };
        let failure = ended.map(|(ended, server): (anyhow::Result<()>, _)| {
            let name = match server {
                Some(at) => self.servers.remove(at).service.name(),
                None => "work behind the services",
            };
            match ended {
                Ok(()) => anyhow!("{name}: it ended by itself"),
                Err(error) => error.context(format!("{name}: it failed")),
            }
        });
        self.tasks.retain(|task| !task.is_finished());
        self.stop().await;
        failure.map_or(Ok(()), Err)
    }

    /// Ends the live streams and finishes accepted requests, callers first. Then the tasks end, and last the writer.
    pub async fn stop(self) {
        let _ = self.closing.send(true);
        for caller in CALLERS {
            for running in self.servers.iter().filter(|running| running.service == caller) {
                running.handle.stop(true).await;
            }
        }
        let others = self.servers.iter().filter(|running| !CALLERS.contains(&running.service));
        join_all(others.map(|running| running.handle.stop(true))).await;
        for task in self.tasks {
            // The database has its work; the next start resumes it.
            task.abort();
        }
        let db = self.db;
        if let Err(error) = tokio::task::spawn_blocking(move || db.close()).await {
            log::error!("closing the database failed: {error}");
        }
    }
}

/// Where browsers find each service: behind the front door, if there is one, else where the others find it.
fn public_addresses(config: &Config, urls: &[(ServiceName, Url)]) -> Vec<PublicAddress> {
    let mut urls = urls.to_vec();
    urls.sort_unstable_by_key(|(service, _)| *service);
    let address = |(service, url): &(ServiceName, Url)| {
        PublicAddress::of(service.name(), service.title(), config.public_url.as_ref().unwrap_or(url))
    };
    urls.iter().map(address).collect()
}

/// The URL of each service: the configured one, else its address in this process.
fn urls(config: &Config, addresses: &[(ServiceName, SocketAddr)]) -> anyhow::Result<Vec<(ServiceName, Url)>> {
    let mut urls = config.urls.clone();
    for (service, addr) in addresses {
        if !urls.iter().any(|(known, _)| known == service) {
            urls.push((*service, base_url(*addr)?));
        }
    }
    urls.retain(|(service, _)| !(config.no_products && *service == ServiceName::Product));
    Ok(urls)
}

/// The secret that tokens are signed with: the configured one, or the one in a file next to the database.
fn secret(config: &Config, database: &DatabaseUrl) -> anyhow::Result<Secret> {
    let file = database.beside("jwt-secret");
    match &config.jwt_secret {
        Some(secret) => Ok(secret.clone()),
        None => Secret::in_file(&file, config.auth_required)
            .with_context(|| format!("JWT_SECRET is not set, and {}", file.display())),
    }
}

/// The threads of a server, of `servers` in this process: its share of the cores. A request for a service that calls
/// others costs several times as much, so its server has more threads.
fn workers(service: ServiceName, servers: usize) -> usize {
    let share = (limits::cores() / servers.max(1)).max(1);
    if CALLERS.contains(&service) { share.max(limits::cores().min(MIN_CALLER_WORKERS)) } else { share }
}

/// A listener with the services that it serves.
struct BoundListener {
    listener: TcpListener,
    addr: SocketAddr,
    services: Vec<ServiceName>,
}

/// Binds the listeners of the services. A service without an address of its own shares the listener before it.
fn bind_all(services: &[ServiceConfig]) -> anyhow::Result<Vec<BoundListener>> {
    let mut all: Vec<BoundListener> = Vec::new();
    for &ServiceConfig { service, listen, .. } in services {
        if let Some(listen) = listen {
            let listener = bind(service, listen)?;
            all.push(BoundListener { addr: listener.local_addr()?, listener, services: vec![service] });
        } else if let Some(shared) = all.last_mut() {
            shared.services.push(service);
        }
    }
    Ok(all)
}

/// Binds a listener before anything is started, so that a port in use has no effect.
fn bind(service: ServiceName, listen: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = || {
        let socket = if listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Not on Windows, where two processes could share the port.
        if cfg!(unix) {
            socket.set_reuseaddr(true)?;
        }
        socket.bind(listen)?;
        socket.listen(MAX_PENDING_CONNECTIONS)?.into_std()
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

/// Removes expired data in small steps, so that a large backlog delays no request.
async fn purge(db: Db, clock: Clock, purges: Vec<Purge>) {
    let work = || async {
        let now = clock.now();
        while db.write(move |tx| idempotency::purge(tx, now, 1000)).await? > 0 {}
        db.write(move |tx| revocations::purge(tx, now)).await?;
        for purge in &purges {
            purge().await?;
        }
        Ok(())
    };
    every("removing expired data", PURGE_PERIOD, work).await;
}
