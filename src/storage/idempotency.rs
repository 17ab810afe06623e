//! Idempotency-Keys: the request and the answer of each key.
//!
//! The functions take `None` for a request without a key. Such a request is always new, and nothing of it is stored.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::db::Db;
use super::tx::Tx;
use crate::domain::Timestamp;
use crate::error::{Error, IDEMPOTENCY_KEY_REUSED, KEY_UNDER_WAY, Result};

/// How long a key is kept.
const KEY_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest lease of a key. A lease that ends later was written before the clock was set back, and has ended.
pub const MAX_LEASE: Duration = Duration::from_secs(10);
const _: () = assert!(MAX_LEASE.as_millis() < KEY_TTL.as_millis(), "a key must not expire while it is leased");

/// A key that was sent to a service. The same key of another subject or service is another key.
#[derive(Clone, Debug)]
pub struct Key {
    pub service: &'static str,
    /// The principal that sent it. Empty where no login is required: there the key alone counts.
    pub subject: String,
    pub key: String,
    /// The request, in a form that is the same for the same request.
    pub request: String,
}

/// The answer to a request that created something.
pub struct Created {
    pub id: i64,
    /// The answer as JSON. A replay sends the same bytes.
    pub json: String,
    /// Whether an earlier request with the same key created it.
    pub replayed: bool,
}

impl Created {
    /// The answer of the request that created the thing with this id.
    pub fn first(id: i64, created: &impl Serialize) -> Result<Self> {
        Ok(Self { id, json: serde_json::to_string(created).map_err(Error::internal)?, replayed: false })
    }
}

/// The stored answer of `key`, or `None`. [`IDEMPOTENCY_KEY_REUSED`] if the key belongs to another request;
/// [`KEY_UNDER_WAY`] while another request leases it.
pub async fn replay(db: &Db, key: Option<&Key>, now: Timestamp) -> Result<Option<Created>> {
    match key.cloned() {
        Some(key) => db.read(move |tx| key.replay(tx, now)).await,
        None => Ok(None),
    }
}

/// The stored answer, with the errors of [`replay`]. If the key is new, calls `create` and stores its answer.
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

/// The stored answer, with the errors of [`replay`]. `None` if the key is new: `owner` has leased it until
/// `lease_until`, at most [`MAX_LEASE`] from now, and must call [`finish`] or [`abandon`].
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

/// Stores the answer of `owner`; [`KEY_UNDER_WAY`] if its lease has ended and another request leases the key.
pub fn finish(tx: &Tx<'_>, key: Option<&Key>, owner: &str, created: &Created) -> Result<()> {
    let Some(key) = key else { return Ok(()) };
    let changed = tx.execute(
        "UPDATE idempotency_keys SET answer = $5, holder = NULL, lease_until = NULL
         WHERE service = $1 AND subject = $2 AND key = $3 AND holder = $4",
        &[key.service.into(), (&key.subject).into(), (&key.key).into(), owner.into(), (&created.json).into()],
    )?;
    if changed == 1 { Ok(()) } else { Err(Error::new(&KEY_UNDER_WAY)) }
}

/// Calls `look` with each key of a service that has an answer, and with that answer as JSON.
pub fn each_answer(tx: &Tx<'_>, service: &str, mut look: impl FnMut(&str, &str) -> Result<()>) -> Result<()> {
    let sql = "SELECT key, answer FROM idempotency_keys WHERE service = $1 AND answer IS NOT NULL";
    tx.each(sql, &[service.into()], |row| look(&row.get::<String>(0)?, &row.get::<String>(1)?))
}

/// Removes a key for which `owner` could not create anything.
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

/// Removes up to `limit` expired keys. Returns how many.
pub fn purge(tx: &Tx<'_>, now: Timestamp, limit: i64) -> Result<u64> {
    tx.execute(
        "DELETE FROM idempotency_keys WHERE (service, subject, key) IN
         (SELECT service, subject, key FROM idempotency_keys WHERE created_at <= $1 LIMIT $2)",
        &[expiry(now).into(), limit.into()],
    )
}

/// A key that was created at this moment or earlier has expired.
fn expiry(now: Timestamp) -> Timestamp {
    now - KEY_TTL
}
