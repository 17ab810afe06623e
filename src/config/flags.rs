//! The command line and the environment, as clap reads them. What the settings mean together is checked in `config`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use reqwest::Url;

use super::text::{OptionalPeer, address, duration, optional_peer, peer, public_url, rate, switch};
use crate::faults::{ANYBODY, CLIENT, EVENTS, Kind};
use crate::load::{MAX_CUSTOMERS, Mix};
use crate::service::ServiceName;

// The groups of settings in the help.
const ADDRESSES: &str = "Addresses";
const PEERS: &str = "Services that run elsewhere";
const DATABASES: &str = "Databases";
const ORDERS: &str = "Orders and payments";
const ACCESS: &str = "Accounts and access";
const LAB: &str = "Seeing what happens";
const LOGGING: &str = "Logging";
// Those of `load`.
const CUSTOMERS: &str = "Customers";
const REPORT: &str = "Report";

const EXAMPLES: &str = "\
Examples:
  pasar                                     the whole shop; then open http://localhost:5002/
  pasar user product                        only these services
  pasar order --user-url http://10.0.0.7:5000
  pasar --user-addr 127.0.0.1:8000          another port
  AUTH=required pasar                       everybody has to log in
  pasar health                              is it running?
  pasar load --rate 100                     a hundred customers a second, who order and pay
  pasar verify                              does everything in it agree?
  pasar fault arm order product lose_answer   the next answer gets lost; then: pasar fault
  pasar lesson 3                            what to try, why, and whether it worked
  pasar seed shop                           more products, with stock and pictures
  pasar seed busy                           the same, with customers and the orders of a day
  pasar backup FILE                         copy the database while the services run
  pasar reset                               start over with an empty database

Flags come before environment variables, those before a .env file in this folder, that before the defaults.";

const LOAD_CODES: &str = "\
Exits with 0 if all orders are what was acknowledged, 1 if one is not, 2 if the services can't be used.
Addresses come before the command: pasar --order-addr 127.0.0.1:8002 load";

/// A shop of services that talk to each other over plain HTTP.
///
/// Without a service named, all of them start in this one process.
#[derive(Debug, Parser)]
#[command(name = "pasar", version, max_term_width = 100, after_help = EXAMPLES)]
pub(super) struct Flags {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Services to start [default: all]
    #[arg(value_enum, value_name = "SERVICE")]
    pub services: Vec<ServiceName>,

    /// Where the user service listens
    #[arg(long, env, value_name = "HOST:PORT", default_value = "127.0.0.1:5000", value_parser = address, help_heading = ADDRESSES)]
    pub user_addr: SocketAddr,
    /// Where the product service listens
    #[arg(long, env, value_name = "HOST:PORT", default_value = "127.0.0.1:5001", value_parser = address, help_heading = ADDRESSES)]
    pub product_addr: SocketAddr,
    /// Where the order service listens
    #[arg(long, env, value_name = "HOST:PORT", default_value = "127.0.0.1:5002", value_parser = address, help_heading = ADDRESSES)]
    pub order_addr: SocketAddr,
    /// Where the payment service listens [default: with the order service, without that at 127.0.0.1:5003]
    #[arg(long, env, value_name = "HOST:PORT", value_parser = address, help_heading = ADDRESSES)]
    pub payment_addr: Option<SocketAddr>,

    /// Where the order service finds users [default: at USER_ADDR]
    #[arg(long, env, value_name = "URL", value_parser = peer, help_heading = PEERS)]
    pub user_url: Option<Url>,
    /// Where the order service finds products; "none": nowhere [default: at PRODUCT_ADDR]
    #[arg(long, env, value_name = "URL", value_parser = optional_peer, help_heading = PEERS)]
    pub product_url: Option<OptionalPeer>,
    /// Where the payment service finds orders [default: at ORDER_ADDR]
    #[arg(long, env, value_name = "URL", value_parser = peer, help_heading = PEERS)]
    pub order_url: Option<Url>,
    /// Where the order service finds payments [default: at PAYMENT_ADDR]
    #[arg(long, env, value_name = "URL", value_parser = peer, help_heading = PEERS)]
    pub payment_url: Option<Url>,

    /// Where browsers find all services, behind a front door [default: each where the others find it]
    #[arg(long, env, value_name = "URL", value_parser = public_url, help_heading = PEERS)]
    pub public_url: Option<Url>,

    /// The database of all services; it is created where there is none
    #[arg(long, env, value_name = "URL", default_value = "sqlite:data/pasar.db", hide_env_values = true, help_heading = DATABASES)]
    pub database_url: String,
    /// A database for the user service alone
    #[arg(long, env, value_name = "URL", hide_env_values = true, help_heading = DATABASES)]
    pub user_database_url: Option<String>,
    /// A database for the product service alone
    #[arg(long, env, value_name = "URL", hide_env_values = true, help_heading = DATABASES)]
    pub product_database_url: Option<String>,
    /// A database for the order service alone
    #[arg(long, env, value_name = "URL", hide_env_values = true, help_heading = DATABASES)]
    pub order_database_url: Option<String>,
    /// A database for the payment service alone
    #[arg(long, env, value_name = "URL", hide_env_values = true, help_heading = DATABASES)]
    pub payment_database_url: Option<String>,

    /// How long an order waits to be paid
    #[arg(long, env, value_name = "TIME", default_value = "15m", value_parser = duration, help_heading = ORDERS)]
    pub order_ttl: Duration,
    /// Unpaid orders that an account may have at once, where one has to log in
    #[arg(long, env, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_pending_orders: u32,
    /// Units in stock that an account's unpaid orders may hold, where one has to log in
    #[arg(long, env, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_held_units: u32,
    /// How long a payment can be confirmed, ten times as long with "more_time"; never longer than its order waits
    #[arg(long, env, value_name = "TIME", default_value = "10s", value_parser = duration, help_heading = ORDERS)]
    pub payment_window: Duration,
    /// How the built-in payment gateway treats a method: "card=decline", "qris=2s" [default: approves at once]
    #[arg(long, env, value_name = "METHOD=…,…", value_delimiter = ',', help_heading = ORDERS)]
    pub payment_gateway: Vec<String>,
    /// How often deadlines are looked after
    #[arg(long, env, value_name = "TIME", default_value = "1s", value_parser = duration, help_heading = ORDERS)]
    pub sweep: Duration,

    /// Whether one has to log in
    #[arg(long, env, value_enum, value_name = "open|required", default_value = "open", hide_possible_values = true, help_heading = ACCESS)]
    pub auth: Auth,
    /// What tokens are signed with, at least 32 bytes, the same for all services [default: kept beside the database]
    #[arg(long, env, value_name = "SECRET", hide_env_values = true, help_heading = ACCESS)]
    pub jwt_secret: Option<String>,

    /// Whether an empty database gets a demo user and demo products
    #[arg(long, env, value_name = "on|off", default_value = "on", action = ArgAction::Set, value_parser = switch, help_heading = DATABASES)]
    pub demo: bool,

    /// Whether calls are recorded, to be looked at [default: on, but off where one has to log in or others can call]
    #[arg(long, env, value_enum, value_name = "on|off|auto", default_value = "auto", hide_default_value = true, hide_possible_values = true, help_heading = LAB)]
    pub lab: Lab,
    /// How many calls, answers and commits are kept
    #[arg(long, env, value_name = "NUMBER", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=100_000), help_heading = LAB)]
    pub recorded_calls: u32,

    /// Host names to answer for, besides this machine's own loopback names
    #[arg(long, env, value_name = "NAME,…", value_delimiter = ',', help_heading = ACCESS)]
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may call, besides those on this machine ("null": pages opened from disk)
    #[arg(long, env, value_name = "ORIGIN,…", value_delimiter = ',', help_heading = ACCESS)]
    pub cors_origins: Vec<String>,
    /// Listen on other addresses than loopback, though nobody has to log in
    #[arg(long, env, value_name = "yes|no", default_value = "no", action = ArgAction::Set, value_parser = switch, help_heading = ACCESS)]
    pub open_to_network: bool,

    /// How long a client may take to send a body; the answer may take another 10s
    #[arg(long, env, value_name = "TIME", default_value = "20s", value_parser = duration, help_heading = ACCESS)]
    pub request_timeout: Duration,

    /// What is logged, as env_logger has it: a level, or TARGET=LEVEL,…
    #[arg(long = "log", env = "RUST_LOG", value_name = "FILTER", default_value = "warn,pasar=info", help_heading = LOGGING)]
    pub log: String,
}

/// Whether one has to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Auth {
    Open,
    Required,
}

/// Whether calls are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Lab {
    On,
    Off,
    /// On where only people of this machine can call.
    Auto,
}

/// What to do with faults.
#[derive(Clone, Debug, Subcommand)]
pub enum FaultCommand {
    /// List the faults that are armed, and how often each fired
    List,
    /// Arm a fault at running services
    Arm(ArmFault),
    /// Remove a fault, or all
    Clear {
        /// Its name [default: all]
        name: Option<String>,
    },
}

/// A fault to arm.
#[derive(Args, Clone, Debug)]
pub struct ArmFault {
    /// Who sends: a service, client, events, or anybody to stop a service
    #[arg(value_parser = PossibleValuesParser::new([CLIENT, EVENTS, ANYBODY, "user", "product", "order", "payment"]))]
    pub from: String,
    /// The service that it is sent to
    #[arg(value_enum)]
    pub to: ServiceName,
    /// What happens
    #[arg(value_enum)]
    pub kind: Kind,
    /// Only requests with this method
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,
    /// Only this path; {…} matches any one segment
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// How long a delay takes [default: 300ms]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub delay: Option<Duration>,
    /// How often it happens [default: once, or always with --percent or stop]
    #[arg(long, value_name = "NUMBER")]
    pub times: Option<u64>,
    /// Of a hundred requests, how many it strikes
    #[arg(long, value_name = "NUMBER")]
    pub percent: Option<u8>,
    /// Its name [default: FROM-TO-KIND]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// What `pasar seed` adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Seed {
    /// Products of an Indonesian market, with stock, categories and pictures
    Shop,
    /// The same, and customers with a few hundred orders of the last day, in all states; once in a database
    Busy,
}

/// What to do besides serving.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Ask running services whether they are well, and exit with 0 if all are
    Health {
        /// Services to ask [default: all]
        #[arg(value_enum, value_name = "SERVICE")]
        services: Vec<ServiceName>,
    },
    /// Check all rows of running services: what must hold in each of them, and between them
    ///
    /// Exits with 0 if all invariants hold or work that waits will make them hold, with 1 if one is broken, and with 2 if
    /// a service can't be read.
    Verify {
        /// Print the reports as JSON
        #[arg(long)]
        json: bool,
    },
    /// Copy the database to a new file, whether or not the services run; the copy is a database to start from
    ///
    /// It has everything that was acknowledged before, and is readable by its owner alone. The secret that tokens are
    /// signed with is beside the database, not in it. Where services have databases of their own, each is copied by
    /// itself.
    Backup {
        /// Where the copy goes; an existing file is not overwritten
        file: PathBuf,
        /// Whose database [default: the one that all share]
        #[arg(value_enum, value_name = "SERVICE")]
        service: Option<ServiceName>,
    },
    /// Remove the databases with all that is in them, and the secret beside them; the next start makes new ones
    Reset {
        /// Do not ask first
        #[arg(long)]
        yes: bool,
    },
    /// Act as customers of running services, measure the answers, and check that what was acknowledged is so
    #[command(after_help = LOAD_CODES)]
    Load {
        /// Arrivals a second; 0: as fast as the customers allow
        #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = rate, help_heading = CUSTOMERS)]
        rate: f64,
        /// The most customers at the same time
        #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_CUSTOMERS)), help_heading = CUSTOMERS)]
        customers: u32,
        /// How long customers arrive
        #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration, help_heading = CUSTOMERS)]
        duration: Duration,
        /// What they come for, in proportion: order pays, cancel orders and cancels, late pays too late or not at all
        #[arg(long, value_name = "VISIT=WEIGHT,…", default_value = "browse=6,order=3,cancel=1,late=1", help_heading = CUSTOMERS)]
        mix: Mix,
        /// Print the report as JSON
        #[arg(long, help_heading = REPORT)]
        json: bool,
    },
    /// Show the lessons: what to try at running services, why, and where it is programmed
    Lesson {
        /// Which lesson [default: all]
        #[arg(value_name = "NUMBER")]
        number: Option<usize>,
        /// Only say whether it was done; exits with 0 if so, with 1 if not
        #[arg(long, requires = "number")]
        check: bool,
    },
    /// Break calls, events or services on purpose, and see how often that happened [default: list]
    Fault {
        #[command(subcommand)]
        command: Option<FaultCommand>,
    },
    /// Add to a shop, whether or not the services run; what exists stays as it is
    Seed {
        /// What to add
        #[arg(value_enum, value_name = "SEED")]
        seed: Seed,
    },
    /// Make an account an admin, in the user service's database; it has to log in again
    Admin {
        /// The e-mail address of the account
        email: String,
        /// Make it a customer again
        #[arg(long)]
        remove: bool,
    },
}
