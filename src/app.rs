//! The launcher: opens the database, binds the listeners, starts the servers and the tasks behind them, and stops
//! it all in order. Only here is it decided which concrete parts a process is made of.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use anyhow::{Context, anyhow, bail};
use futures_util::future::{join_all, select_all};
use reqwest::{Client, Url};
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::auth::token::{Secret, ServiceToken, Tokens};
use crate::auth::{Auth, Role, revocations};
use crate::clock::Clock;
use crate::config::{Config, Service, ServiceConfig, base_url};
use crate::error::Result;
use crate::events::{Delivery, JobRunner, LocalSubscribers, Outbox, Subscriber};
use crate::order::client::OrderClient;
use crate::payment::client::PaymentClient;
use crate::payment::gateway::Gateway;
use crate::peer::{self, Peer, Target};
use crate::product::client::ProductClient;
use crate::storage::{DatabaseUrl, Db, idempotency};
use crate::user::api::User;
use crate::user::client::UserClient;
use crate::web::{self, Email, Hosts, Live, Metrics, Part, Server};
use crate::{limits, order, payment, product, user};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// How often what has expired is cleared away.
const PURGE: Duration = Duration::from_secs(60 * 60);

/// For the subscribers of all services, whichever process they run in.
const OUTBOX: Outbox =
    Outbox::new(&[user::SUBSCRIBERS, product::SUBSCRIBERS, order::SUBSCRIBERS, payment::SUBSCRIBERS]);

/// The services of this process, running.
pub struct App {
    servers: Vec<Running>,
    addresses: Vec<(Service, SocketAddr)>,
    /// Says to the live streams that they must end.
    closing: watch::Sender<bool>,
    /// What goes on behind the services.
    tasks: Vec<JoinHandle<()>>,
    db: Db,
}

struct Running {
    service: Service,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl App {
    /// Starts what `config` says, on the runtime that calls this. When it returns, the services answer.
    /// An error names the setting at fault.
    pub async fn start(config: &Config, clock: Clock) -> anyhow::Result<Self> {
        let mut listeners = Vec::new();
        let mut addresses: Vec<(Service, SocketAddr)> = Vec::new();
        for one in &config.services {
            if let Some(listen) = one.listen {
                let listener = bind(one.service, listen)?;
                addresses.push((one.service, listener.local_addr()?));
                listeners.push((one.service, listener));
            } else if let Some((_, beside)) = addresses.last().copied() {
                addresses.push((one.service, beside));
            }
        }
        let Some(ServiceConfig { database, database_variable, .. }) = config.services.first() else {
            bail!("there is nothing to start");
        };
        let db = Db::open(database, config.auth_required).with_context(|| database_variable.clone())?;
        let tokens = Tokens::new(&secret(config, database)?);
        let (closing, closes) = watch::channel(false);
        let mut house = House {
            config,
            clock,
            db: db.clone(),
            tokens: tokens.clone(),
            addresses,
            tasks: Vec::new(),
            subscribers: Vec::new(),
        };
        let workers = (cores() / listeners.len().max(1)).max(1);
        let connections = limits::connections(listeners.len(), workers);
        let mut ready = Vec::new();
        for (service, listener) in listeners {
            let addr = listener.local_addr()?;
            let hosts = Hosts::new(&config.allowed_hosts, &config.cors_origins, addr);
            let name = name(service);
            let metrics = Metrics::new(name)?;
            let mut parts = vec![house.part(service, &metrics).await?];
            let mut services = vec![service.name()];
            if config.services.iter().any(|one| one.listen.is_none()) && service == Service::Order {
                parts.push(house.part(Service::Payment, &metrics).await?);
                services.push(Service::Payment.name());
            }
            let is_current = if service == Service::User { user::is_current } else { revocations::is_current };
            let server = Server {
                name,
                db: db.clone(),
                metrics,
                hosts,
                live: Live::new(closes.clone()),
                auth: Auth { required: config.auth_required, tokens: tokens.clone(), is_current, services },
                time_limit: config.request_timeout,
                connections,
                about: Default::default(),
            };
            ready.push((service, listener, server, parts));
        }
        let delivery = Delivery::new(db.clone(), house.clock.clone(), OUTBOX, &house.subscribers);
        delivery.catch_up().await.context("the revoked tokens")?;
        let mut servers = Vec::new();
        for (service, listener, server, parts) in ready {
            let running = web::serve(listener, server, workers, parts)?;
            servers.push(Running { service, handle: running.handle(), task: tokio::spawn(running) });
        }
        house.tasks.push(tokio::spawn(delivery.run()));
        house.tasks.push(tokio::spawn(purge(db.clone(), house.clock.clone())));
        let House { addresses, tasks, .. } = house;
        Ok(Self { servers, addresses, closing, tasks, db })
    }

    /// Where each service listens, in the order of their start.
    pub fn addresses(&self) -> impl Iterator<Item = (Service, SocketAddr)> {
        self.addresses.iter().copied()
    }

    /// Runs until `stop` comes, then stops; an error if a server or a task ended by itself.
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

    /// Ends the live streams and answers what has been accepted: first who still calls the others. Then the
    /// tasks end, and last of all the writer.
    pub async fn stop(self) {
        let _ = self.closing.send(true);
        let mut servers = self.servers;
        for callers in [&[Service::Payment][..], &[Service::Order], &[Service::User, Service::Product]] {
            let (group, others): (Vec<_>, Vec<_>) =
                servers.into_iter().partition(|running| callers.contains(&running.service));
            join_all(group.iter().map(|running| running.handle.stop(true))).await;
            servers = others;
        }
        for task in self.tasks {
            // What it was about is written down, and done after the next start.
            task.abort();
        }
        let db = self.db;
        if let Err(error) = tokio::task::spawn_blocking(move || db.close()).await {
            log::error!("closing the database failed: {error}");
        }
    }
}

/// The process under construction.
struct House<'a> {
    config: &'a Config,
    clock: Clock,
    db: Db,
    tokens: Tokens,
    addresses: Vec<(Service, SocketAddr)>,
    tasks: Vec<JoinHandle<()>>,
    /// Those of the services of this process.
    subscribers: Vec<LocalSubscribers>,
}

impl House<'_> {
    /// Delivers events to the subscribers of a service.
    fn subscribe(&mut self, subscribers: &'static [Subscriber]) {
        self.subscribers.push(LocalSubscribers { subscribers, after: None });
    }

    /// A service: its demo data, its tasks, and what it adds to its server.
    async fn part(&mut self, service: Service, metrics: &Metrics) -> anyhow::Result<Part> {
        let (db, clock, outbox) = (self.db.clone(), self.clock.clone(), OUTBOX);
        Ok(match service {
            Service::User => {
                user::update(&db).await.context("the users")?;
                if self.config.demo {
                    user::seed(&db).await.context("the demo users")?;
                }
                let (tokens, arrivals) = (self.tokens.clone(), user::Arrivals::default());
                let passwords = user::Passwords::new(cores())?;
                let state = user::State { db, clock, outbox, tokens, passwords, arrivals };
                self.subscribers.push(user::local_subscribers(state.arrivals.clone()));
                Part::new(service.name(), user::routes, move || state.clone())
            }
            Service::Product => {
                product::update(&db).await.context("the products")?;
                if self.config.demo {
                    product::seed(&db).await.context("the demo products")?;
                }
                self.subscribe(product::SUBSCRIBERS);
                let state = product::State { db, clock, outbox };
                Part::new(service.name(), product::routes, move || state.clone())
            }
            Service::Order => {
                let users = self.target(service, Service::User, &self.config.user_url, metrics)?;
                let products = match self.config.no_products {
                    true => None,
                    false => Some(self.target(service, Service::Product, &self.config.product_url, metrics)?),
                };
                let payments = self.target(service, Service::Payment, &self.config.payment_url, metrics)?;
                let order_ttl = self.config.order_ttl;
                let quota = order::Quota {
                    orders: self.config.max_pending_orders.into(),
                    units: self.config.max_held_units.into(),
                };
                let state = move |client: &Client| {
                    let peer = |target: &std::sync::Arc<Target>| Peer::new(client.clone(), target.clone());
                    let products = products.as_ref().map(|products| ProductClient::new(peer(products)));
                    let payments = PaymentClient::new(peer(&payments));
                    let work = order::work(products.clone(), payments.clone());
                    order::State {
                        db: db.clone(),
                        clock: clock.clone(),
                        users: UserClient::new(peer(&users)),
                        products,
                        payments,
                        outbox,
                        jobs: JobRunner::new(db.clone(), clock.clone(), work),
                        order_ttl,
                        quota,
                    }
                };
                // Of this runtime, for the tasks.
                let own = state(&peer::client()?);
                self.tasks.push(tokio::spawn(own.jobs.clone().run()));
                self.tasks.push(tokio::spawn(sweep(self.config.sweep, move || {
                    let own = own.clone();
                    async move { order::expire(&own).await }
                })));
                self.subscribe(order::SUBSCRIBERS);
                Part::new(service.name(), order::routes, move || state(&peer::client().unwrap_or_default()))
            }
            Service::Payment => {
                self.subscribe(payment::SUBSCRIBERS);
                let orders = self.target(service, Service::Order, &self.config.order_url, metrics)?;
                let (gateway, window) = (Gateway::new(self.config.payment_gateway.clone()), self.config.payment_window);
                let state = move |client: &Client| {
                    let settler = payment::Settler {
                        db: db.clone(),
                        outbox,
                        orders: OrderClient::new(Peer::new(client.clone(), orders.clone())),
                        gateway: gateway.clone(),
                    };
                    let work = payment::work(settler.clone());
                    payment::State {
                        db: db.clone(),
                        clock: clock.clone(),
                        settler,
                        outbox,
                        jobs: JobRunner::new(db.clone(), clock.clone(), work),
                        window,
                    }
                };
                let own = state(&peer::client()?);
                self.tasks.push(tokio::spawn(own.jobs.clone().run()));
                self.tasks.push(tokio::spawn(sweep(self.config.sweep, move || {
                    let own = own.clone();
                    async move { payment::expire(&own).await }
                })));
                Part::new(service.name(), payment::routes, move || state(&peer::client().unwrap_or_default()))
            }
        })
    }

    /// Where `caller` finds another service: in this process, or at `url`.
    fn target(
        &self,
        caller: Service,
        peer: Service,
        url: &Option<Url>,
        metrics: &Metrics,
    ) -> anyhow::Result<std::sync::Arc<Target>> {
        let here = self.addresses.iter().find(|(service, _)| *service == peer);
        let url = match (url, here) {
            (Some(url), _) => url.clone(),
            (None, Some((_, addr))) => base_url(*addr)?,
            (None, None) => bail!("nothing says where the {} service is", peer.name()),
        };
        let token = self.config.auth_required.then(|| ServiceToken::new(self.tokens.clone(), peer.name()));
        Ok(Target::new(caller.name(), peer.name(), url, token, metrics.clone()))
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What tokens are signed with: chosen by somebody, or kept in a file beside the database.
fn secret(config: &Config, database: &DatabaseUrl) -> anyhow::Result<Secret> {
    let file = database.beside("jwt-secret");
    match &config.jwt_secret {
        Some(secret) => Ok(secret.clone()),
        None => Secret::in_file(&file, config.auth_required)
            .with_context(|| format!("JWT_SECRET is not set, and {}", file.display())),
    }
}

fn name(service: Service) -> &'static str {
    match service {
        Service::User => user::NAME,
        Service::Product => product::NAME,
        Service::Order => order::NAME,
        Service::Payment => payment::NAME,
    }
}

/// What asking a service has shown.
pub struct Checkup {
    pub name: &'static str,
    pub url: Url,
    pub took: Duration,
    /// Whether it is ready, or why not.
    pub outcome: anyhow::Result<()>,
}

/// Asks the services of `config`, which run elsewhere, whether they are ready, all at once.
pub async fn health(config: &Config) -> anyhow::Result<Vec<Checkup>> {
    let client = peer::client()?;
    let mut urls = Vec::new();
    for ServiceConfig { service, listen, .. } in &config.services {
        // Where it has no address of its own, it is with the one before.
        let url = match listen {
            Some(listen) => Some(base_url(*listen)?),
            None => urls.last().map(|(_, url): &(_, Url)| url.clone()),
        };
        urls.extend(url.map(|url| (name(*service), url)));
    }
    let checkups = urls.into_iter().map(|(name, url)| async {
        let began = Instant::now();
        let outcome = peer::check(&client, url.clone()).await;
        Checkup { name, url, took: began.elapsed(), outcome }
    });
    Ok(join_all(checkups).await)
}

/// The databases of a shop that is not running, about to be removed, with the secret beside them: tokens of users who
/// are gone must not count for those who get their ids.
pub struct Reset {
    databases: Vec<DatabaseUrl>,
    files: Vec<PathBuf>,
}

impl Reset {
    /// An error if a database is in use, or not one of ours.
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

    /// What is removed.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Removes it, unless somebody has begun to use it meanwhile.
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

/// Gives the account with this e-mail address a role. The user whose it is.
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

/// Binds a listener before anything is started, so that a port in use costs nothing.
fn bind(service: Service, listen: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = || {
        let socket = if listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Not on Windows, where it would let two processes share the port.
        if cfg!(unix) {
            socket.set_reuseaddr(true)?;
        }
        socket.bind(listen)?;
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

/// Does `work` at once and then every `period`.
async fn sweep<W: Future<Output = Result<()>>>(period: Duration, work: impl Fn() -> W) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = work().await {
            log::warn!("deadlines have to wait: {error}");
        }
    }
}

/// Clears away what has expired, in steps, so that a long list of it delays nobody's request.
async fn purge(db: Db, clock: Clock) {
    let work = || async {
        let now = clock.now();
        while db.write(move |tx| idempotency::purge(tx, now, 1000)).await? > 0 {}
        db.write(move |tx| revocations::purge(tx, now)).await?;
        product::purge(&db, &clock).await
    };
    sweep(PURGE, work).await;
}
