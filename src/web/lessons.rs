//! The lessons that are judged at this server, and how far somebody has come in them.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use utoipa::openapi::KnownFormat;
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};

use super::docs::Doc;
use super::extract::{PathId, host};
use super::query::Query;
use super::response::{in_language, no_store, ok};
use super::routes::Routes;
use super::state::Server;
use crate::auth::Access;
use crate::domain::{Language, Sentence, Timestamp};
use crate::error::{Error, LAB_OFF, LESSON_NOT_FOUND, Result};
use crate::lessons::api::{LessonReport, StepReport};
use crate::lessons::{Evidence, Judged, LESSONS, Lesson};

pub fn routes(routes: &mut Routes) {
    // Other services judge none.
    if !LESSONS.iter().any(|lesson| lesson.service == routes.service) {
        return;
    }
    let lesson = json!({
        "number": 3,
        "service": "order",
        "title": "Jawaban hilang setelah commit",
        "goal": "Kirim lagi tanpa membuat dua pesanan.",
        "steps": [{"text": "Pasang gangguan, lalu pesan.", "command": "curl …", "done": true}],
        "hint": "Kirim lagi, dengan key.",
        "why": "Key disimpan dalam transaksi yang sama dengan pesanannya.",
        "code": ["src/storage/idempotency.rs"],
        "passed": true,
        "verdict": "Jawaban pesanan 1 hilang, dan key yang sama mendapatkannya kembali.",
    });
    let since = || {
        ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
    };
    routes.get(
        "/lessons",
        list,
        Doc::new("Pelajaran yang dinilai di sini", "The lessons that are judged here")
            .by(Access::Service)
            .query("since", since().into(), "Judges only what has begun since.")
            .shows_all::<LessonReport>(json!([lesson]))
            .fails(&[&LAB_OFF]),
    );
    routes.get(
        "/lessons/{id}",
        show,
        Doc::new("Satu pelajaran, dan sudah sampai mana", "A lesson, and how far somebody has come in it")
            .by(Access::Service)
            .id(&LESSON_NOT_FOUND)
            .query("since", since().into(), "Judges only what has begun since.")
            .shows::<LessonReport>(lesson)
            .fails(&[&LAB_OFF]),
    );
}

/// What the lessons of a server are judged by.
struct Judge<'a> {
    server: &'a Server,
    evidence: Evidence,
    language: Language,
    host: String,
}

impl<'a> Judge<'a> {
    /// [`LAB_OFF`] if nothing is recorded.
    fn of(server: &'a Server, request: &HttpRequest, language: Language) -> Result<Self> {
        let mut query = Query::of(request);
        let why = Sentence::new(
            "harus waktu seperti 2026-01-31T08:00:00.000Z",
            "must be a time such as 2026-01-31T08:00:00.000Z",
        );
        let since = query.take("since", why, Timestamp::parse);
        query.finish()?;
        if !server.recorder.is_on() {
            return Err(Error::new(&LAB_OFF));
        }
        let evidence = Evidence::of(&server.recorder, &server.auth.services, since);
        Ok(Self { server, evidence, language, host: host(request) })
    }

    fn lessons(&self) -> impl Iterator<Item = &'static Lesson> {
        LESSONS.into_iter().filter(|lesson| self.server.auth.services.contains(&lesson.service))
    }

    fn report(&self, lesson: &Lesson) -> LessonReport {
        let say = |sentence: &Sentence| self.language.pick(sentence).to_owned();
        let Judged { done, verdict } = (lesson.judge)(&self.evidence);
        let command = |text: &str| {
            self.server.public.iter().fold(text.to_owned(), |text, address| {
                text.replace(&format!("{{{}}}", address.name), &address.url(&self.host))
            })
        };
        let steps = lesson.steps.iter().zip(done);
        LessonReport {
            number: lesson.number,
            service: lesson.service.to_owned(),
            title: say(&lesson.title),
            goal: say(&lesson.goal),
            steps: steps
                .map(|(step, done)| StepReport { text: say(&step.text), command: command(step.command), done })
                .collect(),
            hint: say(&lesson.hint),
            why: say(&lesson.why),
            code: lesson.code.iter().map(|file| (*file).to_owned()).collect(),
            passed: verdict.is_ok(),
            verdict: say(&verdict.unwrap_or_else(|missing| missing)),
        }
    }
}

async fn list(request: HttpRequest, language: Language, server: web::Data<Server>) -> Result<HttpResponse> {
    let judge = Judge::of(&server, &request, language)?;
    let reports: Vec<_> = judge.lessons().map(|lesson| judge.report(lesson)).collect();
    Ok(no_store(in_language(language, ok(&reports))))
}

async fn show(
    id: PathId<usize>,
    request: HttpRequest,
    language: Language,
    server: web::Data<Server>,
) -> Result<HttpResponse> {
    let judge = Judge::of(&server, &request, language)?;
    let number = id.or(&LESSON_NOT_FOUND)?;
    let lesson = judge.lessons().find(|lesson| lesson.number == number);
    let lesson = lesson.ok_or_else(|| Error::new(&LESSON_NOT_FOUND))?;
    Ok(no_store(in_language(language, ok(&judge.report(lesson)))))
}
