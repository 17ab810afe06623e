//! The lists of a service, row by row.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;

use crate::events::WaitingJob;
use crate::order::api::OrderRecord;
use crate::payment::api::PaymentRecord;
use crate::peer::Reader;
use crate::product::api::ReservationRecord;
use crate::storage::{Cursor, Listed, Sort, SortKey};

/// The most rows of a page.
const PAGE_ROWS: usize = 1000;

/// A row that a service lists.
pub trait Record: Listed + DeserializeOwned + Clone {
    const PATH: &'static str;
    const SORT: Sort;
}

impl Record for OrderRecord {
    const PATH: &'static str = "/invariants/orders";
    const SORT: Sort = Sort::Id;
}

impl Record for PaymentRecord {
    const PATH: &'static str = "/invariants/payments";
    const SORT: Sort = Sort::Id;
}

impl Record for ReservationRecord {
    const PATH: &'static str = "/invariants/reservations";
    const SORT: Sort = Sort::Name;
}

impl Record for WaitingJob {
    const PATH: &'static str = "/invariants/jobs";
    const SORT: Sort = Sort::Id;
}

/// The rows of a list after a cursor. Two pages are in memory at most: the next one is read ahead.
pub struct Rows<T> {
    reader: Arc<Reader>,
    page: VecDeque<T>,
    next: Option<JoinHandle<anyhow::Result<Vec<T>>>>,
}

impl<T: Record> Rows<T> {
    pub fn of(reader: &Arc<Reader>) -> Self {
        Self::after(reader, None)
    }

    pub fn after(reader: &Arc<Reader>, cursor: Option<Cursor>) -> Self {
        let mut rows = Self { reader: Arc::clone(reader), page: VecDeque::new(), next: None };
        rows.read_ahead(cursor);
        rows
    }

    fn read_ahead(&mut self, cursor: Option<Cursor>) {
        let reader = Arc::clone(&self.reader);
        self.next = Some(tokio::spawn(async move { page(&reader, cursor, PAGE_ROWS).await }));
    }

    /// The next row, which stays.
    pub async fn peek(&mut self) -> anyhow::Result<Option<&T>> {
        if self.page.is_empty()
            && let Some(next) = self.next.take()
        {
            self.page = next.await??.into();
            // A short page need not be the last one; an empty one is.
            if let Some(last) = self.page.back() {
                self.read_ahead(Some(last.cursor(T::SORT)));
            }
        }
        Ok(self.page.front())
    }

    pub async fn next(&mut self) -> anyhow::Result<Option<T>> {
        self.peek().await?;
        Ok(self.page.pop_front())
    }
}

async fn page<T: Record>(reader: &Reader, after: Option<Cursor>, limit: usize) -> anyhow::Result<Vec<T>> {
    let (limit, after) = (limit.to_string(), after.map(|cursor| cursor.encode(T::SORT)));
    let query: Vec<_> =
        [("limit", limit.as_str())].into_iter().chain(after.as_deref().map(|it| ("after", it))).collect();
    reader.get(T::PATH, &query).await
}

pub fn after_id(id: i64) -> Cursor {
    Cursor { key: SortKey::None, id }
}

/// The order with this id.
pub async fn order(reader: &Reader, id: i64) -> anyhow::Result<Option<OrderRecord>> {
    let found: Vec<OrderRecord> = page(reader, Some(after_id(id - 1)), 1).await?;
    Ok(found.into_iter().find(|order| order.order_id == id))
}

/// The latest payment of an order.
pub async fn payment(reader: &Reader, order_id: i64) -> anyhow::Result<Option<PaymentRecord>> {
    let found: Vec<PaymentRecord> = page(reader, Some(after_id(order_id - 1)), 1).await?;
    Ok(found.into_iter().find(|payment| payment.order_id == order_id))
}

/// The reservation with this key.
pub async fn reservation(reader: &Reader, key: &str) -> anyhow::Result<Option<ReservationRecord>> {
    // Sixteen keys at most differ from this one in their last hexadecimal digit alone.
    let Some((last, _)) = key.char_indices().next_back() else { return Ok(None) };
    let before = Cursor { key: SortKey::Text(key[..last].to_owned()), id: 0 };
    let found: Vec<ReservationRecord> = page(reader, Some(before), 16).await?;
    Ok(found.into_iter().find(|reservation| reservation.key == key))
}
