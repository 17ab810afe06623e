//! What the handlers work with.

use crate::clock::Clock;
use crate::storage::Db;

#[derive(Clone)]
pub struct State {
    pub db: Db,
    pub clock: Clock,
}
