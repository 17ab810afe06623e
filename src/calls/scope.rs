//! What a task works on: a request, or the work of a service behind its requests. What the task calls and commits is
//! recorded as belonging to it.

use std::time::Instant;

use super::record::{Action, Exchange, Record, Wrote};
use super::recorder::{Entry, Open, Recorder};
use crate::context::{Context, Trace};

tokio::task_local! {
    static CURRENT: Scope;
}

/// What a task works on.
pub struct Scope {
    recorder: Recorder,
    service: &'static str,
    /// The request that is being answered, and the record of the answer.
    request: Option<(Context, Entry)>,
}

impl Scope {
    /// The scope of a request to `service`, whose answer is `answer`.
    pub fn of_request(recorder: &Recorder, service: &'static str, context: &Context, answer: &Open) -> Self {
        Self { recorder: recorder.clone(), service, request: Some((context.clone(), answer.entry())) }
    }

    /// The scope of what `service` does by itself.
    pub fn of_task(recorder: &Recorder, service: &'static str) -> Self {
        Self { recorder: recorder.clone(), service, request: None }
    }

    /// Runs `work` in this scope.
    pub async fn run<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }
}

/// Begins the record of a call, once `fill` has said what is known of it. `None`: nothing of this task is recorded.
pub fn begin_call(context: &Context, action: Action, fill: impl FnOnce(&mut Record)) -> Option<Open> {
    let begin = |scope: &Scope| scope.recorder.begin(scope.service, context, action).map(|begin| begin.with(fill));
    CURRENT.try_with(begin).ok().flatten()
}

/// The trace of the request that the current task answers, if its commits are recorded.
pub fn trace_of_request() -> Option<Trace> {
    CURRENT.try_with(|scope| scope.request.as_ref().map(|(context, _)| context.trace())).ok().flatten()
}

/// Records what the current task has committed, since `began`.
pub fn committed(began: Instant, wrote: Vec<Wrote>) {
    if wrote.is_empty() {
        return;
    }
    let committed = |scope: &Scope| {
        let (context, _) = scope.request.as_ref()?;
        scope.recorder.begin(scope.service, context, Action::Commit)?.ended(|record| {
            record.span = fastrand::u64(1..);
            record.began = began;
            record.wrote = wrote;
        });
        Some(())
    };
    let _ = CURRENT.try_with(committed);
}

/// Keeps the body of the request that the current task answers.
pub fn keep_request_body(body: &[u8]) {
    let answer = CURRENT.try_with(|scope| scope.request.as_ref().map(|(_, answer)| answer.clone())).ok().flatten();
    if let Some(answer) = answer {
        let mut request = Exchange::default();
        request.set_body(body);
        answer.update(|record| {
            request.headers = std::mem::take(&mut record.request.headers);
            record.request = request;
        });
    }
}
