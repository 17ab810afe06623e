//! Lists: a page of them with a `Link` to the next, or all of them in constant memory.
//!
//! Either way the rows are read in keyset pages, each a short read of its own, so that no slow client
//! holds a snapshot open (which would keep the write-ahead log from shrinking).

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, ContentType};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use futures_util::stream;
use serde::Serialize;

use super::query::Query;
use crate::error::{Error, Result, Sentence};
use crate::storage::{Db, Tx};

/// Rows read at once while a whole list is streamed.
const CHUNK: usize = 100;

/// Which way a list runs along its ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Oldest first: `id`.
    Oldest,
    /// Newest first: `-id`.
    Newest,
}

impl Sort {
    fn name(self) -> &'static str {
        match self {
            Self::Oldest => "id",
            Self::Newest => "-id",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Oldest, Self::Newest].into_iter().find(|sort| sort.name() == name)
    }
}

/// The part of a list that is asked for.
pub struct Page {
    /// Rows at most; without it, all.
    limit: Option<usize>,
    /// The id after which the page begins.
    after: Option<i64>,
    sort: Sort,
}

impl Page {
    /// Takes `limit` and `after` out of a query.
    pub fn take(query: &mut Query, sort: Sort) -> Self {
        let limit = query.take(
            "limit",
            Sentence::new("harus bilangan bulat antara 1 dan 1000", "must be an integer between 1 and 1000"),
            |text| text.parse().ok().filter(|limit| (1..=1000).contains(limit)),
        );
        let after = query.take(
            "after",
            Sentence::new("bukan kursor dari urutan ini", "is not a cursor of this order"),
            |text| read_cursor(text, sort),
        );
        Self { limit, after, sort }
    }
}

/// An opaque cursor: the order and the last row's place in it, so that it works after the row is gone.
fn cursor(sort: Sort, id: i64) -> String {
    BASE64.encode(format!("{}:{id}", sort.name()))
}

fn read_cursor(text: &str, sort: Sort) -> Option<i64> {
    let plain = String::from_utf8(BASE64.decode(text).ok()?).ok()?;
    let (name, id) = plain.split_once(':')?;
    (Sort::parse(name)? == sort).then_some(())?;
    id.parse().ok()
}

/// A row of a list: what is shown, and the id that gives it its place.
pub trait Listed: Serialize + Send + 'static {
    fn id(&self) -> i64;
}

/// Reads up to `limit` rows that come after `after` in the order.
pub trait Fetch<T>: Fn(&Tx<'_>, Sort, Option<i64>, usize) -> Result<Vec<T>> + Send + Sync + 'static {}

impl<T, F> Fetch<T> for F where F: Fn(&Tx<'_>, Sort, Option<i64>, usize) -> Result<Vec<T>> + Send + Sync + 'static {}

/// Rows as they stand in a JSON array, with commas between them.
struct Rows {
    json: Vec<u8>,
    count: usize,
    last: Option<i64>,
}

impl Rows {
    async fn read<T: Listed>(
        db: &Db,
        fetch: &Arc<impl Fetch<T>>,
        sort: Sort,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Self> {
        let fetch = Arc::clone(fetch);
        db.read(move |tx| {
            let rows = fetch(tx, sort, after, limit)?;
            let mut json = Vec::with_capacity(rows.len() * 256 + 2);
            for row in &rows {
                json.push(if json.is_empty() { b'[' } else { b',' });
                serde_json::to_writer(&mut json, row).map_err(Error::internal)?;
            }
            Ok(Self { json, count: rows.len(), last: rows.last().map(Listed::id) })
        })
        .await
    }
}

/// Answers with the rows of `page`.
pub async fn answer<T: Listed>(
    request: &HttpRequest,
    db: &Db,
    page: Page,
    fetch: impl Fetch<T>,
) -> Result<HttpResponse> {
    let fetch = Arc::new(fetch);
    let Page { limit, after, sort } = page;
    // One row more than asked for tells whether there is a next page.
    let first = Rows::read(db, &fetch, sort, after, limit.unwrap_or(CHUNK)).await?;
    let mut response = HttpResponse::Ok();
    response.content_type(ContentType::json());
    let whole = first.count < limit.unwrap_or(CHUNK);
    if let (Some(limit), false, Some(last)) = (limit, whole, first.last) {
        let more = Rows::read(db, &fetch, sort, first.last, 1).await?;
        if more.count > 0 {
            response.insert_header((header::LINK, next_link(request, limit, &cursor(sort, last))));
        }
    }
    if whole || limit.is_some() {
        let mut json = first.json;
        if json.is_empty() {
            json.push(b'[');
        }
        json.push(b']');
        return Ok(response.body(json));
    }
    Ok(response.streaming(rest(db.clone(), fetch, sort, first)))
}

/// The body of a whole list: the rows already read, then chunk after chunk. A failure in the middle
/// breaks the connection off, so that half a list can't be taken for a whole one.
fn rest<T: Listed>(
    db: Db,
    fetch: Arc<impl Fetch<T>>,
    sort: Sort,
    first: Rows,
) -> impl futures_util::Stream<Item = Result<Bytes>> {
    enum Next {
        Send(Rows),
        Read(Option<i64>),
        End,
    }
    stream::try_unfold((db, fetch, Next::Send(first), true), move |(db, fetch, next, head)| async move {
        let rows = match next {
            Next::Send(rows) => rows,
            Next::End => return Ok(None),
            Next::Read(after) => {
                // Whoever waits for a single answer goes before a list of thousands.
                tokio::time::sleep(Duration::from_millis(1)).await;
                Rows::read(&db, &fetch, sort, after, CHUNK).await?
            }
        };
        let Rows { mut json, count, last } = rows;
        if !head && let Some(open) = json.first_mut() {
            *open = b',';
        }
        let next = if count < CHUNK {
            json.push(b']');
            Next::End
        } else {
            Next::Read(last)
        };
        Ok(Some((Bytes::from(json), (db, fetch, next, false))))
    })
}

/// `<…>; rel="next"` (RFC 8288): the same query, further on.
fn next_link(request: &HttpRequest, limit: usize, after: &str) -> String {
    let others = form_urlencoded::parse(request.query_string().as_bytes())
        .filter(|(name, _)| name != "limit" && name != "after");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair("limit", &limit.to_string())
        .append_pair("after", after)
        .finish();
    format!("<{}?{query}>; rel=\"next\"", request.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_order() {
        let text = cursor(Sort::Newest, 42);
        assert_eq!(read_cursor(&text, Sort::Newest), Some(42));
        assert_eq!(read_cursor(&text, Sort::Oldest), None);
        for bad in ["", "42", "!", &BASE64.encode("id"), &BASE64.encode("id:x")] {
            assert_eq!(read_cursor(bad, Sort::Oldest), None, "{bad}");
        }
    }
}
