//! [`Faults`]: the faults that are armed in this process, and the receipt of each.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::rule::{ANYBODY, Rule, Sent, Strike};
use super::scope;
use crate::clock::Clock;
use crate::domain::Timestamp;

/// The most faults that can be armed at the same time.
const MAX_ARMED: usize = 50;
/// The calls that a receipt names: the newest.
const MAX_NAMED: usize = 100;

/// The faults of a process; clones share them. Where they are off, nothing is ever looked for.
#[derive(Clone, Default)]
pub struct Faults(Option<Arc<Inner>>);

struct Inner {
    clock: Clock,
    armed: Mutex<Vec<Armed>>,
    /// How many are armed: most calls need not look further.
    count: AtomicUsize,
    /// The services that are stopped.
    stopped: watch::Sender<Vec<String>>,
    /// The calls that services of this process make: who calls whom.
    edges: Mutex<Vec<(&'static str, &'static str)>>,
}

/// A fault that is armed, or has fired as often as it may.
#[derive(Clone, Debug)]
pub struct Armed {
    pub name: String,
    pub rule: Rule,
    /// How often it may fire; `None`: until it is removed.
    pub times: Option<u64>,
    /// Of a hundred requests that it meets, how many it strikes.
    pub percent: u8,
    pub since: Timestamp,
    /// How many requests it has met, struck or not.
    pub met: u64,
    pub fired: u64,
    /// On which calls it fired: the newest, oldest first.
    pub calls: VecDeque<Fired>,
}

/// A call that a fault has struck.
#[derive(Clone, Copy, Debug)]
pub struct Fired {
    /// The id of its record.
    pub call: u64,
    /// The id of its trace.
    pub trace: u128,
    pub at: Timestamp,
}

/// Why a fault is not armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing in this process calls that service.
    NoSuchEdge,
    TooMany,
}

impl Armed {
    pub fn new(name: String, rule: Rule, times: Option<u64>, percent: u8, since: Timestamp) -> Self {
        Self { name, rule, times, percent, since, met: 0, fired: 0, calls: VecDeque::new() }
    }

    /// Whether it has fired as often as it may.
    pub fn is_spent(&self) -> bool {
        self.times.is_some_and(|times| self.fired >= times)
    }

    fn strikes(&mut self, sent: Sent<'_>) -> bool {
        if self.is_spent() || !self.rule.meets(sent) {
            return false;
        }
        self.met += 1;
        fastrand::u8(0..100) < self.percent
    }

    fn fire(&mut self, (call, trace): (u64, u128), at: Timestamp) {
        self.fired += 1;
        if self.calls.len() == MAX_NAMED {
            self.calls.pop_front();
        }
        self.calls.push_back(Fired { call, trace, at });
    }
}

impl Faults {
    /// Faults that can be armed.
    pub fn on(clock: Clock) -> Self {
        Self(Some(Arc::new(Inner {
            clock,
            armed: Mutex::default(),
            count: AtomicUsize::new(0),
            stopped: watch::Sender::new(Vec::new()),
            edges: Mutex::default(),
        })))
    }

    /// Faults that can't.
    pub fn off() -> Self {
        Self(None)
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Says that a service of this process calls another.
    pub fn add_edge(&self, from: &'static str, to: &'static str) {
        if let Some(inner) = &self.0 {
            let mut edges = inner.edges();
            if !edges.contains(&(from, to)) {
                edges.push((from, to));
            }
        }
    }

    /// Who calls whom in this process.
    pub fn edges(&self) -> Vec<(&'static str, &'static str)> {
        self.0.as_ref().map_or_else(Vec::new, |inner| inner.edges().clone())
    }

    /// Arms a fault at a server of these services; one with the same name there is replaced, with its receipt.
    pub fn arm(&self, fault: Armed, services: &[&'static str]) -> Result<(), Refusal> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let (from, to) = (fault.rule.from.as_str(), fault.rule.to.as_str());
        let is_local = fault.rule.fires_at() == to && services.contains(&to);
        let is_edge = inner.edges().iter().any(|&(caller, callee)| caller == from && callee == to);
        if !is_local && !is_edge {
            return Err(Refusal::NoSuchEdge);
        }
        let mut armed = lock(&inner.armed);
        let is_same = |other: &Armed| other.name == fault.name && services.contains(&other.rule.fires_at());
        match armed.iter().position(is_same) {
            Some(at) => armed[at] = fault,
            None if armed.len() >= MAX_ARMED => return Err(Refusal::TooMany),
            None => armed.push(fault),
        }
        inner.changed(&armed);
        Ok(())
    }

    /// The faults for which `wanted` is true, in the order in which they were armed.
    pub fn list(&self, wanted: impl Fn(&Armed) -> bool) -> Vec<Armed> {
        let Some(inner) = &self.0 else { return Vec::new() };
        lock(&inner.armed).iter().filter(|armed| wanted(armed)).cloned().collect()
    }

    /// Removes the faults for which `wanted` is true, and returns them with their receipts.
    pub fn remove(&self, wanted: impl Fn(&Armed) -> bool) -> Vec<Armed> {
        let Some(inner) = &self.0 else { return Vec::new() };
        let mut armed = lock(&inner.armed);
        let (removed, kept) = std::mem::take(&mut *armed).into_iter().partition(|armed| wanted(armed));
        *armed = kept;
        inner.changed(&armed);
        removed
    }

    /// What happens to something that is sent, if a fault strikes it: one of the request that the current task answers,
    /// or the first that is armed. `call` names the record of it, once one strikes.
    pub fn strike(&self, sent: Sent<'_>, call: impl FnOnce() -> (u64, u128)) -> Option<Strike> {
        let inner = self.0.as_ref()?;
        if let Some(strike) = scope::strike(sent) {
            return Some(strike);
        }
        if inner.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut armed = lock(&inner.armed);
        let fault = armed.iter_mut().find_map(|fault| fault.strikes(sent).then_some(fault))?;
        fault.fire(call(), inner.clock.now());
        let strike = fault.rule.strike();
        if fault.is_spent() {
            inner.changed(&armed);
        }
        Some(strike)
    }

    /// Whether any fault is armed.
    pub fn is_any_armed(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.count.load(Ordering::Relaxed) > 0)
    }

    /// Whether a service of this process is stopped.
    pub fn is_stopped(&self, service: &str) -> bool {
        self.0.as_ref().is_some_and(|inner| is_among(&inner.stopped.borrow(), service))
    }

    /// Runs the work of a service behind its requests, which [`while_running`](super::while_running) holds while the
    /// service is stopped.
    pub async fn run_task<T>(&self, service: &'static str, work: impl Future<Output = T>) -> T {
        match &self.0 {
            Some(inner) => scope::run_task(inner.stopped.subscribe(), service, work).await,
            None => work.await,
        }
    }
}

impl Inner {
    fn edges(&self) -> MutexGuard<'_, Vec<(&'static str, &'static str)>> {
        lock(&self.edges)
    }

    /// Keeps what is looked at first in step with what is armed.
    fn changed(&self, armed: &[Armed]) {
        let live = || armed.iter().filter(|fault| !fault.is_spent());
        self.count.store(live().count(), Ordering::Relaxed);
        let stopped: Vec<_> =
            live().filter(|fault| fault.rule.from == ANYBODY).map(|fault| fault.rule.to.clone()).collect();
        self.stopped.send_if_modified(|before| {
            let is_other = *before != stopped;
            *before = stopped;
            is_other
        });
    }
}

fn is_among(services: &[String], service: &str) -> bool {
    services.iter().any(|one| one == service)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Kind;

    const SENT: Sent<'static> = Sent { from: "order", to: "product", method: "PUT", path: "/reservations/7" };

    fn faults() -> Faults {
        let faults = Faults::on(Clock::standing_at(0));
        faults.add_edge("order", "product");
        faults
    }

    fn armed(rule: &str, times: Option<u64>, percent: u8) -> Armed {
        Armed::new(rule.to_owned(), rule.parse().unwrap(), times, percent, Clock::standing_at(0).now())
    }

    #[test]
    fn a_fault_fires_as_often_as_it_may_and_says_on_which_calls() {
        let faults = faults();
        faults.arm(armed("order>product refuse", Some(2), 100), &[]).unwrap();
        let struck: Vec<_> = (0..4).map(|call| faults.strike(SENT, || (call, 1)).map(|strike| strike.kind)).collect();
        assert_eq!(struck, [Some(Kind::Refuse), Some(Kind::Refuse), None, None]);
        let receipt = faults.remove(|_| true).remove(0);
        assert!(receipt.is_spent());
        assert_eq!((receipt.fired, receipt.met), (2, 2));
        assert_eq!(receipt.calls.iter().map(|fired| fired.call).collect::<Vec<_>>(), [0, 1]);
        assert!(faults.list(|_| true).is_empty());
    }

    #[test]
    fn of_a_percentage_some_are_struck_and_the_receipt_is_bounded() {
        let faults = faults();
        faults.arm(armed("order>product refuse", None, 20), &[]).unwrap();
        let struck = (0..10_000).filter(|call| faults.strike(SENT, || (*call, 1)).is_some()).count();
        assert!((1_000..3_000).contains(&struck), "{struck} of 10,000");
        let receipt = faults.list(|_| true).remove(0);
        assert_eq!((receipt.fired, receipt.met, receipt.calls.len()), (struck as u64, 10_000, MAX_NAMED));
    }

    #[test]
    fn a_fault_that_can_meet_nothing_here_is_refused() {
        let faults = faults();
        let arm = |rule: &str| faults.arm(armed(rule, None, 100), &["order"]);
        assert_eq!(arm("product>order refuse"), Err(Refusal::NoSuchEdge));
        assert_eq!(arm("client>product refuse"), Err(Refusal::NoSuchEdge));
        assert_eq!(arm("client>order refuse"), Ok(()));
        assert_eq!(arm("anybody>order stop"), Ok(()));
        assert!(faults.is_stopped("order") && !faults.is_stopped("product"));
        faults.remove(|fault| fault.rule.kind == Kind::Stop);
        assert!(!faults.is_stopped("order"));
        for number in 0..MAX_ARMED {
            let fault = Armed { name: number.to_string(), ..armed("client>order refuse", None, 100) };
            assert_eq!(faults.arm(fault, &["order"]).is_err(), number + 1 == MAX_ARMED, "{number}");
        }
    }
}
