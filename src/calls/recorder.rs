//! [`Recorder`]: a ring of the newest records, and the changes that a reader has not seen yet.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::record::{Action, Exchange, Record};
use crate::context::Context;

/// The recorder of a process; clones share it. One that is off keeps nothing and costs nothing.
#[derive(Clone, Default)]
pub struct Recorder(Option<Arc<Inner>>);

struct Inner {
    ring: Mutex<Ring>,
    /// When it was made, on both clocks.
    made: Instant,
    made_at_micros: u64,
}

struct Ring {
    records: VecDeque<Record>,
    /// The id of the first of `records`.
    first: u64,
    /// The id of the record of each change: it began or it ended.
    changes: VecDeque<u64>,
    /// The number of the first of `changes`.
    first_change: u64,
    capacity: usize,
}

/// What has changed since a reader looked last.
pub struct Changes {
    /// The number of the last change that was read.
    pub last: u64,
    /// Changes that were dropped before they were read.
    pub dropped: u64,
    /// Each changed record once, as it is now, with the number of its last change.
    pub records: Vec<(u64, Record)>,
}

impl Recorder {
    /// A recorder that keeps the newest `capacity` records.
    pub fn new(capacity: usize) -> Self {
        let ring = Ring { records: VecDeque::new(), first: 1, changes: VecDeque::new(), first_change: 1, capacity };
        let since_epoch = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or(Duration::ZERO);
        let made_at_micros = u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX);
        Self(Some(Arc::new(Inner { ring: Mutex::new(ring), made: Instant::now(), made_at_micros })))
    }

    /// A recorder that keeps nothing.
    pub fn off() -> Self {
        Self(None)
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Begins the record of an action of `service`. `None`: the recorder is off.
    pub fn begin(&self, service: &'static str, context: &Context, action: Action) -> Option<Begin<'_>> {
        let recorder = self.0.as_ref()?;
        let span = context.trace().span();
        let (span, parent) = if matches!(action, Action::Answer { .. }) { (span, None) } else { (0, Some(span)) };
        let record = Record {
            id: 0,
            service,
            action,
            context: context.clone(),
            span,
            parent,
            method: "",
            path: Box::default(),
            began: Instant::now(),
            took: None,
            status: None,
            failure: None,
            fault: None,
            request: Exchange::default(),
            response: Exchange::default(),
            wrote: Vec::new(),
        };
        Some(Begin { recorder, record })
    }

    /// Begins the record of an event that a subscriber, named `SERVICE.NAME`, has applied since `began`. `traceparent`:
    /// that of the request that emitted it.
    pub fn applied(
        &self,
        began: Instant,
        subscriber: &'static str,
        kind: &'static str,
        key: &str,
        traceparent: &str,
    ) -> Option<Open> {
        let service = subscriber.split('.').next().unwrap_or(subscriber);
        let context = Context::of_request(Some(traceparent), None);
        let begin = self.begin(service, &context, Action::Event { subscriber, kind, key: key.into() })?;
        Some(begin.with(|record| {
            record.span = fastrand::u64(1..);
            record.began = began;
        }))
    }

    /// The number of records since the start, and of those that are not kept any more.
    pub fn counts(&self) -> (u64, u64) {
        self.0.as_ref().map_or((0, 0), |inner| {
            let ring = inner.ring();
            (ring.first - 1 + ring.records.len() as u64, ring.first - 1)
        })
    }

    /// The newest `limit` records for which `wanted` is true, oldest first.
    pub fn newest(&self, limit: usize, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        let Some(inner) = &self.0 else { return Vec::new() };
        let mut found: Vec<_> =
            inner.ring().records.iter().rev().filter(|record| wanted(record)).take(limit).cloned().collect();
        found.reverse();
        found
    }

    pub fn find(&self, id: u64) -> Option<Record> {
        self.0.as_ref()?.ring().get(id).cloned()
    }

    /// What has changed after the change `last`, in up to `limit` changes.
    pub fn changes(&self, last: u64, limit: usize) -> Changes {
        let Some(inner) = &self.0 else { return Changes { last, dropped: 0, records: Vec::new() } };
        let ring = inner.ring();
        let end = ring.first_change + ring.changes.len() as u64;
        // A number that is still to come is of an earlier start of the process.
        let next = if last >= end { ring.first_change } else { (last + 1).max(ring.first_change) };
        let dropped = if last >= end || last == 0 { 0 } else { next - (last + 1) };
        let skipped = usize::try_from(next - ring.first_change).unwrap_or(usize::MAX);
        let ids: Vec<u64> = ring.changes.iter().skip(skipped).take(limit).copied().collect();
        // Of a record that changes twice in this batch, only the last state counts.
        let mut seen = HashSet::new();
        let numbered = ids.iter().zip(next..).collect::<Vec<_>>();
        let latest = numbered.into_iter().rev().filter(|(id, _)| seen.insert(**id));
        let mut records: Vec<_> = latest.filter_map(|(id, number)| Some((number, ring.get(*id)?.clone()))).collect();
        records.reverse();
        Changes { last: (next + ids.len() as u64).saturating_sub(1), dropped, records }
    }

    /// When a record began, in microseconds since the epoch.
    pub fn micros(&self, began: Instant) -> u64 {
        self.0.as_ref().map_or(0, |inner| {
            let since = began.saturating_duration_since(inner.made);
            inner.made_at_micros.saturating_add(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
        })
    }
}

impl Inner {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn get(&self, id: u64) -> Option<&Record> {
        self.records.get(usize::try_from(id.checked_sub(self.first)?).ok()?)
    }

    fn get_mut(&mut self, id: u64) -> Option<&mut Record> {
        self.records.get_mut(usize::try_from(id.checked_sub(self.first)?).ok()?)
    }

    /// Returns the id of the record, and the record that had to make room for it: to be dropped once the ring is free.
    fn push(&mut self, mut record: Record) -> (u64, Option<Record>) {
        let mut dropped = None;
        if self.records.len() >= self.capacity {
            dropped = self.records.pop_front();
            self.first += 1;
        }
        record.id = self.first + self.records.len() as u64;
        let id = record.id;
        self.records.push_back(record);
        self.changed(id);
        (id, dropped)
    }

    /// Counts a change of a record. A record changes twice.
    fn changed(&mut self, id: u64) {
        if self.changes.len() >= 2 * self.capacity {
            self.changes.pop_front();
            self.first_change += 1;
        }
        self.changes.push_back(id);
    }
}

/// A record that is about to begin.
pub struct Begin<'a> {
    recorder: &'a Arc<Inner>,
    record: Record,
}

impl Begin<'_> {
    /// Records what has ended already, once `fill` has said what is known of it.
    pub fn ended(mut self, fill: impl FnOnce(&mut Record)) {
        fill(&mut self.record);
        self.record.took = Some(self.record.began.elapsed());
        let _dropped = self.recorder.ring().push(self.record);
    }

    /// Begins it, once `fill` has said what is known of it.
    pub fn with(mut self, fill: impl FnOnce(&mut Record)) -> Open {
        fill(&mut self.record);
        let began = self.record.began;
        let (id, _dropped) = self.recorder.ring().push(self.record);
        Open { entry: Entry { recorder: Arc::clone(self.recorder), id }, began, ended: false }
    }
}

/// A record that is kept, or was.
#[derive(Clone)]
pub struct Entry {
    recorder: Arc<Inner>,
    id: u64,
}

impl Entry {
    /// Says more of it. No reader hears of that before its end.
    pub fn update(&self, fill: impl FnOnce(&mut Record)) {
        if let Some(record) = self.recorder.ring().get_mut(self.id) {
            fill(record);
        }
    }
}

/// A record that has begun. If it is dropped before it ends, nobody waits for its end any more.
pub struct Open {
    entry: Entry,
    began: Instant,
    ended: bool,
}

impl Open {
    pub fn entry(&self) -> Entry {
        self.entry.clone()
    }

    /// The ids of the record and of its trace.
    pub fn ids(&self) -> (u64, u128) {
        let trace = self.entry.recorder.ring().get(self.entry.id).map(|record| record.context.trace().id());
        (self.entry.id, trace.unwrap_or_default())
    }

    /// Ends it, once `fill` has said how.
    pub fn end(mut self, fill: impl FnOnce(&mut Record)) {
        self.ended = true;
        self.finish(fill);
    }

    fn finish(&self, fill: impl FnOnce(&mut Record)) {
        let took = self.began.elapsed();
        let mut ring = self.entry.recorder.ring();
        if let Some(record) = ring.get_mut(self.entry.id) {
            record.took = Some(took);
            fill(record);
            ring.changed(self.entry.id);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.ended {
            self.finish(|record| record.failure = Some("nobody waited for it any more".into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(recorder: &Recorder) -> Open {
        let context = Context::of_request(None, None);
        recorder.begin("order", &context, Action::Answer { route: "/orders" }).unwrap().with(|_| ())
    }

    #[test]
    fn only_the_newest_are_kept() {
        let recorder = Recorder::new(3);
        let mut open: Vec<_> = (0..5).map(|_| begin(&recorder)).collect();
        assert_eq!(recorder.counts(), (5, 2));
        let ids = |records: Vec<Record>| records.into_iter().map(|record| record.id).collect::<Vec<_>>();
        assert_eq!(ids(recorder.newest(10, |_| true)), [3, 4, 5]);
        assert_eq!(ids(recorder.newest(2, |_| true)), [4, 5]);
        // The end of one that is gone changes nothing.
        open.remove(0).end(|record| record.status = Some(201));
        open.pop().unwrap().end(|record| record.status = Some(200));
        assert!(recorder.find(1).is_none());
        assert_eq!(recorder.find(5).unwrap().status, Some(200));
        assert!(recorder.find(5).unwrap().took.is_some());
        assert!(recorder.find(4).unwrap().took.is_none(), "under way");
    }

    #[test]
    fn a_reader_gets_each_change_once_and_hears_how_many_it_missed() {
        let recorder = Recorder::new(2);
        let first = begin(&recorder);
        let read = recorder.changes(0, 100);
        assert_eq!((read.records.len(), read.dropped, read.last), (1, 0, 1));
        first.end(|_| ());
        let second = begin(&recorder);
        second.end(|_| ());
        let read = recorder.changes(read.last, 100);
        // The second has begun and ended meanwhile: it is read once, as it is now.
        assert_eq!(
            read.records.iter().map(|(number, record)| (*number, record.id)).collect::<Vec<_>>(),
            [(2, 1), (4, 2)]
        );
        assert!(recorder.changes(read.last, 100).records.is_empty());
        for _ in 0..3 {
            begin(&recorder).end(|_| ());
        }
        let read = recorder.changes(read.last, 100);
        assert_eq!((read.dropped, read.last), (2, 10), "four changes of two records are kept");
        // A number of another process begins from the start.
        assert_eq!(recorder.changes(99, 100).records.len(), 2);
        assert_eq!(recorder.changes(99, 1).last, 7);
    }

    #[test]
    fn what_nobody_waits_for_ends() {
        let recorder = Recorder::new(2);
        drop(begin(&recorder));
        assert!(recorder.find(1).unwrap().failure.is_some());
        assert!(Recorder::off().begin("order", &Context::own(), Action::Commit).is_none());
    }
}
