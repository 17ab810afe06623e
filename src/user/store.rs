//! The SQL of the user service.

use serde::Deserialize;

use super::api::{NewUser, User};
use crate::error::{EMAIL_TAKEN, Error, Result};
use crate::storage::{Row, Tx};
use crate::web::{Email, Phone, Sort};

const DEMO: &str = include_str!("../../data/users.json");

fn user(row: &Row<'_>) -> Result<User> {
    Ok(User { id: row.get(0)?, name: row.get(1)?, email: row.get(2)?, phone: row.get(3)? })
}

pub fn find(tx: &Tx<'_>, id: i64) -> Result<Option<User>> {
    tx.query_opt("SELECT id, name, email, phone FROM users WHERE id = $1", &[id.into()], user)
}

pub fn list(tx: &Tx<'_>, _: Sort, after: Option<i64>, limit: usize) -> Result<Vec<User>> {
    tx.query(
        "SELECT id, name, email, phone FROM users WHERE id > $1 ORDER BY id LIMIT $2",
        &[after.unwrap_or(0).into(), (limit as i64).into()],
        user,
    )
}

/// Adds a user; [`EMAIL_TAKEN`] if another one has the address.
pub fn insert(tx: &Tx<'_>, new: &NewUser) -> Result<User> {
    let key = new.email.as_ref().map(Email::key);
    let added = tx.query_opt(
        "INSERT INTO users (name, email, email_key, phone) VALUES ($1, $2, $3, $4)
         ON CONFLICT (email_key) DO NOTHING RETURNING id, name, email, phone",
        &[
            new.name.as_str().into(),
            new.email.as_ref().map(Email::as_str).into(),
            key.as_deref().into(),
            new.phone.as_ref().map(Phone::as_str).into(),
        ],
        user,
    )?;
    added.ok_or_else(|| Error::new(&EMAIL_TAKEN))
}

/// Adds the demo users, once ever, to an empty table only.
pub fn seed(tx: &Tx<'_>) -> Result<()> {
    #[derive(Deserialize)]
    struct Demo {
        name: String,
    }
    let empty = tx.query_opt("SELECT 1 FROM users LIMIT 1", &[], |_| Ok(()))?.is_none();
    if empty && tx.first_time("demo users")? {
        for demo in serde_json::from_str::<Vec<Demo>>(DEMO).map_err(Error::internal)? {
            tx.execute("INSERT INTO users (name) VALUES ($1)", &[(&demo.name).into()])?;
        }
    }
    Ok(())
}
