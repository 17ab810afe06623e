//! Pasar: a small shop made of services that talk to each other over plain HTTP, in one process or in several.
//!
//! # The map
//!
//! From the top down: a module uses only modules below it.
//!
//! | module | what it is |
//! |---|---|
//! | [`app`] | the launcher: opens the database, binds listeners, builds the services one by one, supervises, stops |
//! | [`banner`] | what is printed after the start |
//! | [`config`] | the settings: flags, environment, `.env`, defaults |
//! | [`load`] | customers that use running services, and check what was acknowledged |
//! | [`user`], [`order`] … | the services, a folder each: see below |
//! | [`service`] | what a service is built from, and what it consists of |
//! | [`peer`] | calls to other services: deadline, retry, circuit breaker, trace |
//! | [`web`] | HTTP: server, middleware, extractors, request bodies, lists, server-sent events, problem documents, documentation and pages |
//! | [`auth`] | principals, roles, access, tokens, revocations |
//! | [`invariants`] | what must hold between the rows of a service, and reports of whether it does |
//! | [`events`] | the catalogue of events, the outbox, its delivery; jobs: calls that must follow from a change |
//! | [`storage`] | the database: snapshots, bounded scans, surveys of all rows, one group-committing writer, generations of rows, backups, cursors, Idempotency-Keys |
//! | [`calls`] | the recorder: what the services call, answer and commit, kept in memory for people who want to see it |
//! | [`faults`] | what people break on purpose, and how often it happened |
//! | [`lessons`] | what people can try at a running shop, and how it is judged |
//! | [`context`], [`metrics`], [`shares`], [`limits`], [`logging`], [`clock`], [`error`] | request context; metrics; limits for each client; limits of the process; the log; the clock; errors and their catalogue |
//! | [`domain`] | values, ids, moments, languages: the words of the shop, without HTTP or SQL |
//!
//! A service is a folder with the same files:
//!
//! | file | what it has |
//! |---|---|
//! | `service.rs` | `build`: its routes and state, subscribers, start-up work, tasks, purge |
//! | `routes.rs` | the table of its routes, each with its documentation and who may call it |
//! | `api.rs` | the types that go over the wire |
//! | `client.rs` | how other services call it |
//! | `handlers.rs` | what each route does |
//! | `store.rs` | its SQL |
//! | `invariants.rs` | what must hold between its rows |
//! | `state.rs` | what its handlers work with |
//! | `subscribers.rs` | what it does with events |
//! | `jobs.rs` | the calls that it must make because of its changes, if any |
//!
//! A request passes `web::middleware`, is routed by the table in its service's `routes`, handled in `handlers`, and
//! reaches the database through `store`. `order::placement` shows services that work together, `order::lifecycle` and
//! `payment::settlement` what happens to an order and its payment.
//!
//! # The rules
//!
//! The compiler keeps them where it can, `tests/rules` and `.clippy.toml` where it can't.
//!
//! 1. A service reaches another only through that service's `client` and `api`, over real HTTP even within one
//!    process. All other modules of a service are private.
//! 2. A table belongs to one service, and SQL is only in that service's `store`. The tables that services share (the
//!    outbox, jobs, Idempotency-Keys, revoked tokens) belong to `events`, `storage` and `auth`.
//! 3. `domain`, `storage`, `events` and `auth` know nothing of actix, reqwest or a service. Stores, clients, jobs,
//!    placement, lifecycle and settlement do not import `web`. No module imports in a circle.
//! 4. Only `app` chooses back ends; only `config` reads the environment; status codes are only in `web` and `peer`.
//! 5. No write transaction is open while a call to another service is in progress.
//! 6. A trait only where it has two implementations. No `unwrap` or `expect` on the path of a request.
//!
//! # The checked constants
//!
//! Budgets, leases and timeouts depend on each other. Each relation is an assertion beside the constants, which the
//! compiler checks.
//!
//! | relation | where | why |
//! |---|---|---|
//! | the budget of calls leaves half a second of the time for an answer | [`context`] | the answer is there within three seconds |
//! | two attempts and the pause between them fit into the budget | [`peer`] | a lost first attempt is retried in time |
//! | waiting for a scan and the scan itself fit into the time for an answer | `storage::sqlite::scan` | a search is answered or refused in time |
//! | a health check fits into the time for an answer | `storage::sqlite::health` | likewise |
//! | the timeout of an answer is longer than the time for an answer | `web::middleware` | it stops bugs, not requests |
//! | our clients keep idle connections less than half as long as our servers | [`app`] | no call uses a connection that is being closed |
//! | a server makes room for a new connection before a call gives up | [`app`] | idle clients do not stop the calls between services |
//! | a service's token outlives its renewal and a whole request | `peer::service_token` | no call carries an expired token |
//! | a placement's lease is at least twice the budget, and at most what a leased key or a planned job may have | `order::placement` | an order in progress is not undone |
//! | an unpaid order outlives its deadline by the budget | `order::expiry` | a payment that was confirmed in time can still be reported |
//! | a job's lease is longer than the budget and at most the longest pause | `events::jobs` | no worker repeats a call in progress |
//! | the pauses of a worker add up to a second at most | `events::pace` | a revoked token is refused within a second |
//! | a batch of events is larger than what requests write between two batches | `events::delivery` | a backlog shrinks |
//! | a revocation is kept longer than a token is valid, a ticket no longer than a token | [`auth`] | no revoked token comes back |
//! | a key is remembered longer than it is leased | `storage::idempotency` | a key in progress is not forgotten |
//! | the key of a released reservation is remembered longer than a call may take | `product::service` | a late call does not reserve |
//! | the tolerated clock skew is larger than the budget | `order::store::quota` | a claim in progress is not taken for an expired one |
//! | the limits of one account, client or network are below those of all | `user::limits`, `user::password`, `web::sse`, `storage::sqlite::scan` | others get their share |
//! | prices are exact in JavaScript, a line fits the stock | [`domain`] | every client counts right |

#![cfg_attr(not(test), warn(clippy::panic, clippy::unreachable, clippy::unimplemented))]

pub mod app;
pub mod auth;
pub mod banner;
pub mod calls;
pub mod clock;
pub mod config;
pub mod context;
pub mod domain;
pub mod error;
pub mod events;
pub mod faults;
pub mod invariants;
pub mod lessons;
pub mod limits;
pub mod load;
pub mod logging;
pub mod metrics;
pub mod order;
pub mod payment;
pub mod peer;
pub mod product;
pub mod service;
pub mod shares;
pub mod storage;
pub mod user;
pub mod web;
