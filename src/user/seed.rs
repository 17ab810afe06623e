//! The customers of a shop with a past.

use anyhow::anyhow;

use super::api::{NewUser, User};
use super::store;
use crate::domain::FieldError;
use crate::error::{Error, Result};
use crate::events::Outbox;
use crate::storage::Tx;
use crate::web::array;

/// An array of bodies of `POST /users`.
const CUSTOMERS: &str = include_str!("../../data/customers.json");
const MAX_CUSTOMERS: usize = 100;

/// Adds made-up customers.
pub fn add_customers(tx: &Tx<'_>, outbox: &Outbox) -> Result<Vec<User>> {
    let json = serde_json::from_str(CUSTOMERS).map_err(Error::internal)?;
    let customers: Vec<NewUser> = array(json, MAX_CUSTOMERS).map_err(|error| {
        let (FieldError::Type(why) | FieldError::Rule(why)) = error;
        Error::internal(anyhow!("{}", why.en))
    })?;
    customers.iter().map(|new| store::insert(tx, outbox, new)).collect()
}
