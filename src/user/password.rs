//! Passwords: the rules for them, their hashes, and attempts at them.
//!
//! A hash takes 19 MiB and tens of milliseconds of a core, on purpose. So threads of their own make the hashes, one
//! after the other, and leave one core to the requests. Their queue is bounded.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use icu_normalizer::ComposingNormalizer;
use serde_json::Value;
use tokio::sync::oneshot;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::limits::{AccountKey, Limits};
use crate::domain::{Field, FieldError};
use crate::error::{BUSY, Error, Result};
use crate::shares::{Share, Shares, network};

/// The shortest password, in characters. NIST SP 800-63B, 5.1.1.2: at least eight characters, and no rules about which.
const MIN_CHARS: usize = 8;
/// The longest password, in characters.
const MAX_CHARS: usize = 128;
/// The most common passwords, which attackers try first.
const COMMON: &str = include_str!("../../data/common-passwords.txt");

/// The most hashes that wait for a thread.
const MAX_QUEUED: usize = 64;
/// The slots of the queue that one network alone can't take.
const SLOTS_FOR_OTHERS: usize = 8;
const _: () = assert!(SLOTS_FOR_OTHERS < MAX_QUEUED, "one network must be able to log in");
/// The delay of a refusal. A client that repeats its attempts at once then costs little.
const REFUSAL_DELAY: Duration = Duration::from_millis(100);

/// The hash of a password that nobody knows. It is checked where there is no account, so that the time of an answer
/// does not show whether there is one.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$B03Xm3HhQF+elXRvMjKmuw$8nEw88QDErsMvhQ6ajDRGQnnJzs/NMDpucf5p2t8kA8";

/// A password that the rules allow.
pub struct Password(String);

impl Field for Password {
    fn read(value: Value) -> Result<Self, FieldError> {
        let length = value.as_str().map(|text| text.chars().count());
        let Attempt(text) = Attempt::read(value)?;
        if !length.is_some_and(|length| (MIN_CHARS..=MAX_CHARS).contains(&length)) {
            return Err(FieldError::rule(
                format!("harus {MIN_CHARS} sampai {MAX_CHARS} karakter"),
                format!("must have {MIN_CHARS} to {MAX_CHARS} characters"),
            ));
        }
        let lower = text.to_lowercase();
        if COMMON.lines().any(|common| common == lower) {
            return Err(FieldError::rule("terlalu umum dan mudah ditebak", "is too common and easily guessed"));
        }
        Ok(Self(text))
    }
}

impl ToSchema for Password {}

impl PartialSchema for Password {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .min_length(Some(MIN_CHARS))
            .max_length(Some(MAX_CHARS))
            .description(Some("Any characters; what many people use is refused."));
        schema.build().into()
    }
}

/// A password that a client claims to know.
pub struct Attempt(String);

impl Field for Attempt {
    fn read(value: Value) -> Result<Self, FieldError> {
        match value {
            // Two keyboards may encode one password differently.
            Value::String(text) => Ok(Self(ComposingNormalizer::new_nfkc().normalize(&text).into_owned())),
            _ => Err(FieldError::wrong_type("harus teks", "must be a string")),
        }
    }
}

/// Makes and checks hashes. Clones share the queue.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    /// The hashes that wait or are being made, by network.
    queue: Shares<IpAddr>,
    /// The most hashes of one network.
    max_of_network: usize,
    /// The work for the hashing threads.
    work: Sender<HashTask>,
    limits: RwLock<Limits>,
}

type HashTask = Box<dyn FnOnce() + Send>;

/// A slot in the queue, taken until its last clone is dropped.
pub type Slot = Arc<Share<IpAddr>>;

impl Passwords {
    /// Hashes on all of the machine's `cores` but one.
    pub fn new(cores: usize) -> std::io::Result<Self> {
        let threads = cores.saturating_sub(1).max(1);
        let (work, waiting) = channel::<HashTask>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new().name("hash".into()).spawn(move || {
                let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                while let Ok(work) = next() {
                    // After a panic the channel closes, and the request that waits gets an error.
                    let _ = catch_unwind(AssertUnwindSafe(work));
                }
            })?;
        }
        let slots = threads + MAX_QUEUED;
        let (queue, max_of_network) = (Shares::of(slots), slots - SLOTS_FOR_OTHERS);
        Ok(Self(Arc::new(Inner { queue, max_of_network, work, limits: Limits::new().into() })))
    }

    /// Takes a slot in the queue for a registration from `address`; [`BUSY`] if there is none,
    /// [`TOO_MANY_ATTEMPTS`](crate::error::TOO_MANY_ATTEMPTS) if the network has used up its limit.
    pub async fn queue_registration(&self, address: IpAddr) -> Result<Slot> {
        let network = network(address);
        delay_refusal(self.try_queue(network, |limits| limits.register(network))).await
    }

    /// Takes a slot in the queue for an attempt at the password of `account`; [`BUSY`] if there is none,
    /// [`TOO_MANY_ATTEMPTS`](crate::error::TOO_MANY_ATTEMPTS) if one of the limits is used up.
    pub async fn queue_attempt(&self, account: &AccountKey, address: IpAddr) -> Result<Slot> {
        let network = network(address);
        delay_refusal(self.try_queue(network, |limits| limits.attempt(account, network))).await
    }

    /// Forgets all attempts: the ids of their users may be those of others now.
    pub fn forget_attempts(&self) {
        *self.0.limits.write().unwrap_or_else(PoisonError::into_inner) = Limits::new();
    }

    fn try_queue(&self, network: IpAddr, count: impl FnOnce(&Limits) -> Result<()>) -> Result<Slot> {
        // First, because an attempt without a slot is not counted. So many invented accounts can't fill the memory.
        let slot = self.0.queue.take(network, self.0.max_of_network);
        let slot = slot.ok_or_else(|| Error::new(&BUSY).detail("too many are logging in"))?;
        count(&self.0.limits.read().unwrap_or_else(PoisonError::into_inner))?;
        Ok(Arc::new(slot))
    }

    /// The hash of a password, as a PHC string.
    pub async fn hash(&self, slot: &Slot, Password(password): Password) -> Result<String> {
        let hash = move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string());
        self.work(slot, hash).await?.map_err(|error| Error::internal(anyhow::anyhow!("a password: {error}")))
    }

    /// Whether an attempt is the password with this hash. Without a hash it is not, and that takes as long.
    pub async fn verify(&self, slot: &Slot, Attempt(attempt): Attempt, hash: Option<String>) -> Result<bool> {
        let verify = move || {
            let right = Argon2::default().verify_password(attempt.as_bytes(), hash.as_deref().unwrap_or(DUMMY_HASH));
            right.is_ok() && hash.is_some()
        };
        self.work(slot, verify).await
    }

    async fn work<T: Send + 'static>(&self, slot: &Slot, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (done, outcome) = oneshot::channel();
        let slot = Arc::clone(slot);
        let work = move || {
            // Held to the end, even if nobody waits for it any more.
            let _slot = slot;
            let _ = done.send(work());
        };
        self.0.work.send(Box::new(work)).map_err(|_| Error::internal(anyhow::anyhow!("nobody hashes")))?;
        outcome.await.map_err(Error::internal)
    }
}

async fn delay_refusal(outcome: Result<Slot>) -> Result<Slot> {
    if outcome.is_err() {
        tokio::time::sleep(REFUSAL_DELAY).await;
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_password_is_long_and_not_everybodys() {
        for good in [
            "dua ekor kucing",
            "12345678!x",
            "\u{1f408}\u{1f408}\u{1f408}\u{1f408}\u{1f408}\u{1f408}\u{1f408}\u{1f408}",
            &"x".repeat(128),
        ] {
            assert!(Password::read(json!(good)).is_ok(), "{good}");
        }
        for bad in
            ["", "1234567", "\u{1f408}\u{1f408}", &"x".repeat(129), "password", "PassWord", "iloveyou1", "12345678"]
        {
            assert!(Password::read(json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_list_of_common_passwords_is_in_lower_case() {
        assert!(COMMON.lines().count() > 8000);
        let tidy = |line: &str| line.starts_with('#') || (line.len() >= MIN_CHARS && line.to_lowercase() == line);
        assert!(COMMON.lines().all(tidy));
    }

    #[test]
    fn nobodys_password_has_a_hash_of_the_usual_cost() {
        let hash = Argon2::default().hash_password(b"a").map(|hash| hash.to_string()).unwrap_or_default();
        let cost = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(cost(DUMMY_HASH), cost(&hash));
        assert_eq!(DUMMY_HASH.len(), hash.len());
        assert!(argon2::password_hash::phc::PasswordHash::new(DUMMY_HASH).is_ok());
    }

    fn new(cores: usize) -> Passwords {
        Passwords::new(cores).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn the_queue_has_an_end_and_nobody_holds_all_of_it() {
        let passwords = new(2);
        let (here, there) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let queue = |from| passwords.try_queue(from, |_| Ok(()));
        let take = |from, slots: usize| (0..slots).map(|_| queue(from)).collect::<Result<Vec<_>>>();
        let mine = take(here, MAX_QUEUED + 1 - SLOTS_FOR_OTHERS);
        assert!(mine.is_ok());
        assert!(queue(here).is_err_and(|error| error.is(&BUSY)));
        let others = take(there, SLOTS_FOR_OTHERS);
        assert!(others.is_ok());
        assert!(queue(there).is_err_and(|error| error.is(&BUSY)));
        drop(mine);
        assert!(take(there, MAX_QUEUED + 1 - 2 * SLOTS_FOR_OTHERS).is_ok());
        drop(others);
        assert!(passwords.0.queue.is_empty(), "nothing is remembered");
    }
}
