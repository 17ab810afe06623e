//! The state that the handlers share.

use crate::clock::Clock;
use crate::events::Outbox;
use crate::storage::Db;

#[derive(Clone)]
pub struct State {
    pub db: Db,
    pub clock: Clock,
    pub outbox: Outbox,
}
