//! [`Lesson`]: what it says, and how it is judged.

use super::evidence::Evidence;
use crate::domain::Sentence;

/// A lesson.
pub struct Lesson {
    /// From 1.
    pub number: usize,
    /// The service that it is judged at.
    pub service: &'static str,
    pub title: Sentence,
    pub goal: Sentence,
    pub steps: &'static [Step],
    pub hint: Sentence,
    /// Why it is so.
    pub why: Sentence,
    /// The files in which it is programmed.
    pub code: &'static [&'static str],
    pub judge: fn(&Evidence) -> Judged,
}

/// What to do in a lesson.
pub struct Step {
    pub text: Sentence,
    /// A command for a terminal, in which `{order}` is the address of that service, and so on; empty: there is none.
    pub command: &'static str,
}

impl Step {
    pub(super) const fn new(id: &'static str, en: &'static str, command: &'static str) -> Self {
        Self { text: Sentence::new(id, en), command }
    }
}

/// How far somebody has come in a lesson.
pub struct Judged {
    /// For each step, whether it was done.
    pub done: Vec<bool>,
    /// What the evidence is that the lesson was done, or why it is not.
    pub verdict: Result<Sentence, Sentence>,
}

impl Judged {
    /// Done once all steps are. `passed` says what the evidence is, `missing` why the first step that is open is.
    pub(super) fn of<const STEPS: usize>(
        done: [bool; STEPS],
        passed: impl FnOnce() -> Sentence,
        missing: [Sentence; STEPS],
    ) -> Self {
        let verdict = match done.iter().zip(missing).find(|(done, _)| !**done) {
            None => Ok(passed()),
            Some((_, why)) => Err(why),
        };
        Self { done: done.into(), verdict }
    }
}

/// A sentence with figures in it.
pub(super) fn say(id: String, en: String) -> Sentence {
    Sentence { id: id.into(), en: en.into() }
}
