//! Limits for each client: what an account or a network has is counted, and given back when it is dropped.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts what each client has taken: connections, streams, scans, hashes. Clones share the counts.
pub struct Shares<K> {
    counts: Arc<Mutex<Counts<K>>>,
    /// The most for all clients together.
    capacity: usize,
}

struct Counts<K> {
    of: HashMap<K, usize>,
    total: usize,
}

impl<K> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self { counts: Arc::clone(&self.counts), capacity: self.capacity }
    }
}

impl<K: Eq + Hash + Clone> Shares<K> {
    /// Shares without a common capacity.
    pub fn unlimited() -> Self {
        Self::of(usize::MAX)
    }

    /// Shares of a common `capacity`.
    pub fn of(capacity: usize) -> Self {
        Self { counts: Arc::new(Mutex::new(Counts { of: HashMap::new(), total: 0 })), capacity }
    }

    /// Takes a unit for `client`, until the returned share is dropped; `None` if none is left, or if the client has
    /// `max` already.
    pub fn take(&self, client: K, max: usize) -> Option<Share<K>> {
        let mut counts = self.lock();
        let own = counts.of.get(&client).copied().unwrap_or(0);
        if own >= max || counts.total >= self.capacity {
            return None;
        }
        counts.of.insert(client.clone(), own + 1);
        counts.total += 1;
        Some(Share { shares: self.clone(), client })
    }

    /// Whether no client has any.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.lock().of.is_empty()
    }
}

impl<K> Shares<K> {
    fn lock(&self) -> MutexGuard<'_, Counts<K>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A unit that a client has taken. Dropping it gives it back.
pub struct Share<K: Eq + Hash + Clone> {
    shares: Shares<K>,
    client: K,
}

impl<K: Eq + Hash + Clone> Drop for Share<K> {
    fn drop(&mut self) {
        let mut counts = self.shares.lock();
        counts.total -= 1;
        match counts.of.get_mut(&self.client) {
            Some(own) if *own > 1 => *own -= 1,
            // Forget clients that have none.
            _ => drop(counts.of.remove(&self.client)),
        }
    }
}

/// The network of an address, as limits tell networks apart: an IPv6 subscriber has a whole /64, and all loopback
/// addresses are this machine.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        address if address.is_loopback() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(six) => IpAddr::V6((six.to_bits() & !u128::from(u64::MAX)).into()),
        four @ IpAddr::V4(_) => four,
    }
}

/// The network that a client counts as. `None` for this machine, whose programs may be a proxy for many clients.
pub fn limited_network(address: IpAddr) -> Option<IpAddr> {
    (!address.to_canonical().is_loopback()).then(|| network(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_own_share_and_gives_it_back() {
        let shares = Shares::unlimited();
        let held: Vec<_> = (0..3).map(|_| shares.take("a", 3).unwrap()).collect();
        assert!(shares.take("a", 3).is_none());
        assert!(shares.take("b", 3).is_some());
        drop(held);
        assert!(shares.is_empty(), "nothing is kept for who has nothing");
        assert!(shares.take("a", 3).is_some());
    }

    #[test]
    fn all_clients_together_have_no_more_than_there_is() {
        let shares = Shares::of(3);
        let held: Vec<_> = ["a", "a", "b"].map(|client| shares.take(client, 2).unwrap()).into();
        assert!(shares.take("c", 2).is_none());
        drop(held);
        assert!(shares.take("c", 2).is_some());
    }

    #[test]
    fn a_network_is_an_ipv4_address_or_a_64() {
        let network_of = |text: &str| limited_network(text.parse().unwrap()).map(|network| network.to_string());
        assert_eq!(network_of("127.8.0.1"), None);
        assert_eq!(network_of("::1"), None);
        assert_eq!(network_of("::ffff:127.0.0.1"), None);
        assert_eq!(network_of("192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(network_of("::ffff:192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(network_of("2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1:2::"));
    }
}
