//! Finds products by a text in their name or description, in any case.
//!
//! The column `search_text` has both in the form in which they are compared. An index of all sequences of three
//! characters finds the products to read. It is SQLite's FTS5; only this file and the migration use it.

use crate::domain::ProductId;
use crate::error::Result;
use crate::storage::{Param, Tx};

/// The most products that are read by the ids of the index. If the index names more, walking the list until a page is
/// full is faster.
const MAX_IDS: i64 = 2000;
/// The most terms of one query of the index. More would exclude few products, and each costs time.
const MAX_TERMS: usize = 16;
/// The characters of a term.
const TERM_CHARS: usize = 3;

/// A search for a text.
pub struct Search {
    /// In the form of `search_text`.
    text: String,
    index: Index,
}

/// A query of the index.
enum Index {
    /// Products with all of these terms.
    Terms(String),
    /// Products with a term between these two.
    Beginning(String, String),
}

impl Search {
    pub fn new(text: &str) -> Self {
        let text = fold_case(text);
        let characters: Vec<char> = text.chars().collect();
        let index = if characters.len() < TERM_CHARS {
            Index::Beginning(text.clone(), format!("{text}{}", char::MAX))
        } else {
            let terms: Vec<_> = characters.windows(TERM_CHARS).map(String::from_iter).collect();
            let every = terms.len().div_ceil(MAX_TERMS);
            let quoted = |term: &String| format!("\"{}\"", term.replace('"', "\"\""));
            Index::Terms(terms.iter().step_by(every).map(quoted).collect::<Vec<_>>().join(" AND "))
        };
        Self { text, index }
    }

    /// Adds the conditions and parameters of the search to a query. The number of products that the index names decides
    /// which way is faster.
    pub fn narrow<'a>(&'a self, tx: &Tx<'_>, conditions: &mut Vec<String>, params: &mut Vec<Param<'a>>) -> Result<()> {
        // PostgreSQL: search_text LIKE …, and its planner decides.
        params.push((&self.text).into());
        conditions.push(format!("instr(search_text, ${}) > 0", params.len()));
        let (ids, terms): (&str, &[&String]) = match &self.index {
            Index::Terms(query) => ("SELECT rowid FROM products_search WHERE products_search MATCH ?1", &[query]),
            Index::Beginning(from, to) => {
                ("SELECT doc FROM products_search_terms WHERE term >= ?1 AND term <= ?2", &[from, to])
            }
        };
        let numbered = |first: usize| ids.replace("?1", &format!("${first}")).replace("?2", &format!("${}", first + 1));
        let mut few: Vec<_> = terms.iter().map(|&term| Param::from(term)).collect();
        few.push(MAX_IDS.into());
        let more = format!("{} LIMIT 1 OFFSET ${}", numbered(1), few.len());
        if tx.query_opt(&more, &few, |_| Ok(()))?.is_none() {
            conditions.push(format!("id IN ({})", numbered(params.len() + 1)));
            params.extend(terms.iter().map(|&term| Param::from(term)));
        }
        Ok(())
    }
}

/// The name and the description in the form in which they are searched.
pub fn search_text(name: &str, description: Option<&str>) -> String {
    fold_case(&[name, description.unwrap_or_default()].join("\n"))
}

/// Text in the form in which it is compared, whatever its case. Each letter is converted to a capital first, because
/// some have two small forms (the sigma at the end of a word).
fn fold_case(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// Sets the search text of up to `limit` products of an earlier version. Returns how many.
pub fn fill_search_text(tx: &Tx<'_>, limit: i64) -> Result<usize> {
    let sql = "SELECT id, name FROM products WHERE search_text = '' LIMIT $1";
    let bare = tx.query(sql, &[limit.into()], |row| Ok((row.get::<ProductId>(0)?, row.get::<String>(1)?)))?;
    for (id, name) in &bare {
        let text = search_text(name, None);
        tx.execute("UPDATE products SET search_text = $2 WHERE id = $1", &[(*id).into(), (&text).into()])?;
    }
    Ok(bare.len())
}

const INDEXED: &str = "products indexed for search";

/// Adds up to `limit` products of an earlier version to the index, in the order of their ids, beginning after `after`.
/// Returns the last id that it added; `None` if the index is complete.
pub fn index(tx: &Tx<'_>, after: Option<ProductId>, limit: i64) -> Result<Option<ProductId>> {
    if tx.is_done(INDEXED)? {
        return Ok(None);
    }
    let missing = tx.query(
        "SELECT id FROM products WHERE id > $1 AND NOT EXISTS (SELECT 1 FROM products_search WHERE rowid = products.id)
         ORDER BY id LIMIT $2",
        &[after.map_or(0, ProductId::get).into(), limit.into()],
        |row| row.get::<ProductId>(0),
    )?;
    for id in &missing {
        tx.execute(
            "INSERT INTO products_search (rowid, search_text)
             SELECT id, search_text || char(10, 10) FROM products WHERE id = $1",
            &[(*id).into()],
        )?;
    }
    if missing.is_empty() {
        tx.mark_done(INDEXED)?;
    }
    Ok(missing.last().copied())
}
