//! The limits of attempts at passwords: on one account from one network, on one account from all networks, and from one
//! network on all accounts.
//!
//! Each limit is a token bucket: a burst at once, then one attempt each period. The buckets are in memory, so a restart
//! resets them.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::domain::UserId;
use crate::error::{Error, Result, TOO_MANY_ATTEMPTS};

/// On one account from one network. A person who tries several remembered passwords needs fewer.
const PAIR_RATE: Rate = Rate { burst: 10, period: Duration::from_secs(6) };
/// On one account from all networks. Wider than [`PAIR_RATE`], so that an attacker in one network can't lock out the owner
/// in another.
const ACCOUNT_RATE: Rate = Rate { burst: 100, period: Duration::from_secs(3) };
/// From one network on all accounts, with registrations. 500 people behind one address can log in at the same moment.
/// The answers to registrations show which e-mail addresses are taken; this limit bounds how fast.
const NETWORK_RATE: Rate = Rate { burst: 500, period: Duration::from_millis(200) };
const _: () = assert!(
    PAIR_RATE.burst < ACCOUNT_RATE.burst && PAIR_RATE.period.as_millis() > ACCOUNT_RATE.period.as_millis(),
    "one network alone must not use up the limit of an account"
);
const _: () = assert!(
    PAIR_RATE.burst < NETWORK_RATE.burst && PAIR_RATE.period.as_millis() > NETWORK_RATE.period.as_millis(),
    "one account alone must not use up the limit of a network"
);
/// The most keys of one limit before those with a full bucket are removed.
const MAX_KEYS: usize = 10_000;
/// The shortest time between two removals. A removal walks through all keys on a thread that also serves requests.
const MIN_PRUNE_PERIOD: Duration = Duration::from_secs(1);

struct Rate {
    burst: u32,
    period: Duration,
}

/// The account of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AccountKey {
    /// A user, by id, so that a new e-mail address does not reset the limit.
    User(UserId),
    /// An e-mail address that no user has, by its key.
    Unknown(String),
}

/// All limits of attempts.
pub struct Limits {
    pairs: Limit<(AccountKey, IpAddr)>,
    accounts: Limit<AccountKey>,
    networks: Limit<IpAddr>,
}

impl Limits {
    pub fn new() -> Self {
        Self { pairs: Limit::new(&PAIR_RATE), accounts: Limit::new(&ACCOUNT_RATE), networks: Limit::new(&NETWORK_RATE) }
    }

    /// Counts a registration; [`TOO_MANY_ATTEMPTS`] if the network has used up its limit.
    pub fn register(&self, network: IpAddr) -> Result<()> {
        self.count_network(network)
    }

    /// Counts an attempt at a password; [`TOO_MANY_ATTEMPTS`] if one of the three limits is used up.
    ///
    /// The narrowest limit is checked first, and a refusal does not count towards the wider ones. So a program that
    /// repeats a wrong password does not use up the limit of others in its network.
    pub fn attempt(&self, account: &AccountKey, network: IpAddr) -> Result<()> {
        self.pairs.count(&(account.clone(), network), "at this account from this network")?;
        self.count_network(network)?;
        self.accounts.count(account, "at this account")
    }

    /// Does not count loopback addresses: all clients of a proxy on this machine have one, and would share a limit.
    fn count_network(&self, network: IpAddr) -> Result<()> {
        if network.is_loopback() { Ok(()) } else { self.networks.count(&network, "from this network") }
    }
}

struct Limit<K: Hash + Eq + Clone> {
    attempts: DefaultKeyedRateLimiter<K>,
    pruned: Mutex<Instant>,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(rate: &Rate) -> Self {
        let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(rate.period).unwrap_or(Quota::per_minute(burst));
        Self { attempts: RateLimiter::keyed(quota.allow_burst(burst)), pruned: Mutex::new(Instant::now()) }
    }

    fn prune(&self) {
        let mut pruned = self.pruned.lock().unwrap_or_else(PoisonError::into_inner);
        if pruned.elapsed() >= MIN_PRUNE_PERIOD {
            *pruned = Instant::now();
            self.attempts.retain_recent();
        }
    }

    fn count(&self, key: &K, which: &str) -> Result<()> {
        if self.attempts.len() > MAX_KEYS {
            self.prune();
        }
        self.attempts.check_key(key).map_err(|until| {
            let seconds = until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
            let detail = format!("there were too many attempts {which}; the next one can be made in {seconds} s");
            Error::new(&TOO_MANY_ATTEMPTS).detail(detail).retry_after(seconds)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shares::network;

    fn user(id: i64) -> AccountKey {
        AccountKey::User(UserId::new(id))
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from_bits(0xc000_0200 + number))
    }

    /// How many of `times` attempts are let through.
    fn allowed(times: usize, mut attempt: impl FnMut() -> Result<()>) -> usize {
        (0..times).filter(|_| attempt().is_ok()).count()
    }

    #[test]
    fn attempts_on_one_account_from_one_network_run_out_and_others_do_not() {
        let limits = Limits::new();
        let (siti, budi) = (user(2), user(3));
        assert_eq!(allowed(20, || limits.attempt(&siti, address(1))), 10);
        let refused = limits.attempt(&siti, address(1)).err();
        assert!(refused.as_ref().is_some_and(|error| error.is(&TOO_MANY_ATTEMPTS)));
        let wait = refused.as_ref().and_then(Error::wait).unwrap_or_default();
        assert!((1..=7).contains(&wait), "{wait}");
        let detail = refused.as_ref().and_then(Error::details).unwrap_or_default();
        assert!(detail.contains(&format!("in {wait} s")), "{detail}");
        assert!(limits.attempt(&budi, address(1)).is_ok());
        assert!(limits.attempt(&siti, address(2)).is_ok());
    }

    #[test]
    fn attempts_on_one_account_run_out_however_many_networks_they_come_from() {
        let limits = Limits::new();
        let mut from = 0..;
        let tried = allowed(300, || limits.attempt(&user(2), address(from.next().unwrap_or_default())));
        assert!((100..110).contains(&tried), "{tried}");
        assert!(limits.attempt(&user(3), address(1)).is_ok());
    }

    #[test]
    fn attempts_from_one_network_run_out_however_many_accounts_they_are_for() {
        let limits = Limits::new();
        let mut ids = 0..;
        let tried = allowed(1000, || limits.attempt(&user(ids.next().unwrap_or_default()), address(1)));
        assert!((500..600).contains(&tried), "{tried}");
        assert!(allowed(10, || limits.register(address(1))) < 10, "a registration is an attempt, too");
        assert!(limits.attempt(&user(0), address(2)).is_ok());
    }

    #[test]
    fn who_repeats_a_wrong_password_uses_up_nobody_elses_attempts() {
        let limits = Limits::new();
        assert_eq!(allowed(2000, || limits.attempt(&user(2), address(1))), 10);
        assert_eq!(allowed(100, || limits.register(address(1))), 100);
    }

    #[test]
    fn all_of_one_machine_and_one_subscriber_is_one_network() {
        let of = |text: &str| text.parse().map(network);
        for (one, other) in [
            ("2001:db8::1", "2001:db8::2"),
            ("127.0.0.1", "127.255.0.9"),
            ("127.0.0.1", "::1"),
            ("127.0.0.1", "::ffff:127.0.0.2"),
            ("192.0.2.1", "::ffff:192.0.2.1"),
        ] {
            assert_eq!(of(one), of(other), "{one} {other}");
        }
        for (one, other) in [("2001:db8::1", "2001:db8:0:1::1"), ("192.0.2.1", "192.0.2.2"), ("::1", "::2:0:0:0:1")] {
            assert_ne!(of(one), of(other), "{one} {other}");
        }
    }
}
