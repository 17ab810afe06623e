//! The SQL of the user service.

pub mod invariants;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Deserialize;

use super::api::{NewUser, User, UserPatch};
use crate::auth::{Role, Scope};
use crate::domain::{Email, Field, OrderId, OrderStatus, Patch, Phone, Sentence, Timestamp, UserId};
use crate::error::{EMAIL_TAKEN, Error, INVALID_FIELDS, Result};
use crate::events::{Event, Outbox};
use crate::storage::{Cursor, Row, Sort, Tx};

const DEMO: &str = include_str!("../../data/users.json");

const COLUMNS: &str = "id, name, email, phone";

fn user(row: &Row<'_>) -> Result<User> {
    Ok(User { id: row.get(0)?, name: row.get(1)?, email: row.get(2)?, phone: row.get(3)? })
}

pub fn find(tx: &Tx<'_>, id: UserId, scope: Scope) -> Result<Option<User>> {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE id = $1 AND id = coalesce($2, id)");
    tx.query_opt(&sql, &[id.into(), scope.into()], user)
}

pub fn list(tx: &Tx<'_>, _: Sort, after: Option<&Cursor>, limit: usize) -> Result<Vec<User>> {
    tx.query(
        &format!("SELECT {COLUMNS} FROM users WHERE id > $1 ORDER BY id LIMIT $2"),
        &[after.map_or(0, |cursor| cursor.id).into(), (limit as i64).into()],
        user,
    )
}

/// Adds a user; [`EMAIL_TAKEN`] if another one has the address.
pub fn insert(tx: &Tx<'_>, outbox: &Outbox, new: &NewUser) -> Result<User> {
    let key = new.email.as_ref().map(Email::key);
    let added = tx.query_opt(
        &format!(
            "INSERT INTO users (name, email, email_key, phone) VALUES ($1, $2, $3, $4)
             ON CONFLICT (email_key) DO NOTHING RETURNING {COLUMNS}"
        ),
        &[
            new.name.as_str().into(),
            new.email.as_ref().map(Email::as_str).into(),
            key.as_deref().into(),
            new.phone.as_ref().map(Phone::as_str).into(),
        ],
        user,
    )?;
    let added = added.ok_or_else(|| Error::new(&EMAIL_TAKEN))?;
    outbox.emit(tx, &Event::UserCreated { user_id: added.id, name: added.name.clone() })?;
    Ok(added)
}

/// Edits a user; [`EMAIL_TAKEN`] if another one has the new address.
pub fn update(tx: &Tx<'_>, outbox: &Outbox, id: UserId, scope: Scope, patch: &UserPatch) -> Result<Option<User>> {
    let Some(mut user) = find(tx, id, scope)? else { return Ok(None) };
    if let Some(name) = &patch.name {
        user.name = name.as_str().to_owned();
    }
    match &patch.phone {
        Patch::Keep => {}
        Patch::Remove => user.phone = None,
        Patch::Set(phone) => user.phone = Some(phone.as_str().to_owned()),
    }
    match &patch.email {
        Patch::Keep => {}
        Patch::Remove if account(tx, id)?.is_some() => {
            let why = Sentence::new("diperlukan untuk masuk", "is needed to log in");
            return Err(Error::new(&INVALID_FIELDS).field("email", why));
        }
        Patch::Remove => set_email(tx, &mut user, None)?,
        Patch::Set(email) => {
            if with_email(tx, &email.key())?.is_some_and(|other| other.id != id) {
                return Err(Error::new(&EMAIL_TAKEN));
            }
            set_email(tx, &mut user, Some(email))?;
        }
    }
    tx.execute(
        "UPDATE users SET name = $2, phone = $3 WHERE id = $1",
        &[id.into(), (&user.name).into(), user.phone.as_ref().into()],
    )?;
    outbox.emit(tx, &Event::UserUpdated { user_id: id, name: user.name.clone() })?;
    Ok(Some(user))
}

fn set_email(tx: &Tx<'_>, user: &mut User, email: Option<&Email>) -> Result<()> {
    let key = email.map(Email::key);
    user.email = email.map(|email| email.as_str().to_owned());
    tx.execute(
        "UPDATE users SET email = $2, email_key = $3 WHERE id = $1",
        &[user.id.into(), user.email.as_ref().into(), key.as_ref().into()],
    )?;
    Ok(())
}

/// Removes a user with their account and their notifications, and revokes their tokens; false if there is none.
pub fn delete(tx: &Tx<'_>, outbox: &Outbox, id: UserId, scope: Scope, now: Timestamp) -> Result<bool> {
    if find(tx, id, scope)?.is_none() {
        return Ok(false);
    }
    revoke_tokens(tx, outbox, id, now)?;
    for table in ["DELETE FROM accounts", "DELETE FROM notifications"] {
        tx.execute(&format!("{table} WHERE user_id = $1"), &[id.into()])?;
    }
    tx.execute("DELETE FROM users WHERE id = $1", &[id.into()])?;
    Ok(true)
}

/// The account of a user, for logins.
pub struct Account {
    pub user_id: UserId,
    pub password_hash: String,
    pub role: Role,
    /// The version that valid tokens carry.
    pub version: i64,
}

const ACCOUNT: &str = "SELECT user_id, password_hash, role, token_version FROM accounts";

fn read_account(row: &Row<'_>) -> Result<Account> {
    Ok(Account { user_id: row.get(0)?, password_hash: row.get(1)?, role: row.parse(2)?, version: row.get(3)? })
}

/// The account of a user, if they have one.
pub fn account(tx: &Tx<'_>, user_id: UserId) -> Result<Option<Account>> {
    tx.query_opt(&format!("{ACCOUNT} WHERE user_id = $1"), &[user_id.into()], read_account)
}

/// The user with this e-mail key.
pub fn with_email(tx: &Tx<'_>, key: &str) -> Result<Option<User>> {
    tx.query_opt(&format!("SELECT {COLUMNS} FROM users WHERE email_key = $1"), &[key.into()], user)
}

/// How far apart the first versions of two generations are: further than any account comes.
const VERSIONS_OF_GENERATION: i64 = 1 << 32;

/// Gives a user an account. Its first version is one that no account of an earlier generation had, as a user of that may
/// have had the same id and still have a token.
pub fn open_account(tx: &Tx<'_>, user_id: UserId, password_hash: &str) -> Result<Account> {
    let version = tx.generation()? * VERSIONS_OF_GENERATION + 1;
    tx.query_one(
        "INSERT INTO accounts (user_id, password_hash, role, token_version) VALUES ($1, $2, $3, $4)
         RETURNING user_id, password_hash, role, token_version",
        &[user_id.into(), password_hash.into(), Role::Customer.as_str().into(), version.into()],
        read_account,
    )
}

/// Whether a user's token of this version is valid.
pub fn is_current(tx: &Tx<'_>, user_id: UserId, version: i64) -> Result<bool> {
    let sql = "SELECT token_version FROM accounts WHERE user_id = $1";
    let current: Option<i64> = tx.query_opt(sql, &[user_id.into()], |row| row.get(0))?;
    Ok(current == Some(version))
}

/// Revokes all tokens of a user: here at once, in other services when they receive the event.
pub fn revoke_tokens(tx: &Tx<'_>, outbox: &Outbox, user_id: UserId, now: Timestamp) -> Result<()> {
    let sql = "UPDATE accounts SET token_version = token_version + 1 WHERE user_id = $1 RETURNING token_version";
    if let Some(version) = tx.query_opt(sql, &[user_id.into()], |row| row.get(0))? {
        outbox.emit(tx, &Event::UserCredentialsChanged { user_id, version, at: now })?;
    }
    Ok(())
}

/// Changes the password of an account whose tokens have this version; false if they have another one meanwhile.
pub fn set_password(
    tx: &Tx<'_>,
    outbox: &Outbox,
    user_id: UserId,
    version: i64,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE accounts SET password_hash = $3 WHERE user_id = $1 AND token_version = $2";
    if tx.execute(sql, &[user_id.into(), version.into(), password_hash.into()])? == 0 {
        return Ok(false);
    }
    revoke_tokens(tx, outbox, user_id, now)?;
    Ok(true)
}

/// Changes the role of the account with this e-mail key and revokes its tokens. Returns its user; `None` if there is no
/// such account.
pub fn set_role(tx: &Tx<'_>, outbox: &Outbox, email_key: &str, role: Role, now: Timestamp) -> Result<Option<User>> {
    let Some(user) = with_email(tx, email_key)? else { return Ok(None) };
    let sql = "UPDATE accounts SET role = $2 WHERE user_id = $1";
    let found = tx.execute(sql, &[user.id.into(), role.as_str().into()])? == 1;
    revoke_tokens(tx, outbox, user.id, now)?;
    Ok(found.then_some(user))
}

/// Updates the e-mail keys of an earlier version. Of two users with the same address by the new
/// rules, the later one keeps the old key.
pub fn update_email_keys(tx: &Tx<'_>) -> Result<()> {
    if !tx.mark_done("e-mail addresses folded")? {
        return Ok(());
    }
    let emails: Vec<(UserId, String)> =
        tx.query("SELECT id, email FROM users WHERE email IS NOT NULL ORDER BY id", &[], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    for (id, email) in emails {
        let Ok(email) = Email::read(email.into()) else { continue };
        tx.execute(
            "UPDATE users SET email_key = $2 WHERE id = $1 AND email_key <> $2
             AND NOT EXISTS (SELECT 1 FROM users WHERE email_key = $2)",
            &[id.into(), (&email.key()).into()],
        )?;
    }
    Ok(())
}

/// Adds a notification for each event of an order, in the order of the events.
pub fn notify(tx: &Tx<'_>, events: &[Event]) -> Result<()> {
    // The latest id of each user is read once, as most events of a batch are about few users.
    let mut latest: HashMap<UserId, Option<i64>> = HashMap::new();
    for event in events {
        let (order_id, user_id, status, at) = match event {
            Event::OrderCreated { order_id, user_id, at } => (*order_id, *user_id, OrderStatus::Pending, *at),
            Event::OrderStatusChanged { order_id, user_id, status, at } => (*order_id, *user_id, *status, *at),
            _ => continue,
        };
        let latest = match latest.entry(user_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(latest_notification(tx, user_id)?),
        };
        // A user who was removed gets no notifications.
        let Some(latest) = latest else { continue };
        *latest += 1;
        tx.execute(
            "INSERT INTO notifications (user_id, id, order_id, status, at) VALUES ($1, $2, $3, $4, $5)",
            &[user_id.into(), (*latest).into(), order_id.into(), status.as_str().into(), at.into()],
        )?;
    }
    Ok(())
}

/// The id of a user's latest notification, 0 before the first; `None` if there is no such user.
pub fn latest_notification(tx: &Tx<'_>, user_id: UserId) -> Result<Option<i64>> {
    let sql = "SELECT coalesce((SELECT max(id) FROM notifications WHERE user_id = $1), 0) FROM users WHERE id = $1";
    tx.query_opt(sql, &[user_id.into()], |row| row.get(0))
}

/// That an order of a user has reached a status.
pub struct NotificationRecord {
    /// Counts up per user, from 1.
    pub id: i64,
    pub order_id: OrderId,
    pub status: OrderStatus,
    pub at: Timestamp,
}

/// The notifications of a user after the one with the id `after`, oldest first.
pub fn notifications(tx: &Tx<'_>, user_id: UserId, after: i64, limit: usize) -> Result<Vec<NotificationRecord>> {
    tx.query(
        "SELECT id, order_id, status, at FROM notifications WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        &[user_id.into(), after.into(), (limit as i64).into()],
        |row| Ok(NotificationRecord { id: row.get(0)?, order_id: row.get(1)?, status: row.parse(2)?, at: row.get(3)? }),
    )
}

/// Adds the demo users, once in the life of a database, and only to an empty table.
pub fn seed(tx: &Tx<'_>) -> Result<()> {
    #[derive(Deserialize)]
    struct Demo {
        name: String,
    }
    let empty = tx.query_opt("SELECT 1 FROM users LIMIT 1", &[], |_| Ok(()))?.is_none();
    if empty && tx.mark_done("demo users")? {
        for demo in serde_json::from_str::<Vec<Demo>>(DEMO).map_err(Error::internal)? {
            tx.execute("INSERT INTO users (name) VALUES ($1)", &[(&demo.name).into()])?;
        }
    }
    Ok(())
}
