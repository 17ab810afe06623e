//! The types of lessons that go over the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A lesson, and how far somebody has come in it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LessonReport {
    /// From 1.
    pub number: usize,
    /// The service that it is judged at.
    pub service: String,
    pub title: String,
    pub goal: String,
    pub steps: Vec<StepReport>,
    pub hint: String,
    /// Why it is so.
    pub why: String,
    /// The files in which it is programmed.
    pub code: Vec<String>,
    pub passed: bool,
    /// What the evidence is, or what is missing.
    pub verdict: String,
}

/// A step of a lesson.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StepReport {
    pub text: String,
    /// The same as a command for a terminal.
    pub command: String,
    pub done: bool,
}
