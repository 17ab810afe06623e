//! The SQL of lists of orders.

use super::pending;
use super::row::{COLUMNS, order};
use crate::domain::{OrderStatus as Status, UserId};
use crate::error::Result;
use crate::order::api::Order;
use crate::storage::{Cursor, Param, Sort, Tx};

/// The filters of a list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Orders in one of these; all orders if empty.
    pub statuses: Vec<Status>,
    pub user_id: Option<UserId>,
}

impl Filter {
    /// Whether indexes hold exactly these orders, by their ids. Then a page costs no more than its rows.
    pub fn is_indexed(&self) -> bool {
        self.statuses.is_empty() || self.user_id.is_none()
    }

    /// The conditions that these orders meet, each order exactly one of them. Their placeholders begin with `$3`.
    ///
    /// For each, an index has its orders by their ids. One query for all of them would sort every match.
    fn conditions(&self, tx: &Tx<'_>) -> Result<Vec<(String, Vec<Param<'_>>)>> {
        if self.statuses.is_empty() {
            return Ok(vec![match self.user_id {
                Some(user_id) => ("user_id = $3".to_owned(), vec![user_id.into()]),
                None => ("true".to_owned(), Vec::new()),
            }]);
        }
        let mut conditions = Vec::new();
        for status in &self.statuses {
            let name = status.as_str().into();
            match (self.user_id, status) {
                (Some(user_id), _) => {
                    conditions.push(("user_id = $3 AND status = $4".to_owned(), vec![user_id.into(), name]));
                }
                (None, Status::Pending) => {
                    conditions.push((format!("{} IS NULL", pending::WAIT), Vec::new()));
                    let waits = pending::waits(tx)?.into_iter();
                    conditions.extend(waits.map(|wait| (format!("{} = $3", pending::WAIT), vec![wait.into()])));
                }
                // The partial index needs the second condition.
                (None, _) => conditions.push(("status = $3 AND status <> 'pending'".to_owned(), vec![name])),
            }
        }
        Ok(conditions)
    }
}

/// The statement that reads the orders that meet a condition, after the id `$1`, up to `$2` of them.
fn statement(condition: &str, sort: Sort) -> String {
    let (comparison, direction) = if sort == Sort::IdDown { ('<', "DESC") } else { ('>', "ASC") };
    format!("SELECT {COLUMNS} FROM orders WHERE id {comparison} $1 AND {condition} ORDER BY id {direction} LIMIT $2")
}

pub fn list(tx: &Tx<'_>, filter: &Filter, sort: Sort, after: Option<&Cursor>, limit: usize) -> Result<Vec<Order>> {
    let first = if sort == Sort::IdDown { i64::MAX } else { 0 };
    let after = after.map_or(first, |cursor| cursor.id);
    let mut all = Vec::new();
    for (condition, values) in filter.conditions(tx)? {
        let params = [vec![after.into(), (limit as i64).into()], values].concat();
        all.extend(tx.query(&statement(&condition, sort), &params, order)?);
    }
    all.sort_unstable_by_key(|order| if sort == Sort::IdDown { -order.id.get() } else { order.id.get() });
    all.truncate(limit);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Db;

    #[tokio::test]
    async fn every_list_is_read_by_an_index_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let db =
            Db::open(&format!("sqlite:{}", folder.path().join("pasar.db").display()).parse().unwrap(), false).unwrap();
        let add = |tx: &Tx<'_>| {
            tx.execute(
                "INSERT INTO orders (user_id, user_name, total_price, status, created_at, expires_at)
                 VALUES (1, 'Bambang', 5, 'pending', 0, 60), (1, 'Bambang', 5, 'pending', 0, 90)",
                &[],
            )
        };
        db.write(add).await.unwrap();
        let (pending, paid) = ("INDEX orders_pending (<expr>=? AND rowid", "INDEX orders_status (status=? AND rowid");
        let (mine, all) = ("INDEX orders_user (user_id=? AND rowid", "INTEGER PRIMARY KEY (rowid");
        for (statuses, user_id, expected) in [
            (vec![], None, vec![all]),
            (vec![], Some(1), vec![mine]),
            (vec![Status::Pending], None, vec![pending; 3]),
            (vec![Status::Paid], None, vec![paid]),
            (vec![Status::Pending, Status::Paid], None, vec![pending, pending, pending, paid]),
            (vec![Status::Pending, Status::Paid], Some(1), vec![mine, mine]),
        ] {
            for sort in [Sort::Id, Sort::IdDown] {
                let filter = Filter { statuses: statuses.clone(), user_id: user_id.map(UserId::new) };
                let plans = move |tx: &Tx<'_>| {
                    let mut plans = Vec::new();
                    for (condition, values) in filter.conditions(tx)? {
                        let sql = format!("EXPLAIN QUERY PLAN {}", statement(&condition, sort));
                        let params = [vec![5.into(), 10.into()], values].concat();
                        plans.push(tx.query(&sql, &params, |row| row.get::<String>(3))?.join("; "));
                    }
                    Ok(plans)
                };
                let plans = db.read(plans).await.unwrap();
                let comparison = if sort == Sort::IdDown { '<' } else { '>' };
                let plan = |search: &&str| format!("SEARCH orders USING {search}{comparison}?)");
                let expected: Vec<_> = expected.iter().map(plan).collect();
                assert_eq!(plans, expected, "{statuses:?} {user_id:?} {sort:?}");
            }
        }
        tokio::task::spawn_blocking(move || db.close()).await.unwrap();
    }
}
