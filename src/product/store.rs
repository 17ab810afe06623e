//! The SQL of the product service: the catalogue.

pub mod invariants;
pub mod search;
pub mod stock;

use serde::Deserialize;

use super::api::{NewProduct, Product, ProductPatch};
use crate::domain::{Image, Name, Patch, ProductId, Rupiah, Stock, Text};
use crate::error::{Error, Result, STOCK_HELD};
use crate::events::{Event, Outbox};
use crate::storage::{Cursor, Param, Row, Sort, SortKey, Tx};
use search::{Search, search_text};

const DEMO: &str = include_str!("../../data/products.json");

/// The columns that are read of a product, in the order of [`read`].
const COLUMNS: &str = "id, name, price, stock, category, description, image";

fn read(row: &Row<'_>) -> Result<Product> {
    Ok(Product {
        id: row.get(0)?,
        name: row.get(1)?,
        price: row.get(2)?,
        stock: row.get(3)?,
        category: row.get(4)?,
        description: row.get(5)?,
        image: row.get(6)?,
    })
}

/// The columns that a patch changes, each with its new value. The stock is not among them: [`stock`] writes it, so that
/// the units that orders hold are counted.
fn assignments(patch: &ProductPatch) -> Vec<(&'static str, Param<'_>)> {
    let assignments = [
        patch.name.as_ref().map(|name| ("name", name.as_str().into())),
        patch.price.map(|price| ("price", price.into())),
        text("category", &patch.category, Name::as_str),
        text("description", &patch.description, Text::as_str),
        text("image", &patch.image, Image::as_str),
    ];
    assignments.into_iter().flatten().collect()
}

fn text<'a, T>(column: &'static str, patch: &'a Patch<T>, text: fn(&T) -> &str) -> Option<(&'static str, Param<'a>)> {
    match patch {
        Patch::Keep => None,
        Patch::Remove => Some((column, Param::Null)),
        Patch::Set(new) => Some((column, text(new).into())),
    }
}

pub fn find(tx: &Tx<'_>, id: ProductId) -> Result<Option<Product>> {
    tx.query_opt(&format!("SELECT {COLUMNS} FROM products WHERE id = $1"), &[id.into()], read)
}

/// The filters of a list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Words in the name or the description, in any case.
    pub search: Option<Name>,
    /// Exactly this name.
    pub name: Option<Name>,
    pub category: Option<Name>,
    pub min_price: Option<Rupiah>,
    pub max_price: Option<Rupiah>,
    pub in_stock: Option<bool>,
}

impl Filter {
    /// Whether an index holds exactly these products in this order. Then a page costs no more than its rows.
    pub fn is_indexed(&self, sort: Sort) -> bool {
        let by_price = matches!(sort, Sort::Price | Sort::PriceDown);
        let priced = self.min_price.is_some() || self.max_price.is_some();
        sort != Sort::Stock
            && self.search.is_none()
            && self.in_stock.is_none()
            && (by_price || !priced)
            && (self.name.is_none() || (self.category.is_none() && !by_price))
    }
}

pub fn list(tx: &Tx<'_>, filter: &Filter, sort: Sort, after: Option<&Cursor>, limit: usize) -> Result<Vec<Product>> {
    let search = filter.search.as_ref().map(|search| Search::new(search.as_str()));
    let (sql, params) = statement(tx, filter, search.as_ref(), sort, after, limit)?;
    tx.query(&sql, &params, read)
}

/// What [`Sort::Stock`] sorts by: untracked stock never ends. No index has it, as each reservation would have to change
/// that.
const STOCK_KEY: &str = "coalesce(stock, 9223372036854775807)";

/// The statement that reads a list, with its parameters.
fn statement<'a>(
    tx: &Tx<'_>,
    filter: &'a Filter,
    search: Option<&'a Search>,
    sort: Sort,
    after: Option<&'a Cursor>,
    limit: usize,
) -> Result<(String, Vec<Param<'a>>)> {
    let text = |name: &'a Option<Name>| name.as_ref().map(|name| Param::from(name.as_str()));
    let number = |price: Option<Rupiah>| price.map(Param::from);
    let (mut conditions, mut params) = (Vec::new(), Vec::new());
    for (condition, value) in [
        ("name = ?", text(&filter.name)),
        ("category = ?", text(&filter.category)),
        ("price >= ?", number(filter.min_price)),
        ("price <= ?", number(filter.max_price)),
    ] {
        if let Some(value) = value {
            params.push(value);
            conditions.push(condition.replace('?', &format!("${}", params.len())));
        }
    }
    if let Some(search) = search {
        search.narrow(tx, &mut conditions, &mut params)?;
    }
    conditions
        .extend(filter.in_stock.map(|yes| if yes { "(stock IS NULL OR stock > 0)" } else { "stock = 0" }.to_owned()));
    let (key, comparison, direction) = match sort {
        Sort::Id => (None, '>', "ASC"),
        Sort::IdDown => (None, '<', "DESC"),
        Sort::Price => (Some("price"), '>', "ASC"),
        Sort::PriceDown => (Some("price"), '<', "DESC"),
        Sort::Name => (Some("name"), '>', "ASC"),
        Sort::Stock => (Some(STOCK_KEY), '>', "ASC"),
    };
    if let Some(cursor) = after {
        params.push(cursor.id.into());
        let id = params.len();
        match (key, &cursor.key) {
            (Some(key), SortKey::Int(value)) => {
                params.push((*value).into());
                conditions.push(format!("({key}, id) {comparison} (${}, ${id})", params.len()));
            }
            (Some(key), SortKey::Text(value)) => {
                params.push(value.into());
                conditions.push(format!("({key}, id) {comparison} (${}, ${id})", params.len()));
            }
            _ => conditions.push(format!("id {comparison} ${id}")),
        }
    }
    let which = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    let order = key.map_or(String::new(), |key| format!("{key} {direction}, "));
    params.push((limit as i64).into());
    let limit = params.len();
    let sql = format!("SELECT {COLUMNS} FROM products {which} ORDER BY {order}id {direction} LIMIT ${limit}");
    Ok((sql, params))
}

/// Adds a product: a patch that sets every column.
pub fn insert(tx: &Tx<'_>, outbox: &Outbox, new: &NewProduct) -> Result<Product> {
    let search_text = search_text(new.name.as_str(), new.description.as_ref().map(Text::as_str));
    let stock = new.stock.map(Stock::get).into();
    let patch = new.clone().into();
    let mut assignments = assignments(&patch);
    assignments.extend([("search_text", (&search_text).into()), ("stock", stock), ("received", stock)]);
    let (columns, params): (Vec<_>, Vec<_>) = assignments.into_iter().unzip();
    let values: Vec<_> = (1..=params.len()).map(|number| format!("${number}")).collect();
    let (columns, values) = (columns.join(", "), values.join(", "));
    let sql = format!("INSERT INTO products ({columns}) VALUES ({values}) RETURNING {COLUMNS}");
    let added = tx.query_one(&sql, &params, read)?;
    outbox.emit(tx, &Event::ProductCreated { product_id: added.id, name: added.name.clone() })?;
    Ok(added)
}

/// Adds the products whose names do not exist yet. Returns how many.
pub fn insert_missing(tx: &Tx<'_>, outbox: &Outbox, products: &[NewProduct]) -> Result<usize> {
    let mut added = 0;
    for new in products {
        if oldest_of_name(tx, new.name.clone())?.is_none() {
            insert(tx, outbox, new)?;
            added += 1;
        }
    }
    Ok(added)
}

/// The oldest product of exactly this name.
pub fn oldest_of_name(tx: &Tx<'_>, name: Name) -> Result<Option<Product>> {
    let same_name = Filter { name: Some(name), ..Filter::default() };
    Ok(list(tx, &same_name, Sort::Id, None, 1)?.pop())
}

/// Edits a product; `None` if there is no such product. [`STOCK_HELD`] if its stock can't be untracked.
pub fn update(tx: &Tx<'_>, outbox: &Outbox, id: ProductId, patch: &ProductPatch) -> Result<Option<Product>> {
    let Some(before) = find(tx, id)? else { return Ok(None) };
    let name = patch.name.as_ref().map_or(before.name.as_str(), Name::as_str);
    let description = match &patch.description {
        Patch::Keep => before.description.as_deref(),
        Patch::Remove => None,
        Patch::Set(new) => Some(new.as_str()),
    };
    let search_text = search_text(name, description);
    let mut assignments = assignments(patch);
    assignments.push(("search_text", (&search_text).into()));
    let (columns, mut params): (Vec<_>, Vec<_>) = assignments.into_iter().unzip();
    let set: Vec<_> = columns.iter().zip(1..).map(|(column, number)| format!("{column} = ${number}")).collect();
    params.push(id.into());
    let sql = format!("UPDATE products SET {} WHERE id = ${} RETURNING {COLUMNS}", set.join(", "), params.len());
    let mut product = tx.query_one(&sql, &params, read)?;
    match patch.stock {
        Patch::Keep => {}
        Patch::Set(new) => product.stock = stock::set(tx, outbox, id, new.get())?.and_then(|level| level.stock),
        Patch::Remove if product.stock.is_some() => {
            stock::untrack(tx, outbox, id)?;
            product.stock = None;
        }
        Patch::Remove => {}
    }
    Ok(Some(product))
}

/// Removes a product; false if there is none. [`STOCK_HELD`] while orders hold units of it.
pub fn delete(tx: &Tx<'_>, id: ProductId) -> Result<bool> {
    if tx.execute("DELETE FROM products WHERE id = $1 AND reserved = 0", &[id.into()])? == 1 {
        return Ok(true);
    }
    match find(tx, id)? {
        Some(_) => Err(Error::new(&STOCK_HELD)),
        None => Ok(false),
    }
}

/// Adds the demo products, once in the life of a database, and only to an empty table.
pub fn seed(tx: &Tx<'_>) -> Result<()> {
    #[derive(Deserialize)]
    struct Demo {
        name: String,
        price: Rupiah,
    }
    let empty = tx.query_opt("SELECT 1 FROM products LIMIT 1", &[], |_| Ok(()))?.is_none();
    if empty && tx.mark_done("demo products")? {
        for demo in serde_json::from_str::<Vec<Demo>>(DEMO).map_err(Error::internal)? {
            tx.execute(
                "INSERT INTO products (name, price, search_text) VALUES ($1, $2, $3)",
                &[(&demo.name).into(), demo.price.into(), (&search_text(&demo.name, None)).into()],
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Field;
    use crate::storage::Db;

    #[tokio::test]
    async fn what_counts_as_indexed_is_read_by_an_index_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let db =
            Db::open(&format!("sqlite:{}", folder.path().join("pasar.db").display()).parse().unwrap(), false).unwrap();
        let name = || Name::read("Tas".into()).unwrap_or_else(|_| panic!("not a name"));
        let price = || Rupiah::read(5.into()).unwrap_or_else(|_| panic!("not a price"));
        let mut indexed = 0;
        for (sort, key) in [
            (Sort::Id, SortKey::None),
            (Sort::IdDown, SortKey::None),
            (Sort::Price, SortKey::Int(5)),
            (Sort::PriceDown, SortKey::Int(5)),
            (Sort::Name, SortKey::Text("Tas".to_owned())),
        ] {
            for which in 0..16 {
                let [named, of_category, from, to] = [1, 2, 4, 8].map(|bit| which & bit != 0);
                let filter = Filter {
                    name: named.then(name),
                    category: of_category.then(name),
                    min_price: from.then(price),
                    max_price: to.then(price),
                    ..Filter::default()
                };
                if !filter.is_indexed(sort) {
                    continue;
                }
                indexed += 1;
                for after in [None, Some(Cursor { key: key.clone(), id: 1 })] {
                    let filter = filter.clone();
                    let plan = db.read(move |tx| {
                        let (sql, params) = statement(tx, &filter, None, sort, after.as_ref(), 10)?;
                        tx.query(&format!("EXPLAIN QUERY PLAN {sql}"), &params, |row| row.get::<String>(3))
                    });
                    let plan = plan.await.unwrap().join("; ");
                    let used = [
                        (named, "name=?"),
                        (of_category, "category=?"),
                        (from, "price>"),
                        (to && sort == Sort::PriceDown, "price<"),
                    ];
                    assert!(!plan.contains("TEMP"), "{sort:?}, filter {which:#06b}: {plan}");
                    for (filtered, condition) in used {
                        assert!(!filtered || plan.contains(condition), "{sort:?}, filter {which:#06b}: {plan}");
                    }
                }
            }
        }
        assert_eq!(indexed, 25);
        tokio::task::spawn_blocking(move || db.close()).await.unwrap();
    }
}
