//! What the services of this process call, answer and commit, kept in memory for people who want to see it: the newest
//! only.

pub mod api;
mod record;
mod recorder;
mod scope;
mod secrets;

pub use record::{Action, Exchange, Record, Wrote};
pub use recorder::{Changes, Open, Recorder};
pub use scope::{Scope, begin_call, committed, keep_request_body, trace_of_request};
pub use secrets::is_secret;
