//! Idempotency-Keys: what was asked under a key of a service, and what was answered.
//!
//! The functions take `None` for a request without a key: it is always a new one, and nothing is remembered of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::db::Db;
use super::tx::Tx;
use crate::domain::Timestamp;
use crate::error::{Error, IDEMPOTENCY_KEY_REUSED, KEY_UNDER_WAY, Result};

/// How long a key is remembered.
const KEY_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest time for which a key may be leased. A lease that ends later was written before the clock was set back,
/// and is over.
pub const MAX_LEASE: Duration = Duration::from_secs(10);

/// A key that somebody sent to a service. It belongs to both: nobody meets another's.
#[derive(Clone, Debug)]
pub struct Key {
    pub service: &'static str,
    /// The principal that sent it; empty: nobody in particular.
    pub subject: String,
    pub key: String,
    /// What is asked under it, in a form that is the same for the same request.
    pub request: String,
}

/// What a request has created, as it is answered.
pub struct Created {
    pub id: i64,
    /// As JSON: a replay answers with the very same text.
    pub json: String,
    /// Whether it had been created before, under the same key.
    pub replayed: bool,
}

impl Created {
    /// The first answer about something with this id.
    pub fn first(id: i64, created: &impl Serialize) -> Result<Self> {
        Ok(Self { id, json: serde_json::to_string(created).map_err(Error::internal)?, replayed: false })
    }
}

/// What was answered under `key`, if it is known; [`IDEMPOTENCY_KEY_REUSED`] if it was for another request,
/// [`KEY_UNDER_WAY`] while another request with it is being worked on.
pub async fn replay(db: &Db, key: Option<&Key>, now: Timestamp) -> Result<Option<Created>> {
    match key.cloned() {
        Some(key) => db.read(move |tx| key.replay(tx, now)).await,
        None => Ok(None),
    }
}

/// Answers as before, see [`replay`]; if nothing is known of the key, creates something and remembers the answer.
pub fn once(
    tx: &Tx<'_>,
    key: Option<&Key>,
    now: Timestamp,
    create: impl FnOnce() -> Result<Created>,
) -> Result<Created> {
    let Some(key) = key else { return create() };
    if let Some(known) = key.replay(tx, now)? {
        return Ok(known);
    }
    let created = create()?;
    key.put(tx, Some(&created.json), None, None, now)?;
    Ok(created)
}

/// Answers as before, see [`replay`]. `None` if nothing is known of the key: `owner` has leased it until `lease_until`, at
/// most ten seconds from now, and must [`finish`] or [`abandon`] it.
pub fn begin(
    tx: &Tx<'_>,
    key: Option<&Key>,
    owner: &str,
    lease_until: Timestamp,
    now: Timestamp,
) -> Result<Option<Created>> {
    let Some(key) = key else { return Ok(None) };
    let known = key.replay(tx, now)?;
    if known.is_none() {
        key.put(tx, None, Some(owner), Some(lease_until), now)?;
    }
    Ok(known)
}

/// Remembers the answer that `owner` has found; [`KEY_UNDER_WAY`] if its lease has ended and another request has leased
/// the key since.
pub fn finish(tx: &Tx<'_>, key: Option<&Key>, owner: &str, created: &Created) -> Result<()> {
    let Some(key) = key else { return Ok(()) };
    let changed = tx.execute(
        "UPDATE idempotency_keys SET answer = $5, holder = NULL, lease_until = NULL
         WHERE service = $1 AND subject = $2 AND key = $3 AND holder = $4",
        &[key.service.into(), (&key.subject).into(), (&key.key).into(), owner.into(), (&created.json).into()],
    )?;
    if changed == 1 { Ok(()) } else { Err(Error::new(&KEY_UNDER_WAY)) }
}

/// Forgets a key for which `owner` could not create anything.
pub fn abandon(tx: &Tx<'_>, key: Option<&Key>, owner: &str) -> Result<()> {
    if let Some(key) = key {
        tx.execute(
            "DELETE FROM idempotency_keys WHERE service = $1 AND subject = $2 AND key = $3 AND holder = $4",
            &[key.service.into(), (&key.subject).into(), (&key.key).into(), owner.into()],
        )?;
    }
    Ok(())
}

impl Key {
    fn replay(&self, tx: &Tx<'_>, now: Timestamp) -> Result<Option<Created>> {
        #[derive(Deserialize)]
        struct WithId {
            id: i64,
        }
        let found = tx.query_opt(
            "SELECT request, answer, lease_until FROM idempotency_keys
             WHERE service = $1 AND subject = $2 AND key = $3 AND created_at > $4",
            &[self.service.into(), (&self.subject).into(), (&self.key).into(), expiry(now).into()],
            |row| Ok((row.get::<String>(0)?, row.get(1)?, row.get::<Option<Timestamp>>(2)?)),
        )?;
        let longest = now + MAX_LEASE;
        match found {
            None => Ok(None),
            // Its lease has ended.
            Some((_, None, lease)) if lease.is_none_or(|until| until <= now || until > longest) => Ok(None),
            Some((request, ..)) if request != self.request => Err(Error::new(&IDEMPOTENCY_KEY_REUSED)),
            Some((_, None, _)) => Err(Error::new(&KEY_UNDER_WAY)),
            Some((_, Some(json), _)) => {
                let json: String = json;
                let WithId { id } = serde_json::from_str(&json).map_err(Error::internal)?;
                Ok(Some(Created { id, json, replayed: true }))
            }
        }
    }

    fn put(
        &self,
        tx: &Tx<'_>,
        answer: Option<&str>,
        owner: Option<&str>,
        lease_until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        tx.execute(
            "INSERT INTO idempotency_keys (service, subject, key, request, answer, holder, lease_until, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (service, subject, key) DO UPDATE
             SET request = $4, answer = $5, holder = $6, lease_until = $7, created_at = $8",
            &[
                self.service.into(),
                (&self.subject).into(),
                (&self.key).into(),
                (&self.request).into(),
                answer.into(),
                owner.into(),
                lease_until.into(),
                now.into(),
            ],
        )?;
        Ok(())
    }
}

/// Forgets up to `limit` keys whose time is over, and returns how many.
pub fn purge(tx: &Tx<'_>, now: Timestamp, limit: i64) -> Result<u64> {
    tx.execute(
        "DELETE FROM idempotency_keys WHERE (service, subject, key) IN
         (SELECT service, subject, key FROM idempotency_keys WHERE created_at <= $1 LIMIT $2)",
        &[expiry(now).into(), limit.into()],
    )
}

/// Keys that were first used at this moment or before are forgotten.
fn expiry(now: Timestamp) -> Timestamp {
    now - KEY_TTL
}
