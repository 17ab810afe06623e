//! Lessons about services that call each other. Each says what to do at a running shop, and judges from what was recorded
//! there whether it was done, and what came of it.

pub mod api;
mod calls;
mod evidence;
mod lesson;
mod stock;
mod trust;

pub use evidence::Evidence;
pub use lesson::{Judged, Lesson, Step};

/// All lessons, in their order.
pub const LESSONS: [&Lesson; 7] = [
    &calls::ONE_ORDER,
    &calls::SERVICE_DOWN,
    &trust::LOST_ANSWER,
    &trust::DOUBLE_CLICK,
    &stock::LAST_UNIT,
    &stock::PAID_TOO_LATE,
    &trust::CRASH_BETWEEN,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::Recorder;

    #[test]
    fn lessons_are_numbered_and_nobody_passes_one_by_doing_nothing() {
        let nothing = Evidence::of(&Recorder::new(100), &["order", "payment"], None);
        for (at, lesson) in LESSONS.iter().enumerate() {
            assert_eq!(lesson.number, at + 1);
            let Judged { done, verdict } = (lesson.judge)(&nothing);
            assert_eq!(done, vec![false; lesson.steps.len()], "{}", lesson.title.en);
            let why = verdict.unwrap_err();
            assert!(!why.id.is_empty() && !why.en.is_empty());
            for file in lesson.code {
                let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
                assert!(path.exists(), "{file} is not there");
            }
        }
    }
}
