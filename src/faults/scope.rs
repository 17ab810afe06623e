//! What a task has to do with faults: the one that its request brought along, and whether its service is stopped.

use std::sync::Mutex;

use tokio::sync::watch;

use super::rule::{Rule, Sent, Strike};

tokio::task_local! {
    static REQUEST: OneRequest;
    static SERVICE: (watch::Receiver<Vec<String>>, &'static str);
}

/// A fault for one request, from its `Pasar-Fault` header. It fires once at most.
pub struct OneRequest {
    rule: Rule,
    /// Whether it may still fire.
    left: Mutex<bool>,
}

impl OneRequest {
    pub fn new(rule: Rule) -> Self {
        Self { rule, left: Mutex::new(true) }
    }

    /// Runs `work`, which the fault may strike.
    pub async fn run<T>(self, work: impl Future<Output = T>) -> T {
        REQUEST.scope(self, work).await
    }

    fn strike(&self, sent: Sent<'_>) -> Option<Strike> {
        let mut left = self.left.lock().ok().filter(|left| **left && self.rule.meets(sent))?;
        *left = false;
        Some(self.rule.strike())
    }
}

/// What the fault of the current request does to something that is sent.
pub(super) fn strike(sent: Sent<'_>) -> Option<Strike> {
    REQUEST.try_with(|one| one.strike(sent)).ok().flatten()
}

/// Whether the fault of the current request has fired.
pub fn has_fired() -> bool {
    REQUEST.try_with(|one| one.left.lock().is_ok_and(|left| !*left)).unwrap_or(false)
}

/// Runs the work of a service behind its requests; `stopped` says which services are.
pub(super) async fn run_task<T>(
    stopped: watch::Receiver<Vec<String>>,
    service: &'static str,
    work: impl Future<Output = T>,
) -> T {
    SERVICE.scope((stopped, service), work).await
}

/// Waits while the service is stopped whose work the current task is. Between two steps of the work: one that waited in
/// the middle might hold what others need.
pub async fn while_running() {
    if let Ok((mut stopped, service)) = SERVICE.try_with(Clone::clone) {
        // An error says that nobody can stop or resume it any more.
        let _ = stopped.wait_for(|stopped| !stopped.iter().any(|one| one == service)).await;
    }
}
