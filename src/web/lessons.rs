//! The lessons that are judged at this server, and how far somebody has come in them.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, Type};

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

/// In the year 2286; every client's numbers hold it exactly.
const MAX_MILLIS: i64 = 9_999_999_999_999;

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
    let since = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(MAX_MILLIS));
    routes.get(
        "/lessons",
        list,
        Doc::new("Pelajaran yang dinilai di sini", "The lessons that are judged here")
            .has_page()
            .by(Access::Service)
            .query("since", since().into(), "Judges only what has begun since, in milliseconds since 1970.")
            .shows_all::<LessonReport>(json!([lesson]))
            .fails(&[&LAB_OFF]),
    );
    routes.get(
        "/lessons/{id}",
        show,
        Doc::new("Satu pelajaran, dan sudah sampai mana", "A lesson, and how far somebody has come in it")
            .has_page()
            .by(Access::Service)
            .id(&LESSON_NOT_FOUND)
            .query("since", since().into(), "Judges only what has begun since, in milliseconds since 1970.")
            .shows::<LessonReport>(lesson)
            .fails(&[&LAB_OFF]),
    );
}

/// What the lessons of a server are judged by.
struct Judge {
    server: Server,
    evidence: Evidence,
    language: Language,
    host: String,
}

impl Judge {
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

/// Judges the lessons of a server, or one. Not on the thread of the worker: there may be much to look at.
async fn judge(
    server: &Server,
    request: &HttpRequest,
    language: Language,
    number: Option<usize>,
) -> Result<Vec<LessonReport>> {
    let mut query = Query::of(request);
    let why = Sentence::new("harus milidetik sejak 1970", "must be milliseconds since 1970");
    let since = query.take("since", why, |text| {
        text.parse().ok().filter(|millis| (0..=MAX_MILLIS).contains(millis)).map(Timestamp::from_millis)
    });
    query.finish()?;
    if !server.recorder.is_on() {
        return Err(Error::new(&LAB_OFF));
    }
    let (server, host) = (server.clone(), host(request));
    let judged = web::block(move || {
        let evidence = Evidence::of(&server.recorder, &server.auth.services, since);
        let judge = Judge { server, evidence, language, host };
        let wanted = judge.lessons().filter(|lesson| number.is_none_or(|number| lesson.number == number));
        wanted.map(|lesson| judge.report(lesson)).collect()
    });
    judged.await.map_err(Error::internal)
}

async fn list(request: HttpRequest, language: Language, server: web::Data<Server>) -> Result<HttpResponse> {
    let reports = judge(&server, &request, language, None).await?;
    Ok(no_store(in_language(language, ok(&reports))))
}

async fn show(
    id: PathId<usize>,
    request: HttpRequest,
    language: Language,
    server: web::Data<Server>,
) -> Result<HttpResponse> {
    let number = id.or(&LESSON_NOT_FOUND)?;
    let report = judge(&server, &request, language, Some(number)).await?.pop();
    let report = report.ok_or_else(|| Error::new(&LESSON_NOT_FOUND))?;
    Ok(no_store(in_language(language, ok(&report))))
}
