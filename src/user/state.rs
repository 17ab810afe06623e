//! The state that the handlers share.

use super::arrivals::Arrivals;
use super::password::Passwords;
use crate::auth::token::Tokens;
use crate::clock::Clock;
use crate::events::Outbox;
use crate::storage::Db;

#[derive(Clone)]
pub struct State {
    pub db: Db,
    pub clock: Clock,
    pub outbox: Outbox,
    pub tokens: Tokens,
    pub passwords: Passwords,
    pub arrivals: Arrivals,
}
