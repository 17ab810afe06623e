//! [`Tx`]: what a service's store sees of the database.

use std::cell::RefCell;
use std::str::FromStr;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql};

use crate::calls::Wrote;
use crate::context::Trace;
use crate::domain::{OrderId, PaymentId, ProductId, Quantity, Rupiah, Timestamp, UnknownName, UserId};
use crate::error::{Error, Result};

/// One read snapshot, or one write of a write transaction.
///
/// The SQL is the subset that SQLite and PostgreSQL share, with `$1`, `$2`… as placeholders.
pub struct Tx<'a> {
    connection: &'a Connection,
    /// What has been written, and the trace of the request, while that is recorded.
    recording: RefCell<Option<Recording>>,
}

struct Recording {
    trace: Trace,
    wrote: Vec<Wrote>,
}

/// A value for a placeholder: BIGINT, TEXT or NULL.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    Null,
    Int(i64),
    Text(&'a str),
}

impl From<i64> for Param<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

/// Declares how the types of BIGINT columns are written and read: with `$get` and `$new`.
macro_rules! columns {
    ($($type:ident: $get:ident, $new:expr;)*) => {$(
        impl From<$type> for Param<'_> {
            fn from(value: $type) -> Self {
                Self::Int(value.$get())
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                $new(value.as_i64()?)
            }
        }
    )*};
}

columns! {
    UserId: get, |id| Ok(UserId::new(id));
    ProductId: get, |id| Ok(ProductId::new(id));
    OrderId: get, |id| Ok(OrderId::new(id));
    PaymentId: get, |id| Ok(PaymentId::new(id));
    Timestamp: as_millis, |millis| Ok(Timestamp::from_millis(millis));
    Rupiah: get, |amount| Rupiah::try_from(amount).map_err(|_| FromSqlError::OutOfRange(amount));
    Quantity: get, |units| Quantity::try_from(units).map_err(|_| FromSqlError::OutOfRange(units));
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}

/// One row of an answer; columns are read by position.
pub struct Row<'a> {
    row: &'a rusqlite::Row<'a>,
}

impl Row<'_> {
    /// The value of a column (from 0): an `i64`, a type that wraps one, a `String`, or an `Option` of these.
    pub fn get<T: FromSql>(&self, column: usize) -> Result<T> {
        Ok(self.row.get(column)?)
    }

    /// The value of a text column that holds a name, such as a status; an internal error if the type does not know it.
    pub fn parse<T: FromStr<Err = UnknownName>>(&self, column: usize) -> Result<T> {
        let text = self.row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
        text.parse().map_err(Error::internal)
    }
}

/// SQLite takes `$1` for a parameter *named* so, numbered by first appearance: bound by name, the
/// placeholders have the meaning that they have in PostgreSQL, in any order.
const PLACEHOLDERS: [&str; 16] =
    ["$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$16"];

impl<'a> Tx<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection, recording: RefCell::default() }
    }

    /// Runs `work`, a write of the request with this trace. Returns what it wrote, too.
    pub(super) fn recorded<T>(&self, trace: Trace, work: impl FnOnce(&Self) -> Result<T>) -> Result<(T, Vec<Wrote>)> {
        self.recording.replace(Some(Recording { trace, wrote: Vec::new() }));
        let outcome = work(self);
        let wrote = self.recording.take().map(|recording| recording.wrote);
        outcome.map(|value| (value, wrote.unwrap_or_default()))
    }

    /// The trace of the request that writes, if its calls are recorded.
    pub fn trace(&self) -> Option<Trace> {
        self.recording.borrow().as_ref().map(|recording| recording.trace)
    }

    fn record(&self, sql: &str, rows: u64) {
        let mut recording = self.recording.borrow_mut();
        let Some(Recording { wrote, .. }) = recording.as_mut() else { return };
        let Some(table) = written_table(sql).filter(|_| rows > 0) else { return };
        match wrote.iter_mut().find(|one| *one.table == *table) {
            Some(one) => one.rows += rows,
            None => wrote.push(Wrote { table: table.into(), rows }),
        }
    }

    /// All rows.
    pub fn query<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.query_while(sql, params, |row| read(row).map(Some))
    }

    /// The rows before the first of which `read` makes nothing. No further row is looked for.
    pub fn query_while<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<Option<T>>,
    ) -> Result<Vec<T>> {
        let mut statement = self.prepare(sql, params)?;
        let mut rows = statement.raw_query();
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let Some(value) = read(&Row { row })? else { break };
            all.push(value);
        }
        self.record(sql, all.len() as u64);
        Ok(all)
    }

    /// Calls `look` with each row. None is kept.
    pub fn each(&self, sql: &str, params: &[Param<'_>], look: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        // A list of nothings takes no memory.
        self.query(sql, params, look).map(drop)
    }

    /// The first row, if there is one.
    pub fn query_opt<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.prepare(sql, params)?;
        let mut rows = statement.raw_query();
        let first = rows.next()?.map(|row| read(&Row { row })).transpose()?;
        // Reads to the end: only then does SQLite count the changes of a statement with `RETURNING`.
        if first.is_some() {
            let mut number = 1;
            while rows.next()?.is_some() {
                number += 1;
            }
            self.record(sql, number);
        }
        Ok(first)
    }

    /// The first row of a statement that always has one, as `INSERT … RETURNING` does.
    pub fn query_one<T>(&self, sql: &str, params: &[Param<'_>], read: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        match self.query_opt(sql, params, read)? {
            Some(value) => Ok(value),
            None => Err(rusqlite::Error::QueryReturnedNoRows.into()),
        }
    }

    /// Runs a statement. Returns the number of rows that it changed.
    pub fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        let rows = self.prepare(sql, params)?.raw_execute()? as u64;
        self.record(sql, rows);
        Ok(rows)
    }

    /// Marks `name` as done in this database; false if it was done already. A rollback undoes it.
    pub fn mark_done(&self, name: &str) -> Result<bool> {
        Ok(self.execute("INSERT INTO done (name) VALUES ($1) ON CONFLICT DO NOTHING", &[name.into()])? == 1)
    }

    /// Whether [`Self::mark_done`] was called with this name.
    pub fn is_done(&self, name: &str) -> Result<bool> {
        Ok(self.query_opt("SELECT 1 FROM done WHERE name = $1", &[name.into()], |_| Ok(()))?.is_some())
    }

    /// The highest id that a table with ids that are never given twice has ever given; 0 before the first.
    pub fn last_id(&self, table: &str) -> Result<i64> {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = $1";
        Ok(self.query_opt(sql, &[table.into()], |row| row.get(0))?.unwrap_or(0))
    }

    fn prepare(&self, sql: &str, params: &[Param<'_>]) -> Result<CachedStatement<'a>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        for (name, value) in PLACEHOLDERS.iter().zip(params) {
            let index = statement
                .parameter_index(name)?
                .ok_or_else(|| rusqlite::Error::InvalidParameterName((*name).to_owned()))?;
            statement.raw_bind_parameter(index, value)?;
        }
        debug_assert_eq!(params.len(), statement.parameter_count(), "placeholders of: {sql}");
        Ok(statement)
    }
}

/// The table that a statement writes to; `None` if it only reads.
fn written_table(sql: &str) -> Option<&str> {
    let mut words = sql.split_ascii_whitespace();
    match words.next()? {
        "INSERT" | "DELETE" => words.nth(1),
        "UPDATE" => words.next(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_a_statement_is_found() {
        for (sql, table) in [
            ("INSERT INTO orders (id) VALUES ($1)", Some("orders")),
            ("UPDATE products SET stock = 1", Some("products")),
            ("\n  DELETE FROM outbox WHERE id = $1", Some("outbox")),
            ("SELECT 1 FROM orders", None),
            ("", None),
        ] {
            assert_eq!(written_table(sql), table, "{sql}");
        }
    }
}
