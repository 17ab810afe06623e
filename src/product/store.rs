//! The SQL of the product service: the catalogue.

pub mod search;
pub mod stock;

use serde::Deserialize;

use super::api::{NewProduct, Product, ProductPatch};
use crate::error::{Error, Result, STOCK_HELD};
use crate::events::{Event, Outbox};
use crate::storage::{Param, Row, Tx};
use crate::web::{Name, Patch, Place, Rupiah, Sort, SortKey, Stock, Text};
use search::{Search, search_text};

const DEMO: &str = include_str!("../../data/products.json");

const COLUMNS: &str = "id, name, price, stock, category, description, image";

fn product(row: &Row<'_>) -> Result<Product> {
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

pub fn find(tx: &Tx<'_>, id: i64) -> Result<Option<Product>> {
    tx.query_opt(&format!("SELECT {COLUMNS} FROM products WHERE id = $1"), &[id.into()], product)
}

/// What a list is narrowed down to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In the name or the description, in any case.
    pub search: Option<Name>,
    /// Exactly this name.
    pub name: Option<Name>,
    pub category: Option<Name>,
    pub min_price: Option<Rupiah>,
    pub max_price: Option<Rupiah>,
    pub in_stock: Option<bool>,
}

impl Filter {
    /// Whether an index has just these products in this order: then a page costs no more than its rows.
    pub fn is_indexed(&self, sort: Sort) -> bool {
        let by_price = matches!(sort, Sort::Price | Sort::PriceDown);
        let priced = self.min_price.is_some() || self.max_price.is_some();
        self.search.is_none()
            && self.in_stock.is_none()
            && (by_price || !priced)
            && (self.name.is_none() || (self.category.is_none() && !by_price))
    }
}

pub fn list(tx: &Tx<'_>, filter: &Filter, sort: Sort, after: Option<&Place>, limit: usize) -> Result<Vec<Product>> {
    let search = filter.search.as_ref().map(|search| Search::new(search.as_str()));
    let (sql, params) = statement(tx, filter, search.as_ref(), sort, after, limit)?;
    tx.query(&sql, &params, product)
}

/// The statement that reads a list, with its parameters.
fn statement<'a>(
    tx: &Tx<'_>,
    filter: &'a Filter,
    search: Option<&'a Search>,
    sort: Sort,
    after: Option<&'a Place>,
    limit: usize,
) -> Result<(String, Vec<Param<'a>>)> {
    let text = |name: &'a Option<Name>| name.as_ref().map(|name| Param::from(name.as_str()));
    let number = |price: Option<Rupiah>| price.map(|price| Param::from(price.get()));
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
    };
    if let Some(place) = after {
        params.push(place.id.into());
        let id = params.len();
        match (key, &place.key) {
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

pub fn insert(tx: &Tx<'_>, outbox: &Outbox, new: &NewProduct) -> Result<Product> {
    let stock = new.stock.map(Stock::get);
    let description = new.description.as_ref().map(Text::as_str);
    let added = tx.query_one(
        &format!(
            "INSERT INTO products (name, price, stock, received, category, description, image, search_text)
             VALUES ($1, $2, $3, $3, $4, $5, $6, $7) RETURNING {COLUMNS}"
        ),
        &[
            new.name.as_str().into(),
            new.price.get().into(),
            stock.into(),
            new.category.as_ref().map(Name::as_str).into(),
            description.into(),
            new.image.as_ref().map(|image| image.as_str()).into(),
            (&search_text(new.name.as_str(), description)).into(),
        ],
        product,
    )?;
    outbox.emit(tx, &Event::ProductCreated { product_id: added.id, name: added.name.clone() })?;
    Ok(added)
}

/// Changes what `patch` names; `None` if there is no such product.
pub fn update(tx: &Tx<'_>, outbox: &Outbox, id: i64, patch: &ProductPatch) -> Result<Option<Product>> {
    let Some(mut product) = find(tx, id)? else { return Ok(None) };
    if let Some(name) = &patch.name {
        product.name = name.as_str().to_owned();
    }
    if let Some(price) = patch.price {
        product.price = price.get();
    }
    apply(&patch.category, &mut product.category, Name::as_str);
    apply(&patch.description, &mut product.description, Text::as_str);
    apply(&patch.image, &mut product.image, |image| image.as_str());
    tx.execute(
        "UPDATE products SET name = $2, price = $3, category = $4, description = $5, image = $6, search_text = $7
         WHERE id = $1",
        &[
            id.into(),
            (&product.name).into(),
            product.price.into(),
            product.category.as_ref().into(),
            product.description.as_ref().into(),
            product.image.as_ref().into(),
            (&search_text(&product.name, product.description.as_deref())).into(),
        ],
    )?;
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

fn apply<T>(patch: &Patch<T>, value: &mut Option<String>, text: fn(&T) -> &str) {
    match patch {
        Patch::Keep => {}
        Patch::Remove => *value = None,
        Patch::Set(new) => *value = Some(text(new).to_owned()),
    }
}

/// Removes a product; false if there is none, [`STOCK_HELD`] while orders hold some of it.
pub fn delete(tx: &Tx<'_>, id: i64) -> Result<bool> {
    if tx.execute("DELETE FROM products WHERE id = $1 AND reserved = 0", &[id.into()])? == 1 {
        return Ok(true);
    }
    match find(tx, id)? {
        Some(_) => Err(Error::new(&STOCK_HELD)),
        None => Ok(false),
    }
}

/// Adds the demo products, once ever, to an empty table only.
pub fn seed(tx: &Tx<'_>) -> Result<()> {
    #[derive(Deserialize)]
    struct Demo {
        name: String,
        price: i64,
    }
    let empty = tx.query_opt("SELECT 1 FROM products LIMIT 1", &[], |_| Ok(()))?.is_none();
    if empty && tx.first_time("demo products")? {
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
    use crate::storage::Db;
    use crate::web::Field;

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
                for after in [None, Some(Place { key: key.clone(), id: 1 })] {
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
        assert_eq!(indexed, 22);
        tokio::task::spawn_blocking(move || db.close()).await.unwrap();
    }
}
