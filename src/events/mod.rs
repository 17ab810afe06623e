//! What happened, delivered to whoever subscribed; and the calls to other services that must follow from a change.
//!
//! [`Outbox::emit`] writes an event in the transaction of the change that it reports, one row for each
//! subscriber; [`Delivery`] hands the rows over in batches, each in the transaction of the subscriber's own effect.
//! So an event exists if and only if its change was committed, and is applied once. [`jobs`] do the
//! same for calls over the network, which no transaction can hold: they are made until they are answered.
//!
//! Each service declares its subscribers and its kinds of jobs; here none of them is known by name.

mod backlog;
mod delivery;
mod event;
pub mod jobs;
mod outbox;
mod pace;
mod subscribers;

pub use backlog::{Backlog, backlog};
pub use delivery::{After, Delivery, LocalSubscribers};
pub use event::{Event, EventKind};
pub use jobs::{Job, JobKind, JobRunner};
pub use outbox::{Effect, Outbox, Subscriber};
