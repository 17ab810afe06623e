//! Invariants: what must hold between the rows of a service, whatever has happened before.
//!
//! Each service has a table of them. A server checks all of its services' on one snapshot of the database, so that no
//! change in progress looks like a fault. What is not right yet, but will be by a deadline, a job or an event that waits,
//! is [`Verdict::UnderWay`].

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{Language, Sentence, Timestamp};
use crate::error::Result;
use crate::storage::{Param, Tx};

/// The most ids that a report lists.
const MAX_LISTED: usize = 20;

/// An invariant of a service.
pub struct Invariant {
    pub name: &'static str,
    /// What must hold.
    pub sentence: Sentence,
    /// What to do if it does not hold.
    pub what_to_do: Sentence,
    /// Looks for rows that break it, at this moment.
    pub check: fn(&Tx<'_>, Timestamp) -> Result<Finding>,
}

/// Whether an invariant holds. A later one is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Good,
    /// Not yet, but work that waits will make it hold.
    #[serde(rename = "owed")]
    UnderWay,
    Broken,
}

/// The ids of rows: the first of them, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowIds {
    listed: Vec<String>,
    total: u64,
}

impl RowIds {
    pub fn add(&mut self, id: impl Display) {
        if self.listed.len() < MAX_LISTED {
            self.listed.push(id.to_string());
        }
        self.total += 1;
    }

    /// Adds to the total alone.
    pub fn add_unlisted(&mut self, number: u64) {
        self.total += number;
    }

    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

/// What a check has found.
#[derive(Debug, Default)]
pub struct Finding {
    /// Sums and counts that show what was looked at.
    pub figures: BTreeMap<&'static str, i64>,
    pub broken: RowIds,
    pub under_way: RowIds,
}

impl Finding {
    /// All rows of a query break the invariant, as [`add_all`] adds them.
    pub fn of(tx: &Tx<'_>, sql: &str, params: &[Param<'_>]) -> Result<Self> {
        let mut finding = Self::default();
        add_all(&mut finding.broken, tx, sql, params)?;
        Ok(finding)
    }

    pub fn with(mut self, figure: &'static str, value: i64) -> Self {
        self.figures.insert(figure, value);
        self
    }

    /// Adds a figure that a query has as its only row and column.
    pub fn count(self, figure: &'static str, tx: &Tx<'_>, sql: &str) -> Result<Self> {
        let value: Option<i64> = tx.query_one(sql, &[], |row| row.get(0))?;
        Ok(self.with(figure, value.unwrap_or(0)))
    }

    pub fn verdict(&self) -> Verdict {
        match (self.broken.total, self.under_way.total) {
            (0, 0) => Verdict::Good,
            (0, _) => Verdict::UnderWay,
            _ => Verdict::Broken,
        }
    }
}

/// Adds the ids that are the first column, a text, of all rows of a query.
pub fn add_all(rows: &mut RowIds, tx: &Tx<'_>, sql: &str, params: &[Param<'_>]) -> Result<()> {
    tx.each(sql, params, |row| {
        rows.add(row.get::<String>(0)?);
        Ok(())
    })
}

/// Whether an invariant holds, as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The service whose rows it is about.
    pub service: String,
    pub name: String,
    /// What must hold.
    pub sentence: String,
    pub holds: Verdict,
    /// Sums and counts that show what was looked at.
    pub figures: BTreeMap<String, i64>,
    /// The ids of the rows at fault, up to twenty.
    pub rows: Vec<String>,
    /// How many rows are at fault.
    pub total: u64,
    /// What to do if it is broken.
    pub what_to_do: String,
}

impl Report {
    pub fn new(
        service: &str,
        name: &str,
        [sentence, what_to_do]: [&Sentence; 2],
        finding: Finding,
        language: Language,
    ) -> Self {
        let holds = finding.verdict();
        let rows = if holds == Verdict::Broken { finding.broken } else { finding.under_way };
        Self {
            service: service.to_owned(),
            name: name.to_owned(),
            sentence: language.pick(sentence).to_owned(),
            holds,
            figures: finding.figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            rows: rows.listed,
            total: rows.total,
            what_to_do: language.pick(what_to_do).to_owned(),
        }
    }
}

impl Invariant {
    /// Checks it, at this moment.
    pub fn report(&self, tx: &Tx<'_>, service: &str, now: Timestamp, language: Language) -> Result<Report> {
        let texts = [&self.sentence, &self.what_to_do];
        Ok(Report::new(service, self.name, texts, (self.check)(tx, now)?, language))
    }
}
