//! The SQL of the user service.

use serde::Deserialize;

use super::api::{NewUser, Notification, User};
use crate::error::{EMAIL_TAKEN, Error, Result};
use crate::events::{self, Event};
use crate::order::api::Status;
use crate::storage::{Row, Tx};
use crate::web::{Email, Language, Phone, Place, Sort};

const DEMO: &str = include_str!("../../data/users.json");

fn user(row: &Row<'_>) -> Result<User> {
    Ok(User { id: row.get(0)?, name: row.get(1)?, email: row.get(2)?, phone: row.get(3)? })
}

pub fn find(tx: &Tx<'_>, id: i64) -> Result<Option<User>> {
    tx.query_opt("SELECT id, name, email, phone FROM users WHERE id = $1", &[id.into()], user)
}

pub fn list(tx: &Tx<'_>, _: Sort, after: Option<&Place>, limit: usize) -> Result<Vec<User>> {
    tx.query(
        "SELECT id, name, email, phone FROM users WHERE id > $1 ORDER BY id LIMIT $2",
        &[after.map_or(0, |place| place.id).into(), (limit as i64).into()],
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
    let added = added.ok_or_else(|| Error::new(&EMAIL_TAKEN))?;
    events::emit(tx, &Event::UserCreated { user_id: added.id, name: added.name.clone() })?;
    Ok(added)
}

/// Makes a notification of an order's event.
pub fn notify(tx: &Tx<'_>, event: &Event) -> Result<()> {
    let (order_id, user_id, status, at) = match event {
        Event::OrderCreated { order_id, user_id, at } => (*order_id, *user_id, Status::Pending.as_str(), *at),
        Event::OrderStatusChanged { order_id, user_id, status, at } => (*order_id, *user_id, status.as_str(), *at),
        _ => return Ok(()),
    };
    tx.execute(
        "INSERT INTO notifications (user_id, id, order_id, status, at)
         VALUES ($1, (SELECT coalesce(max(id), 0) + 1 FROM notifications WHERE user_id = $1), $2, $3, $4)",
        &[user_id.into(), order_id.into(), status.into(), at.into()],
    )?;
    Ok(())
}

/// The notifications of a user after the one with the id `after`, oldest first.
pub fn notifications(
    tx: &Tx<'_>,
    user_id: i64,
    after: i64,
    limit: usize,
    language: Language,
) -> Result<Vec<Notification>> {
    tx.query(
        "SELECT id, order_id, status, at FROM notifications WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        &[user_id.into(), after.into(), (limit as i64).into()],
        |row| {
            let status: String = row.get(2)?;
            let status = Status::stored(&status)?;
            Ok(Notification::new(row.get(0)?, row.get(1)?, status, row.get(3)?, language))
        },
    )
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
