//! Lists: a page of them with a `Link` to the next, or all of them in constant memory.
//!
//! Either way the rows are read in chunks, each a short read of its own, so that no slow client holds
//! a snapshot open (which would keep the write-ahead log from shrinking).

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, ContentType};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::auth::principal;
use super::extract::scanning_network;
use super::query::Query;
use super::state::Server;
use crate::auth::Principal;
use crate::domain::Sentence;
use crate::error::{Error, Result};
use crate::storage::{CHUNK, Cursor, Db, Listed, Sort, Tx};

/// The most rows that a scan takes at once, as many as a page has: it is not on a thread that serves others.
const SCAN_CHUNK: usize = 1000;
/// The most rows of one page.
const MAX_PAGE_ROWS: usize = 1000;
/// The pause between the chunks of a whole list: the time that others get.
const PAUSE: Duration = Duration::from_millis(1);

/// KiB that pages may have in memory beyond their first chunk, all together, until they are sent. When clients
/// that do not read have taken it all, pages are shorter than was asked for; their links lead on as ever.
static LARGE_PAGES: Semaphore = Semaphore::const_new(16 * 1024);

thread_local! {
    /// Lists go on one after the other on each thread, a chunk at a time: in between is the time of all other
    /// requests, however many lists there are.
    static GOING_ON: Rc<Semaphore> = Rc::new(Semaphore::new(1));
}

/// The part of a list that is asked for.
pub struct Page {
    /// Rows at most; without it, all.
    limit: Option<usize>,
    /// The place after which the page begins.
    after: Option<Cursor>,
    sort: Sort,
    /// Whether reading it may look at many more rows than it has.
    scans: bool,
}

impl Page {
    /// Takes `limit`, `after` and, if there is a choice of `sorts`, `sort` out of a query. The first of
    /// them is the one meant if none is named.
    pub fn take(query: &mut Query, sorts: &[Sort]) -> Self {
        let mut sort = sorts.first().copied().unwrap_or(Sort::Id);
        if sorts.len() > 1 {
            let names = sorts.iter().map(|sort| sort.name()).collect::<Vec<_>>().join(", ");
            let why = Sentence {
                id: format!("harus salah satu dari {names}").into(),
                en: format!("must be one of {names}").into(),
            };
            let named = |text: &str| sorts.iter().copied().find(|sort| sort.name() == text);
            sort = query.take("sort", why, named).unwrap_or(sort);
        }
        let limit = query.take(
            "limit",
            Sentence::new("harus bilangan bulat antara 1 dan 1000", "must be an integer between 1 and 1000"),
            page_limit,
        );
        let after = query.take(
            "after",
            Sentence::new("bukan kursor dari urutan ini", "is not a cursor of this order"),
            |text| Cursor::decode(text, sort),
        );
        Self { limit, after, sort, scans: false }
    }

    /// Says whether reading the list may look at many rows that are not in it, in the order that is asked for.
    pub fn scans(self, scans: impl FnOnce(Sort) -> bool) -> Self {
        Self { scans: scans(self.sort), ..self }
    }
}

/// The `limit` of a query: 1 to [`MAX_PAGE_ROWS`], as digits without sign or leading zeros.
fn page_limit(text: &str) -> Option<usize> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|limit| canonical && *limit <= MAX_PAGE_ROWS)
}

/// Reads up to `limit` rows that come after a place in the order.
pub trait Fetch<T>: Fn(&Tx<'_>, Sort, Option<&Cursor>, usize) -> Result<Vec<T>> + Send + Sync + 'static {}

impl<T, F> Fetch<T> for F where F: Fn(&Tx<'_>, Sort, Option<&Cursor>, usize) -> Result<Vec<T>> + Send + Sync + 'static {}

/// How the chunks of a list are read.
#[derive(Clone)]
struct Source {
    db: Db,
    sort: Sort,
    /// For whom, if it takes a scan.
    scan: Option<Option<IpAddr>>,
}

impl Source {
    /// Rows at most in one chunk.
    fn chunk(&self) -> usize {
        if self.scan.is_some() { SCAN_CHUNK } else { CHUNK }
    }

    async fn read<T: Listed>(&self, fetch: &Arc<impl Fetch<T>>, after: Option<Cursor>, limit: usize) -> Result<Rows> {
        let (fetch, sort) = (Arc::clone(fetch), self.sort);
        let read = move |tx: &Tx<'_>| Rows::read(tx, &*fetch, sort, after, limit);
        match self.scan {
            Some(network) => self.db.scan(network, read).await,
            None => self.db.read(read).await,
        }
    }

    /// Reads the rows that come after those of an earlier read. Scans have an order of their own.
    async fn read_on<T: Listed>(
        &self,
        fetch: &Arc<impl Fetch<T>>,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Rows> {
        let going_on = GOING_ON.with(Rc::clone);
        let _permit = match self.scan {
            Some(_) => None,
            None => Some(going_on.acquire().await.map_err(Error::internal)?),
        };
        self.read(fetch, after, limit).await
    }
}

/// Rows as they stand in a JSON array: each with a `[` or a comma before it, the end left open.
struct Rows {
    json: Vec<u8>,
    /// Whether the array begins with these.
    first: bool,
    last: Option<Cursor>,
    /// Whether there are rows after these.
    more: bool,
}

impl Rows {
    fn read<T: Listed>(
        tx: &Tx<'_>,
        fetch: &impl Fetch<T>,
        sort: Sort,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Self> {
        // One row more than wanted tells whether it is worth asking again.
        let mut rows = fetch(tx, sort, after.as_ref(), limit + 1)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let mut json = Vec::with_capacity(rows.len() * 400 + 2);
        for row in &rows {
            json.push(if json.is_empty() { b'[' } else { b',' });
            serde_json::to_writer(&mut json, &row.response()).map_err(Error::internal)?;
        }
        Ok(Self { json, first: true, last: rows.last().map(|row| row.cursor(sort)), more })
    }

    /// Makes these rows the continuation of others.
    fn follow(&mut self) {
        self.first = false;
        if let Some(open) = self.json.first_mut() {
            *open = b',';
        }
    }

    fn append(&mut self, mut next: Self) {
        next.follow();
        self.json.extend_from_slice(&next.json);
        (self.last, self.more) = (next.last, next.more);
    }

    /// The rows to the end of the array.
    fn close(mut self) -> Vec<u8> {
        if self.first && self.json.is_empty() {
            self.json.push(b'[');
        }
        self.json.push(b']');
        self.json
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
    let Page { limit, after, sort, scans } = page;
    let source = Source { db: db.clone(), sort, scan: scans.then(|| scanning_network(request)) };
    let chunk = source.chunk();
    let mut rows = source.read(&fetch, after, limit.map_or(chunk, |limit| limit.min(chunk))).await?;
    let mut response = HttpResponse::Ok();
    response.content_type(ContentType::json());
    let Some(limit) = limit else {
        if rows.more {
            return Ok(response.streaming(whole(source, fetch, rows, Reader::of(request))));
        }
        return Ok(response.body(rows.close()));
    };
    let mut left = limit.saturating_sub(chunk);
    let mut room = None;
    while rows.more && left > 0 {
        tokio::task::yield_now().await;
        let next = source.read_on(&fetch, rows.last.clone(), left.min(chunk)).await?;
        let Ok(more) = LARGE_PAGES.try_acquire_many((next.json.len() / 1024 + 1) as u32) else {
            break; // The link to the next page begins here.
        };
        match &mut room {
            None => room = Some(more),
            Some(room) => room.merge(more),
        }
        rows.append(next);
        left = left.saturating_sub(chunk);
    }
    if let (true, Some(last)) = (rows.more, &rows.last) {
        response.insert_header((header::LINK, next_link(request, limit, &last.encode(sort))));
    }
    Ok(response.body(Bytes::from_owner(Held { json: rows.close(), _room: room })))
}

/// A page that waits to be sent.
struct Held {
    json: Vec<u8>,
    _room: Option<SemaphorePermit<'static>>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.json
    }
}

/// Whoever reads a list, as long as they may.
struct Reader(Option<(Data<Server>, Principal)>);

impl Reader {
    fn of(request: &HttpRequest) -> Self {
        Self(request.app_data::<Data<Server>>().cloned().zip(principal(request).ok()))
    }

    async fn check(&self, db: &Db) -> Result<()> {
        match &self.0 {
            Some((server, principal)) => server.auth.check(*principal, db).await,
            None => Ok(()),
        }
    }
}

/// The body of a whole list: the rows already read, then chunk after chunk. A failure in the middle
/// breaks the connection off, so that half a list can't be taken for a whole one.
fn whole<T: Listed>(
    source: Source,
    fetch: Arc<impl Fetch<T>>,
    first: Rows,
    reader: Reader,
) -> impl futures_util::Stream<Item = Result<Bytes>> {
    stream::try_unfold((source, fetch, reader, Next::Read(first)), move |(source, fetch, reader, next)| async move {
        let rows = match next {
            Next::Read(rows) => rows,
            Next::After(place) => {
                // Whoever waits for a single answer goes before a list of thousands.
                tokio::time::sleep(PAUSE).await;
                reader.check(&source.db).await?;
                let mut rows = source.read_on(&fetch, place, source.chunk()).await?;
                rows.follow();
                rows
            }
            Next::End => return Ok(None),
        };
        let (json, next) = if rows.more { (rows.json, Next::After(rows.last)) } else { (rows.close(), Next::End) };
        Ok(Some((Bytes::from(json), (source, fetch, reader, next))))
    })
}

/// How a whole list goes on. No more of it is in memory than what is being sent.
enum Next {
    Read(Rows),
    After(Option<Cursor>),
    End,
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
