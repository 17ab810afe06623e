//! The checks that every server has: `/invariants`, and the jobs that explain what does not hold yet.

use actix_web::http::header::ContentType;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use serde_json::json;

use super::docs::openapi::Doc;
use super::page::{Page, list};
use super::query::Query;
use super::response::in_language;
use super::routes::Routes;
use super::state::Server;
use crate::auth::Access;
use crate::domain::Language;
use crate::error::{BUSY, Error, Result, STORAGE_UNAVAILABLE, TOO_SLOW};
use crate::events::{WaitingJob, waiting_jobs};
use crate::invariants::Report;
use crate::storage::{Results, Sort};

pub fn routes(routes: &mut Routes) {
    let example = json!([{
        "service": "product",
        "name": "stock_levels",
        "sentence": "Tersedia + ditahan + terjual = diterima, dan tidak ada yang negatif.",
        "holds": "good",
        "figures": {"on_hand": 8, "received": 10, "reserved": 2, "sold": 0},
        "rows": [],
        "total": 0,
        "what_to_do": "Hitung barangnya, lalu atur stoknya dengan `PUT /products/{id}/stock`.",
    }]);
    routes.get(
        "/invariants",
        invariants,
        Doc::new("Memeriksa semua baris: apa yang harus selalu benar", "Checks all rows: what must always hold")
            .by(Access::Service)
            .shows_all::<Report>(example)
            .fails(&[&BUSY, &STORAGE_UNAVAILABLE]),
    );
    let job =
        json!({"id": 1, "service": "order", "action": "release", "target": "7f1c3a52-5d1e-4a34-9c5b-0c8f3d2e6a91"});
    routes.get(
        "/invariants/jobs",
        jobs,
        Doc::new("Panggilan yang masih harus menyusul", "The calls that must still follow from changes")
            .by(Access::Service)
            .lists::<WaitingJob>(json!([job]))
            .fails(&[&BUSY, &TOO_SLOW]),
    );
}

/// Checks the invariants of all services on this server. It takes a while, so each is sent as it is found. A failure in
/// the middle breaks the connection, as for a list.
async fn invariants(language: Language, server: Data<Server>) -> Result<HttpResponse> {
    let (tables, now) = (server.invariants.clone(), server.clock.now());
    let results = server.db.survey(move |tx, send| {
        for (service, invariants) in &tables {
            for invariant in *invariants {
                let report = invariant.report(tx, service, now, language)?;
                send(serde_json::to_vec(&report).map_err(Error::internal)?)?;
            }
        }
        Ok(())
    });
    let mut response = HttpResponse::Ok();
    response.content_type(ContentType::json());
    Ok(in_language(language, response.streaming(array(results.await?))))
}

/// A JSON array of these rows.
fn array(results: Results<Vec<u8>>) -> impl stream::Stream<Item = Result<Bytes>> {
    stream::try_unfold((Some(results), b'['), |(results, before)| async move {
        let Some(mut results) = results else { return Ok(None) };
        match results.recv().await {
            Some(row) => {
                let mut json = vec![before];
                json.extend_from_slice(&row?);
                Ok(Some((Bytes::from(json), (Some(results), b','))))
            }
            None => Ok(Some((Bytes::from_static(if before == b'[' { b"[]" } else { b"]" }), (None, b',')))),
        }
    })
}

async fn jobs(request: HttpRequest, server: Data<Server>) -> Result<HttpResponse> {
    let mut query = Query::of(&request);
    let page = Page::take(&mut query, &[Sort::Id]).scans(|_| true);
    query.finish()?;
    list::<WaitingJob>(&request, &server.db, page, waiting_jobs).await
}
