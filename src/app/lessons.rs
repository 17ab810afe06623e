//! `pasar lesson`: shows the lessons, and whether they were done at running services.

use std::fmt::Write;

use super::shop::Shop;
use crate::config::Config;
use crate::lessons::LESSONS;
use crate::lessons::api::LessonReport;

/// All lessons, or one.
pub async fn lessons(config: &Config, number: Option<usize>) -> anyhow::Result<Vec<LessonReport>> {
    let shop = Shop::of(config)?;
    let wanted: Vec<_> =
        LESSONS.into_iter().filter(|lesson| number.is_none_or(|number| lesson.number == number)).collect();
    anyhow::ensure!(!wanted.is_empty(), "there are lessons 1 to {}", LESSONS.len());
    let mut reports = Vec::new();
    for lesson in wanted {
        reports.push(shop.service(lesson.service)?.get(&format!("/lessons/{}", lesson.number), &[]).await?);
    }
    Ok(reports)
}

/// The lessons as a list for people, a line each.
pub fn list(lessons: &[LessonReport]) -> String {
    let line = |lesson: &LessonReport| format!("{} {}  {}\n", mark(lesson.passed), lesson.number, lesson.title);
    lessons.iter().map(line).collect()
}

/// A lesson as text for people; with the verdict alone if it `is_checked`.
pub fn text(lesson: &LessonReport, is_checked: bool) -> String {
    let LessonReport { number, title, goal, steps, hint, why, code, passed, verdict, .. } = lesson;
    let mut text = format!("Lesson {number}: {title}\n");
    // Writing to a text can't fail.
    if !is_checked {
        let _ = writeln!(text, "{goal}\n");
    }
    for (at, step) in steps.iter().enumerate() {
        let _ = writeln!(text, "{} {}. {}", mark(step.done), at + 1, step.text);
        if !is_checked {
            let _ = writeln!(text, "     {}", step.command);
        }
    }
    if !is_checked {
        let _ = writeln!(text, "\nHint: {hint}\nWhy:  {why}\nCode: {}\n", code.join(", "));
    }
    let _ = writeln!(text, "{} {verdict}", if *passed { "Passed." } else { "Not yet." });
    text
}

fn mark(done: bool) -> char {
    if done { '✓' } else { '·' }
}
