//! Idempotency-Keys: what was asked under a key of a service, and what was answered.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Tx;
use crate::clock::millis;
use crate::error::{Error, IDEMPOTENCY_KEY_REUSED, KEY_UNDER_WAY, Result};

/// How long a key is remembered.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest time for which a key may be leased. A lease that ends later was written before the clock was set back,
/// and is over.
const LONGEST_LEASE: Duration = Duration::from_secs(10);

/// A key that somebody sent to a service. It belongs to both: nobody meets another's.
#[derive(Clone, Debug)]
pub struct Key {
    pub service: &'static str,
    /// Who sent it; empty: nobody in particular.
    pub subject: String,
    pub key: String,
    /// What is asked under it, in a form that is the same for the same request.
    pub request: String,
}

/// Something that was created, as it is answered.
pub struct Answered {
    pub id: i64,
    /// As JSON: a replay answers with the very same text.
    pub json: String,
    /// Whether it had been created before, under the same key.
    pub replayed: bool,
}

impl Answered {
    /// The first answer about something with this id.
    pub fn first(id: i64, created: &impl Serialize) -> Result<Self> {
        Ok(Self { id, json: serde_json::to_string(created).map_err(Error::internal)?, replayed: false })
    }
}

impl Key {
    /// What was answered under the key, if it is known; [`IDEMPOTENCY_KEY_REUSED`] if it was for another
    /// request, [`KEY_UNDER_WAY`] while a twin of this one is being worked on.
    pub fn replay(&self, tx: &Tx<'_>, now: i64) -> Result<Option<Answered>> {
        #[derive(Deserialize)]
        struct Created {
            id: i64,
        }
        let found = tx.query_opt(
            "SELECT request, answer, lease_until FROM idempotency_keys
             WHERE service = $1 AND subject = $2 AND key = $3 AND created_at > $4",
            &[self.service.into(), (&self.subject).into(), (&self.key).into(), expiry(now).into()],
            |row| Ok((row.get::<String>(0)?, row.get(1)?, row.get::<Option<i64>>(2)?)),
        )?;
        let longest = now + millis(LONGEST_LEASE);
        match found {
            None => Ok(None),
            // Whoever worked on it has gone.
            Some((_, None, lease)) if lease.is_none_or(|until| until <= now || until > longest) => Ok(None),
            Some((request, ..)) if request != self.request => Err(Error::new(&IDEMPOTENCY_KEY_REUSED)),
            Some((_, None, _)) => Err(Error::new(&KEY_UNDER_WAY)),
            Some((_, Some(json), _)) => {
                let json: String = json;
                let Created { id } = serde_json::from_str(&json).map_err(Error::internal)?;
                Ok(Some(Answered { id, json, replayed: true }))
            }
        }
    }

    /// Notes that `holder` works on a key of which nothing is known, until `lease_until`: at most ten seconds from now.
    pub fn begin(&self, tx: &Tx<'_>, holder: &str, lease_until: i64, now: i64) -> Result<()> {
        self.put(tx, None, Some(holder), Some(lease_until), now)
    }

    /// Remembers the answer to a request of which nothing was known.
    pub fn answer(&self, tx: &Tx<'_>, answer: &str, now: i64) -> Result<()> {
        self.put(tx, Some(answer), None, None, now)
    }

    fn put(
        &self,
        tx: &Tx<'_>,
        answer: Option<&str>,
        holder: Option<&str>,
        lease_until: Option<i64>,
        now: i64,
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
                holder.into(),
                lease_until.into(),
                now.into(),
            ],
        )?;
        Ok(())
    }

    /// Remembers the answer that `holder` has found; false if another one works on the key by now.
    pub fn finish(&self, tx: &Tx<'_>, holder: &str, answer: &str) -> Result<bool> {
        let changed = tx.execute(
            "UPDATE idempotency_keys SET answer = $5, holder = NULL, lease_until = NULL
             WHERE service = $1 AND subject = $2 AND key = $3 AND holder = $4",
            &[self.service.into(), (&self.subject).into(), (&self.key).into(), holder.into(), answer.into()],
        )?;
        Ok(changed == 1)
    }

    /// Forgets a key on which `holder` worked in vain.
    pub fn abandon(&self, tx: &Tx<'_>, holder: &str) -> Result<()> {
        tx.execute(
            "DELETE FROM idempotency_keys WHERE service = $1 AND subject = $2 AND key = $3 AND holder = $4",
            &[self.service.into(), (&self.subject).into(), (&self.key).into(), holder.into()],
        )?;
        Ok(())
    }
}

/// Forgets up to `limit` keys whose time is over, and tells how many.
pub fn purge(tx: &Tx<'_>, now: i64, limit: i64) -> Result<u64> {
    tx.execute(
        "DELETE FROM idempotency_keys WHERE (service, subject, key) IN
         (SELECT service, subject, key FROM idempotency_keys WHERE created_at <= $1 LIMIT $2)",
        &[expiry(now).into(), limit.into()],
    )
}

fn expiry(now: i64) -> i64 {
    now - millis(LIFE)
}
