//! Which products have a text in their name or description, in any case.
//!
//! `search_text` decides: it has both as they are compared. An index of all that is three characters long narrows
//! down what has to be read. Only this file and the migration know that index, which is SQLite's FTS5.

use crate::domain::ProductId;
use crate::error::Result;
use crate::storage::{Param, Tx};

/// Up to so many products, reading each that the index names is faster than going through the list until a page is
/// full.
const FEW: i64 = 2000;
/// Terms of one query of the index. More would narrow it down hardly further, and each costs.
const MOST_TERMS: usize = 16;
/// Characters of a term.
const TERM: usize = 3;

/// A text that is searched for.
pub struct Search {
    /// In the form of `search_text`.
    text: String,
    index: Index,
}

/// What the index is asked.
enum Index {
    /// For products with all of several terms.
    Terms(String),
    /// For products with a term between these two.
    Beginning(String, String),
}

impl Search {
    pub fn new(text: &str) -> Self {
        let text = lower(text);
        let characters: Vec<char> = text.chars().collect();
        let index = if characters.len() < TERM {
            Index::Beginning(text.clone(), format!("{text}{}", char::MAX))
        } else {
            let terms: Vec<_> = characters.windows(TERM).map(String::from_iter).collect();
            let every = terms.len().div_ceil(MOST_TERMS);
            let quoted = |term: &String| format!("\"{}\"", term.replace('"', "\"\""));
            Index::Terms(terms.iter().step_by(every).map(quoted).collect::<Vec<_>>().join(" AND "))
        };
        Self { text, index }
    }

    /// Adds to a query what makes it find the products with the text. Which way is the faster one depends on how many
    /// the index names.
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
        few.push(FEW.into());
        let more = format!("{} LIMIT 1 OFFSET ${}", numbered(1), few.len());
        if tx.query_opt(&more, &few, |_| Ok(()))?.is_none() {
            conditions.push(format!("id IN ({})", numbered(params.len() + 1)));
            params.extend(terms.iter().map(|&term| Param::from(term)));
        }
        Ok(())
    }
}

/// The name and the description as they are searched.
pub fn search_text(name: &str, description: Option<&str>) -> String {
    lower(&[name, description.unwrap_or_default()].join("\n"))
}

/// Text as it is compared whatever its case: by way of the capitals, letter by letter, since some have two
/// small forms (the sigma at the end of a word).
fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// Fills in the text of up to `limit` products that an earlier version stored, and tells how many.
pub fn fill_in(tx: &Tx<'_>, limit: i64) -> Result<usize> {
    let sql = "SELECT id, name FROM products WHERE search_text = '' LIMIT $1";
    let bare = tx.query(sql, &[limit.into()], |row| Ok((row.get::<ProductId>(0)?, row.get::<String>(1)?)))?;
    for (id, name) in &bare {
        let text = search_text(name, None);
        tx.execute("UPDATE products SET search_text = $2 WHERE id = $1", &[(*id).into(), (&text).into()])?;
    }
    Ok(bare.len())
}

const INDEXED: &str = "products indexed for search";

/// Adds up to `limit` of the products after the one with the id `after`, which an earlier version stored, to the
/// index. The last id that it added, if there may be more.
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
        tx.first_time(INDEXED)?;
    }
    Ok(missing.last().copied())
}
