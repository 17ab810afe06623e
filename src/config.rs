//! The settings: flags, then environment, then `.env`, then defaults.
//!
//! Only this module reads the environment. A combination that can't work is refused here, in one line that names
//! the setting, before anything is opened.

mod env_file;
mod flags;
mod text;

use std::ffi::OsString;
use std::fmt;
use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, ValueEnum};
use reqwest::Url;

use crate::auth::{Role, token::Secret};
use crate::domain::{Email, Field};
use crate::logging::Style;
use crate::service::ServiceName;
use crate::storage::DatabaseUrl;
use crate::{load, order, payment, web};
pub use flags::{ArmFault, FaultCommand, Seed};
use flags::{Auth, Command, Flags, Lab};
use text::{OptionalPeer, is_host, is_origin, named};

/// The default address of the payment service, if it does not share the one of the order service.
const PAYMENT_ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5003);

/// What the process is for.
#[derive(Clone, Debug)]
pub enum Action {
    Serve,
    /// Ask running services whether they are ready.
    CheckHealth,
    /// Check the invariants of running services.
    Verify {
        json: bool,
    },
    /// Copy the database to a file.
    Backup(PathBuf),
    /// Remove the databases.
    Reset {
        /// Whether a person has to agree first.
        ask: bool,
    },
    SetRole {
        email: Email,
        role: Role,
    },
    /// Add products, or a day of orders too.
    Seed(Seed),
    /// Act as customers of running services.
    Load(load::Settings),
    /// Show what to try at running services, and whether it was done.
    Lesson {
        number: Option<usize>,
        check: bool,
    },
    /// Break running services on purpose.
    Fault(FaultCommand),
}

/// Settings that are valid together.
#[derive(Clone, Debug)]
pub struct Config {
    pub action: Action,
    /// The services to start, ask or reset, in the order of their start.
    pub services: Vec<ServiceConfig>,
    /// The URLs of other services. A service of this process without one is found at its own address.
    pub urls: Vec<(ServiceName, Url)>,
    /// Where browsers find all services, if it is not where the services find each other.
    pub public_url: Option<Url>,
    /// There is no product service.
    pub no_products: bool,
    pub order: order::Settings,
    pub payment: payment::Settings,
    /// Whether one has to log in.
    pub auth_required: bool,
    /// The secret that tokens are signed with, if it is set.
    pub jwt_secret: Option<Secret>,
    pub demo: bool,
    /// How many calls are kept to be looked at; `None`: they are not recorded.
    pub recorded_calls: Option<usize>,
    /// Whether whoever can call may remove all rows.
    pub may_reset: bool,
    pub allowed_hosts: Vec<String>,
    pub cors_origins: Vec<String>,
    pub request_timeout: Duration,
    pub log: String,
    pub log_style: Style,
}

/// One service of this process.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    pub service: ServiceName,
    /// `None`: with the order service.
    pub listen: Option<SocketAddr>,
    pub database: DatabaseUrl,
    /// The setting that `database` comes from.
    pub database_variable: String,
}

/// Why the settings are refused: what to print, and the exit code.
#[derive(Debug)]
pub struct ConfigError {
    pub text: String,
    pub exit_code: i32,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit_code: 2 }
    }
}

impl Config {
    /// Reads the settings of this process.
    #[expect(clippy::disallowed_methods, reason = "the command line is read here")]
    pub fn load() -> Result<Self, ConfigError> {
        let command = Flags::command();
        let variables = command.get_arguments().filter_map(|setting| setting.get_env());
        let settings: Vec<_> = variables.map(|name| name.to_string_lossy().into_owned()).collect();
        env_file::load(Path::new(".env"), &settings)?;
        Self::from_args(std::env::args_os())
    }

    /// Reads `args` (the program's name first), and the environment for what they do not say.
    pub fn from_args<T: Into<OsString> + Clone>(args: impl IntoIterator<Item = T>) -> Result<Self, ConfigError> {
        let flags = Flags::try_parse_from(args).map_err(|error| {
            if !error.use_stderr() {
                return ConfigError { text: error.to_string(), exit_code: 0 };
            }
            // clap adds hints and its usage; the first paragraph and the suggestion are enough.
            let text = error.to_string();
            let first = text.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
            let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
            let meant = meant(&error).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
            ConfigError::new(format!("{first}{meant} (--help lists the settings)"))
        })?;
        Self::check(flags)
    }

    fn check(flags: Flags) -> Result<Self, ConfigError> {
        let no_products = matches!(flags.product_url, Some(OptionalPeer::Nowhere));
        let product_url = match flags.product_url {
            Some(OptionalPeer::At(url)) => Some(url),
            Some(OptionalPeer::Nowhere) | None => None,
        };
        let payment_addr = flags.payment_addr.unwrap_or(PAYMENT_ADDR);
        // In the order of their start.
        let of_services = [
            (ServiceName::User, flags.user_addr, flags.user_url, flags.user_database_url),
            (ServiceName::Product, flags.product_addr, product_url, flags.product_database_url),
            (ServiceName::Order, flags.order_addr, flags.order_url, flags.order_database_url),
            (ServiceName::Payment, payment_addr, flags.payment_url, flags.payment_database_url),
        ];
        let auth_required = flags.auth == Auth::Required;
        let (action, chosen) = match flags.command {
            Some(Command::Health { services }) => (Action::CheckHealth, services),
            Some(Command::Verify { json }) => (Action::Verify { json }, Vec::new()),
            Some(Command::Admin { email, remove }) => {
                let role = if remove { Role::Customer } else { Role::Admin };
                let email = Email::read(email.clone().into())
                    .map_err(|_| ConfigError::new(format!("{email} is not an e-mail address")))?;
                (Action::SetRole { email, role }, vec![ServiceName::User])
            }
            Some(Command::Backup { file, service }) => (Action::Backup(file), service.into_iter().collect()),
            Some(Command::Seed { seed }) => {
                let concerned = if seed == Seed::Shop { vec![ServiceName::Product] } else { Vec::new() };
                (Action::Seed(seed), concerned)
            }
            Some(Command::Reset { yes: false }) if !std::io::stdin().is_terminal() => {
                return Err(ConfigError::new(
                    "reset removes the database for good, and nobody is there to ask: say --yes",
                ));
            }
            Some(Command::Reset { yes }) => (Action::Reset { ask: !yes }, Vec::new()),
            Some(Command::Load { .. }) if no_products => {
                return Err(ConfigError::new("PRODUCT_URL=none: without products there is nothing to order"));
            }
            Some(Command::Load { rate, customers, duration, mix, json }) => {
                let rate = (rate > 0.0).then_some(rate);
                (Action::Load(load::Settings { rate, customers, duration, mix, json, auth_required }), Vec::new())
            }
            Some(Command::Lesson { number, check }) => (Action::Lesson { number, check }, Vec::new()),
            Some(Command::Fault { command }) => (Action::Fault(command.unwrap_or(FaultCommand::List)), Vec::new()),
            None => (Action::Serve, flags.services),
        };
        // Not left to clap, whose message would repeat the secret.
        let jwt_secret = flags.jwt_secret.filter(|secret| !secret.is_empty()).map(|secret| Secret::new(&secret));
        let jwt_secret = jwt_secret.transpose().map_err(|error| ConfigError::new(format!("JWT_SECRET: {error}")))?;

        let is_chosen = |service: ServiceName| chosen.is_empty() || chosen.contains(&service);
        let (mut services, mut urls) = (Vec::new(), Vec::new());
        for (service, addr, url, own_database) in of_services {
            // A peer that is neither configured nor in this process is looked for at its default address.
            match url {
                Some(url) => {
                    if auth_required && flags.public_url.is_none() && matches!(action, Action::Serve) {
                        check_not_internal(service, &url)?;
                    }
                    urls.push((service, url));
                }
                None if is_chosen(service) => {}
                None => urls.push((service, base_url(addr)?)),
            }
            if !is_chosen(service) {
                continue;
            }
            let with_order = service == ServiceName::Payment && is_chosen(ServiceName::Order);
            let listen = if with_order { flags.payment_addr } else { Some(addr) };
            let (database_variable, database) = match own_database {
                Some(url) => (format!("{}_DATABASE_URL", service.name().to_uppercase()), url),
                None => ("DATABASE_URL".to_owned(), flags.database_url.clone()),
            };
            // Not left to clap, whose message would repeat the value: it may hold a password.
            let database =
                database.parse().map_err(|error| ConfigError::new(format!("{database_variable}: {error}")))?;
            services.push(ServiceConfig { service, listen, database, database_variable });
        }
        check_addresses(&services, auth_required || flags.open_to_network)?;
        match (&action, different_databases(&services)) {
            (Action::Serve, Some([first, other])) => {
                return Err(ConfigError::new(format!(
                    "{first} and {other} are different databases, but services of one process tell each other their \
                     events through one: start them in processes of their own, or name one database"
                )));
            }
            (Action::Seed(_), Some([first, other])) => {
                return Err(ConfigError::new(format!(
                    "{first} and {other} are different databases: the orders of a day are added to all services at once"
                )));
            }
            (Action::Backup(_), Some([first, other])) => {
                return Err(ConfigError::new(format!(
                    "{first} and {other} are different databases: name the service whose database to copy, \
                     pasar backup FILE SERVICE"
                )));
            }
            _ => {}
        }
        // Others may call where one has to log in, beyond loopback, or through a front door.
        let is_loopback = services.iter().filter_map(|one| one.listen).all(|addr| addr.ip().is_loopback());
        let is_private = !auth_required && is_loopback && flags.public_url.is_none();
        // Processes apart keep in memory what they know of the rows.
        let is_whole = services.len() == ServiceName::value_variants().len();
        let lab = flags.lab == Lab::On || (flags.lab == Lab::Auto && is_private);
        let gateway =
            named(flags.payment_gateway).iter().map(|rule| rule.parse()).collect::<Result<Vec<payment::Rule>, _>>();
        let gateway = gateway.map_err(|error| ConfigError::new(format!("PAYMENT_GATEWAY: {error}")))?;
        let allowed_hosts = named(flags.allowed_hosts);
        if let Some(host) = allowed_hosts.iter().find(|host| !is_host(host)) {
            return Err(ConfigError::new(format!(
                "ALLOWED_HOSTS: {host} is not a host name or an address without a port"
            )));
        }
        let cors_origins = named(flags.cors_origins);
        if let Some(origin) = cors_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(ConfigError::new(format!("CORS_ORIGINS: {origin} is neither http(s)://HOST[:PORT] nor null")));
        }
        if let Err(error) = env_filter::Builder::new().try_parse(&flags.log) {
            return Err(ConfigError::new(format!("RUST_LOG: {}: {error}", flags.log)));
        }
        let quota = order::Quota { orders: flags.max_pending_orders.into(), units: flags.max_held_units.into() };
        Ok(Self {
            action,
            services,
            urls,
            public_url: flags.public_url,
            no_products,
            order: order::Settings { ttl: flags.order_ttl, quota, sweep: flags.sweep },
            payment: payment::Settings { window: flags.payment_window, gateway, sweep: flags.sweep },
            auth_required,
            jwt_secret,
            demo: flags.demo,
            recorded_calls: lab.then_some(flags.recorded_calls as usize),
            may_reset: lab && is_private && is_whole,
            allowed_hosts,
            cors_origins,
            request_timeout: flags.request_timeout,
            log: flags.log,
            log_style: log_style(),
        })
    }
}

/// Refuses two services at one address, and addresses beyond loopback unless the network `may_call`.
fn check_addresses(services: &[ServiceConfig], may_call: bool) -> Result<(), ConfigError> {
    for (at, one) in services.iter().enumerate() {
        let variable = one.service.addr_variable();
        let Some(listen) = one.listen else { continue };
        if !listen.ip().is_loopback() && !may_call {
            return Err(ConfigError::new(format!(
                "{variable}={listen} can be reached from the network, where with AUTH=open everybody may do \
                 everything: set AUTH=required, use 127.0.0.1, or set OPEN_TO_NETWORK=yes if that is meant"
            )));
        }
        let same = services.iter().skip(at + 1).find(|other| other.listen == one.listen && listen.port() != 0);
        if let Some(other) = same {
            let other = other.service.addr_variable();
            return Err(ConfigError::new(format!("{variable} and {other} are both {listen}")));
        }
    }
    Ok(())
}

/// Refuses the URL of a service that only other services can find, as pages would show it to anybody.
fn check_not_internal(service: ServiceName, url: &Url) -> Result<(), ConfigError> {
    if web::is_loopback(url) {
        return Ok(());
    }
    Err(ConfigError::new(format!(
        "{}_URL={url} would be shown to anybody, as pages look for the service there: set PUBLIC_URL to where browsers \
         find the services",
        service.name().to_uppercase()
    )))
}

/// The settings of two different databases, if the services do not share one.
fn different_databases(services: &[ServiceConfig]) -> Option<[&str; 2]> {
    let (first, others) = services.split_first()?;
    let other = others.iter().find(|other| other.database != first.database)?;
    Some([&first.database_variable, &other.database_variable])
}

/// The name that clap suggests for a misspelt one.
fn meant(error: &clap::Error) -> Option<&str> {
    let kinds = [ContextKind::SuggestedArg, ContextKind::SuggestedValue, ContextKind::SuggestedSubcommand];
    kinds.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(name) => Some(name.as_str()),
        ContextValue::Strings(names) => names.last().map(String::as_str),
        _ => None,
    })
}

/// The style for people if standard error is a terminal. <https://no-color.org> and <https://bixense.com/clicolors/>
/// define the variables.
#[expect(clippy::disallowed_methods, reason = "the environment is read here")]
fn log_style() -> Style {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let forced = set("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    if forced || std::io::stderr().is_terminal() {
        Style::Terminal { colours: set("NO_COLOR").is_none() }
    } else {
        Style::Plain
    }
}

/// The URL of a server that listens at `addr`, from this machine.
pub fn base_url(mut addr: SocketAddr) -> Result<Url, ConfigError> {
    if addr.ip().is_unspecified() {
        addr.set_ip(if addr.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    Url::parse(&format!("http://{addr}")).map_err(|error| ConfigError::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(args: &[&str]) -> Result<Config, ConfigError> {
        Config::from_args([&["pasar"], args].concat())
    }

    fn url(urls: &[(ServiceName, Url)], service: ServiceName) -> Option<&str> {
        urls.iter().find(|(name, _)| *name == service).map(|(_, url)| url.as_str())
    }

    #[test]
    fn a_service_alone_finds_the_others_where_they_would_listen() {
        let Config { services, urls, .. } =
            config(&["order", "--user-addr", "0.0.0.0:8001", "--product-url", "http://shop:1/api"]).unwrap();
        assert_eq!(services.len(), 1);
        assert_eq!(url(&urls, ServiceName::User), Some("http://127.0.0.1:8001/"));
        assert_eq!(url(&urls, ServiceName::Product), Some("http://shop:1/api"));
    }

    #[test]
    fn the_payment_service_is_with_the_order_service_unless_it_has_an_address() {
        let listens = |args: &[&str]| {
            let Config { services, .. } = config(args).unwrap();
            services.iter().find(|one| one.service == ServiceName::Payment).unwrap().listen.map(|addr| addr.port())
        };
        assert_eq!(listens(&[]), None);
        assert_eq!(listens(&["--payment-addr", "127.0.0.1:8004"]), Some(8004));
        assert_eq!(listens(&["payment"]), Some(5003));
        let Config { urls, .. } = config(&["order"]).unwrap();
        assert_eq!(url(&urls, ServiceName::Payment), Some("http://127.0.0.1:5003/"));
    }

    #[test]
    fn where_one_has_to_log_in_the_network_may_come() {
        assert!(config(&["--user-addr", "0.0.0.0:5000", "--auth", "required"]).is_ok());
        assert!(config(&["--user-addr", "0.0.0.0:5000", "--open-to-network", "yes"]).is_ok());
        assert!(config(&["--auth", "required"]).is_ok_and(|config| config.auth_required));
    }

    #[test]
    fn calls_are_recorded_where_nobody_else_can_call_or_it_is_asked_for() {
        let records = |args: &[&str]| config(args).unwrap().recorded_calls.is_some();
        assert!(records(&[]) && records(&["--user-addr", "127.0.0.1:8000"]));
        for others in [
            ["--auth", "required"].as_slice(),
            &["--user-addr", "0.0.0.0:5000", "--open-to-network", "yes"],
            &["--public-url", "https://shop.example"],
        ] {
            assert!(!records(others), "{others:?}");
            assert!(records(&[others, &["--lab", "on"]].concat()), "{others:?}");
        }
        assert!(!records(&["--lab", "off"]));
    }

    #[test]
    fn where_one_has_to_log_in_the_address_of_an_internal_service_is_not_shown() {
        for url in ["http://10.0.0.7:8080/api", "http://product:5001", "http://[fd00::7]:5001"] {
            let with = |more: &[&str]| config(&[&["order", "--product-url", url], more].concat());
            assert!(with(&[]).is_ok() && with(&["--auth", "required", "--public-url", "https://shop.example"]).is_ok());
            let refusal = with(&["--auth", "required"]).unwrap_err().text;
            assert!(refusal.contains(&format!("PRODUCT_URL={url}")) && refusal.contains("PUBLIC_URL"), "{refusal}");
        }
        for url in ["http://127.0.0.1:8080/api", "http://localhost:5001", "http://[::1]:5001"] {
            assert!(config(&["order", "--auth", "required", "--product-url", url]).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = "a secret of more than thirty-two bytes";
        let shown = format!("{:?}", config(&["--jwt-secret", secret]).unwrap());
        assert!(shown.contains("jwt_secret") && !shown.contains(secret), "{shown}");
        let refusal = config(&["--jwt-secret", "short secret"]).unwrap_err();
        assert!(!refusal.text.contains("short secret"), "{}", refusal.text);
    }

    #[test]
    fn a_refused_database_url_does_not_give_its_password_away() {
        let refusal = config(&["--database-url", "postgres://pasar:secret@db/pasar"]).unwrap_err();
        assert!(!refusal.text.contains("secret"), "{}", refusal.text);
    }

    #[test]
    fn what_can_not_work_is_refused_in_one_line_that_names_the_setting() {
        for (args, named) in [
            (["--user-addr", "127.0.0.1:5001"], "USER_ADDR and PRODUCT_ADDR"),
            (["--user-addr", "0.0.0.0:5000"], "OPEN_TO_NETWORK"),
            (["--order-addr", "[::]:5000"], "AUTH=required"),
            (["--auth", "maybe"], "--auth"),
            (["--jwt-secret", "too short by a character, alas!"], "JWT_SECRET"),
            (["admin", "siti"], "siti"),
            (["fault", "explode"], "explode"),
            (["seed", "market"], "possible values: shop, busy"),
            (["load", "--rate=-1"], "--rate"),
            (["load", "--rate=NaN"], "--rate"),
            (["load", "--customers=0"], "--customers"),
            (["load", "--duration=0s"], "--duration"),
            (["load", "--mix=order"], "--mix"),
            (["--product-url=none", "load"], "PRODUCT_URL"),
            (["--user-addr", "5000"], "--user-addr"),
            (["--user-url", "https://shop"], "--user-url"),
            (["--public-url", "ftp://shop.example"], "--public-url"),
            (["--public-url", "https://siti@shop.example"], "--public-url"),
            (["--database-url", "postgres://localhost/x"], "DATABASE_URL"),
            (["--order-database-url", "mysql:x"], "ORDER_DATABASE_URL"),
            (["--allowed-hosts", "shop.example:8080"], "ALLOWED_HOSTS"),
            (["--cors-origins", "https://shop.example/"], "CORS_ORIGINS"),
            (["--cors-origins", "*"], "CORS_ORIGINS"),
            (["--log", "pasar=inof"], "RUST_LOG"),
            (["--request-timeout", "0s"], "--request-timeout"),
            (["--demo", "maybe"], "--demo"),
            (["--order-ttl", "9000y"], "--order-ttl"),
            (["--max-pending-orders", "0"], "--max-pending-orders"),
            (["--max-held-units", "many"], "--max-held-units"),
            (["--payment-gateway", "cheque=decline"], "PAYMENT_GATEWAY"),
            (["--payment-gateway", "card=soon"], "PAYMENT_GATEWAY"),
            (["--order-database-url", "sqlite:other.db"], "ORDER_DATABASE_URL"),
            (["--colour", "red"], "--colour"),
            (["payments", "order"], "payments"),
        ] {
            let refusal = config(&args).unwrap_err();
            assert_eq!(refusal.exit_code, 2);
            assert!(refusal.text.contains(named) && !refusal.text.contains('\n'), "{}", refusal.text);
        }
    }
}
