//! Events, which an outbox delivers to their subscribers; and jobs, the calls to other services that a change causes.
//!
//! [`Outbox::emit`] writes an event in the transaction of the change that it reports, one row for each subscriber.
//! [`Delivery`] delivers the rows in batches, each in the transaction of the subscriber's effect. So an event exists if
//! and only if its change was committed, and it is applied once. [`jobs`] do the same for calls over the network: a
//! call can't be made in a transaction, so it is repeated until it is answered.
//!
//! Each service declares its subscribers and its kinds of jobs. This module knows none of them by name.

mod backlog;
mod delivery;
mod event;
mod invariants;
pub mod jobs;
mod outbox;
mod pace;
mod subscribers;

pub use backlog::{Backlog, backlog};
pub use delivery::{After, Delivery, LocalSubscribers};
pub use event::{Event, EventKind};
pub use invariants::{WaitingJob, check_events, check_jobs, job_targets, waiting_events, waiting_jobs};
pub use jobs::{Job, JobKind, JobRunner};
pub use outbox::{Effect, Outbox, Subscriber};
