//! Lists: one page with a `Link` to the next, or the whole list in constant memory.
//!
//! Both are read in chunks, each in a short read of its own. So no slow client keeps a snapshot open, which would keep
//! the write-ahead log from shrinking.

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
use crate::storage::{Cursor, Db, Listed, MAX_CHUNK_ROWS, Sort, Tx};

/// The most rows of one chunk of a scan. A scan has a thread of its own, so its chunks may be as large as a page.
const MAX_SCAN_ROWS: usize = 1000;
/// The most rows of one page.
pub(super) const MAX_PAGE_ROWS: usize = 1000;
const _: () = assert!(MAX_SCAN_ROWS == MAX_PAGE_ROWS, "a page of a scan must take one scan");
const _: () = assert!(MAX_CHUNK_ROWS <= MAX_PAGE_ROWS, "a chunk must not exceed the largest page");
/// The pause between the chunks of a whole list, in which other requests run.
const CHUNK_PAUSE: Duration = Duration::from_millis(1);

/// The memory of all pages beyond their first chunks until they are sent, in KiB. If slow clients have taken all of it,
/// pages are shorter than their limit, and their links lead to the rest.
static LARGE_PAGE_KIB: Semaphore = Semaphore::const_new(16 * 1024);

thread_local! {
    /// Lets one list at a time read its next chunk on each thread. Other requests run between the chunks, however many
    /// lists there are.
    static NEXT_CHUNK: Rc<Semaphore> = Rc::new(Semaphore::new(1));
}

/// The page of a list that a request asks for.
pub struct Page {
    /// The most rows; `None`: the whole list.
    limit: Option<usize>,
    /// The cursor after which the page begins.
    after: Option<Cursor>,
    sort: Sort,
    /// Whether the database may have to read many more rows than the page has.
    scans: bool,
}

impl Page {
    /// Takes `limit`, `after` and, if there is a choice of `sorts`, `sort` out of a query. The first of `sorts` is the
    /// default.
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

    /// Sets whether the database may have to read many rows that are not in the list, for the order of the request.
    pub fn scans(self, scans: impl FnOnce(Sort) -> bool) -> Self {
        Self { scans: scans(self.sort), ..self }
    }
}

/// The `limit` of a query: 1 to [`MAX_PAGE_ROWS`], as digits without sign or leading zeros.
pub(super) fn page_limit(text: &str) -> Option<usize> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|limit| canonical && *limit <= MAX_PAGE_ROWS)
}

/// Reads up to `limit` rows after a cursor.
pub trait Fetch<T>: Fn(&Tx<'_>, Sort, Option<&Cursor>, usize) -> Result<Vec<T>> + Send + Sync + 'static {}

impl<T, F> Fetch<T> for F where F: Fn(&Tx<'_>, Sort, Option<&Cursor>, usize) -> Result<Vec<T>> + Send + Sync + 'static {}

/// The source of the chunks of a list.
#[derive(Clone)]
struct Source {
    db: Db,
    sort: Sort,
    /// Of a scan: the network that it counts for, if any.
    scan: Option<Option<IpAddr>>,
}

impl Source {
    /// The most rows of one chunk.
    fn chunk(&self) -> usize {
        if self.scan.is_some() { MAX_SCAN_ROWS } else { MAX_CHUNK_ROWS }
    }

    async fn read<T: Listed>(&self, fetch: &Arc<impl Fetch<T>>, after: Option<Cursor>, limit: usize) -> Result<Rows> {
        let (fetch, sort) = (Arc::clone(fetch), self.sort);
        let read = move |tx: &Tx<'_>| Rows::read(tx, &*fetch, sort, after, limit);
        match self.scan {
            Some(network) => self.db.scan(network, read).await,
            None => self.db.read(read).await,
        }
    }

    /// Reads a further chunk. Scans are queued elsewhere, so they do not wait here.
    async fn read_on<T: Listed>(
        &self,
        fetch: &Arc<impl Fetch<T>>,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Rows> {
        let going_on = NEXT_CHUNK.with(Rc::clone);
        let _permit = match self.scan {
            Some(_) => None,
            None => Some(going_on.acquire().await.map_err(Error::internal)?),
        };
        self.read(fetch, after, limit).await
    }
}

/// Rows in a JSON array: each with a `[` or a comma before it, without the closing bracket.
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
        // One row more than the limit shows whether there are more.
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

    /// Makes these rows follow others in the array.
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

    /// The rows with the closing bracket.
    fn close(mut self) -> Vec<u8> {
        if self.first && self.json.is_empty() {
            self.json.push(b'[');
        }
        self.json.push(b']');
        self.json
    }
}

/// Answers with the rows of `page`.
pub async fn list<T: Listed>(request: &HttpRequest, db: &Db, page: Page, fetch: impl Fetch<T>) -> Result<HttpResponse> {
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
    let mut memory = None;
    while rows.more && left > 0 {
        tokio::task::yield_now().await;
        let next = source.read_on(&fetch, rows.last.clone(), left.min(chunk)).await?;
        let Ok(more) = LARGE_PAGE_KIB.try_acquire_many((next.json.len() / 1024 + 1) as u32) else {
            break; // The link to the next page begins here.
        };
        match &mut memory {
            None => memory = Some(more),
            Some(memory) => memory.merge(more),
        }
        rows.append(next);
        left = left.saturating_sub(chunk);
    }
    if let (true, Some(last)) = (rows.more, &rows.last) {
        response.insert_header((header::LINK, next_link(request, limit, &last.encode(sort))));
    }
    Ok(response.body(Bytes::from_owner(PageBody { json: rows.close(), _memory: memory })))
}

/// A page with its share of the memory, until it is sent.
struct PageBody {
    json: Vec<u8>,
    _memory: Option<SemaphorePermit<'static>>,
}

impl AsRef<[u8]> for PageBody {
    fn as_ref(&self) -> &[u8] {
        &self.json
    }
}

/// The reader of a list, whose token may be revoked meanwhile.
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

/// The body of a whole list: the rows already read, then chunk after chunk. A failure in the middle breaks the
/// connection, so that nobody takes half a list for the whole.
fn whole<T: Listed>(
    source: Source,
    fetch: Arc<impl Fetch<T>>,
    first: Rows,
    reader: Reader,
) -> impl futures_util::Stream<Item = Result<Bytes>> {
    stream::try_unfold((source, fetch, reader, Next::Read(first)), move |(source, fetch, reader, next)| async move {
        let rows = match next {
            Next::Read(rows) => rows,
            Next::After(cursor) => {
                // A request with a short answer goes before a list of thousands.
                tokio::time::sleep(CHUNK_PAUSE).await;
                reader.check(&source.db).await?;
                let mut rows = source.read_on(&fetch, cursor, source.chunk()).await?;
                rows.follow();
                rows
            }
            Next::End => return Ok(None),
        };
        let (json, next) = if rows.more { (rows.json, Next::After(rows.last)) } else { (rows.close(), Next::End) };
        Ok(Some((Bytes::from(json), (source, fetch, reader, next))))
    })
}

/// How a whole list continues. Only the chunk that is being sent is in memory.
enum Next {
    Read(Rows),
    After(Option<Cursor>),
    End,
}

/// The value of a `Link` header (RFC 8288) to the page after `after`, with the same query.
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
