//! Pasar: a small shop made of services that talk to each other over plain HTTP, in one process or in
//! several.
//!
//! # The map
//!
//! | where | what |
//! |---|---|
//! | [`config`] | settings: flags, environment, `.env`, defaults |
//! | [`app`] | the launcher: databases, listeners, servers, an orderly stop |
//! | [`banner`] | what is printed once the services run |
//! | [`logging`] | the log: env_logger, written by a thread of its own |
//! | [`limits`] | how many files and connections the process may have open |
//! | [`clock`] | the one clock, which tests can move |
//! | [`error`] | the one error type and the catalogue of all error codes |
//! | [`web`] | what all servers share: the layers around a request, bodies, queries, lists, problem documents, the OpenAPI document, pages, metrics |
//! | [`peer`] | calls to other services: deadline, retry, breaker, trace |
//! | [`storage`] | the database: snapshots for reading, bounded scans, one group-committing writer; Idempotency-Keys |
//! | [`auth`] | who makes a request and what they may: tokens, roles, access |
//! | [`events`] | what happened, delivered through an outbox; jobs: the calls that must follow from a change |
//! | [`user`], [`product`], [`order`], [`payment`] | the services: `api` (wire types), `client` (for the other services), `handlers`, `store` (SQL), and the routes in `mod` |
//!
//! A request enters through `web::front`, is routed by the table in its service's `mod`, handled in
//! `handlers`, and reaches its table through `store`. `order::placement` shows services talking,
//! `order::lifecycle` and `payment::settlement` what becomes of an order and its payment.
//!
//! # The rules
//!
//! 1. A service reaches another only through that service's `client` and `api`, over real HTTP even
//!    within one process. `store` and `handlers` are private.
//! 2. A table belongs to one service, and SQL stands only in that service's `store`; the outbox, the
//!    jobs, the Idempotency-Keys and the revoked tokens belong to `events`, `storage` and `auth`.
//! 3. `storage` and `events` know nothing of HTTP or of a service.
//! 4. Only `app` chooses concrete parts; only `config` reads the environment; status codes stand only in
//!    `web` and `peer`.
//! 5. No write transaction is open while a call to another service is under way.
//! 6. A trait only where it has two implementations. No `unwrap` or `expect` on a request's path.

#![cfg_attr(not(test), warn(clippy::panic, clippy::unreachable, clippy::unimplemented))]

pub mod app;
pub mod auth;
pub mod banner;
pub mod clock;
pub mod config;
pub mod context;
pub mod domain;
pub mod error;
pub mod events;
pub mod limits;
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
