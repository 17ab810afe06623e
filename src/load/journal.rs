//! What a service acknowledged, in a temporary file: memory stays the same however long customers order.

use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Seek, Write};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::domain::{OrderId, PaymentId};

/// The bytes of an entry: order, payment, due, expectation.
const ENTRY_BYTES: usize = 8 + 8 + 8 + 1;

/// What must have become of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expected {
    /// Paid by this payment.
    Paid(PaymentId),
    Cancelled,
    /// Its payment was declined.
    Failed,
    /// Its payment is not confirmed in time.
    Expired,
    /// A call that changes it had no clear answer. It has to exist.
    Unknown,
}

/// An order, and what must have become of it by a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub order: OrderId,
    pub expected: Expected,
    pub due: Instant,
}

pub struct Journal {
    file: BufWriter<File>,
    /// Moments are stored relative to this one.
    begin: Instant,
    pub entries: u64,
}

impl Journal {
    pub fn new() -> anyhow::Result<Self> {
        let file = tempfile::tempfile().context("there is no temporary file for what is acknowledged")?;
        Ok(Self { file: BufWriter::new(file), begin: Instant::now(), entries: 0 })
    }

    pub fn add(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let (code, payment) = match entry.expected {
            Expected::Paid(payment) => (0, payment.get()),
            Expected::Cancelled => (1, 0),
            Expected::Failed => (2, 0),
            Expected::Expired => (3, 0),
            Expected::Unknown => (4, 0),
        };
        let due = entry.due.saturating_duration_since(self.begin).as_millis();
        let due = u64::try_from(due).unwrap_or(u64::MAX);
        let mut bytes = Vec::with_capacity(ENTRY_BYTES);
        bytes.extend_from_slice(&entry.order.get().to_le_bytes());
        bytes.extend_from_slice(&payment.to_le_bytes());
        bytes.extend_from_slice(&due.to_le_bytes());
        bytes.push(code);
        self.file.write_all(&bytes).context("what is acknowledged can't be written down")?;
        self.entries += 1;
        Ok(())
    }

    /// The entries, in the order in which they were added.
    pub fn read(self) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Entry>>> {
        let begin = self.begin;
        let mut file = self.file.into_inner().context("what is acknowledged can't be written down")?;
        file.rewind()?;
        let mut file = BufReader::new(file);
        Ok(std::iter::from_fn(move || {
            let mut bytes = [0; ENTRY_BYTES];
            match file.read_exact(&mut bytes) {
                Ok(()) => Some(decode(&bytes, begin)),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => None,
                Err(error) => Some(Err(error.into())),
            }
        }))
    }
}

fn decode(bytes: &[u8; ENTRY_BYTES], begin: Instant) -> anyhow::Result<Entry> {
    let number = |at: usize| bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(i64::from_le_bytes);
    let (Some(order), Some(payment), Some(due), Some(code)) = (number(0), number(8), number(16), bytes.get(24)) else {
        anyhow::bail!("an entry of the journal is too short");
    };
    let expected = match code {
        0 => Expected::Paid(PaymentId::new(payment)),
        1 => Expected::Cancelled,
        2 => Expected::Failed,
        3 => Expected::Expired,
        _ => Expected::Unknown,
    };
    let due = begin + Duration::from_millis(u64::try_from(due).unwrap_or(0));
    Ok(Entry { order: OrderId::new(order), expected, due })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_writing_and_reading() {
        let mut journal = Journal::new().unwrap();
        let due = journal.begin + Duration::from_millis(1234);
        let all = [
            Expected::Paid(PaymentId::new(i64::MAX)),
            Expected::Cancelled,
            Expected::Failed,
            Expected::Expired,
            Expected::Unknown,
        ];
        let entries: Vec<_> =
            (1..).zip(all).map(|(id, expected)| Entry { order: OrderId::new(id), expected, due }).collect();
        for entry in &entries {
            journal.add(entry).unwrap();
        }
        assert_eq!(journal.entries, 5);
        assert_eq!(journal.read().unwrap().collect::<anyhow::Result<Vec<_>>>().unwrap(), entries);
    }
}
