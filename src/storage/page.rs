//! Lists in keyset pages: the order of a list, and the cursor after which a page begins.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Serialize;

/// The order of a list. Rows that are equal in it are ordered by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Oldest first.
    Id,
    /// Newest first.
    IdDown,
    Price,
    PriceDown,
    /// By the bytes of the name.
    Name,
    /// Least in stock first; what tracks no stock comes last.
    Stock,
}

impl Sort {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::IdDown => "-id",
            Self::Price => "price",
            Self::PriceDown => "-price",
            Self::Name => "name",
            Self::Stock => "stock",
        }
    }
}

/// The position of a row in a list. The next page begins after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub key: SortKey,
    pub id: i64,
}

/// The value that a list is sorted by, before the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// By the id alone.
    None,
    Int(i64),
    Text(String),
}

impl Cursor {
    /// An opaque text. It names the order too, so that it is valid for that order alone. It stays valid after the row
    /// is deleted.
    pub fn encode(&self, sort: Sort) -> String {
        let (name, id) = (sort.name(), self.id);
        BASE64.encode(match &self.key {
            SortKey::None => format!("{name}:{id}"),
            SortKey::Int(key) => format!("{name}:{id}:{key}"),
            SortKey::Text(key) => format!("{name}:{id}:{key}"),
        })
    }

    /// The cursor that a text of [`Self::encode`] names; `None` for any other text, or one of another order.
    pub fn decode(text: &str, sort: Sort) -> Option<Self> {
        let plain = String::from_utf8(BASE64.decode(text).ok()?).ok()?;
        let rest = plain.strip_prefix(sort.name())?.strip_prefix(':')?;
        let (id, key) = rest.split_once(':').map_or((rest, None), |(id, key)| (id, Some(key)));
        let key = match (sort, key) {
            (Sort::Id | Sort::IdDown, None) => SortKey::None,
            (Sort::Price | Sort::PriceDown | Sort::Stock, Some(key)) => SortKey::Int(key.parse().ok()?),
            (Sort::Name, Some(key)) if !key.contains('\0') => SortKey::Text(key.to_owned()),
            _ => return None,
        };
        Some(Self { key, id: id.parse().ok()? })
    }
}

/// A row of a list.
pub trait Listed: Send + 'static {
    /// The row as it is answered.
    fn response(&self) -> impl Serialize;

    /// The row's position in the list.
    fn cursor(&self, sort: Sort) -> Cursor;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_order() {
        for (sort, key) in [
            (Sort::Id, SortKey::None),
            (Sort::IdDown, SortKey::None),
            (Sort::Price, SortKey::Int(5)),
            (Sort::PriceDown, SortKey::Int(5)),
            (Sort::Name, SortKey::Text("a:b é".to_owned())),
            (Sort::Stock, SortKey::Int(5)),
        ] {
            let cursor = Cursor { key, id: 42 };
            let text = cursor.encode(sort);
            for other in [Sort::Id, Sort::IdDown, Sort::Price, Sort::PriceDown, Sort::Name, Sort::Stock] {
                let read = Cursor::decode(&text, other);
                assert_eq!(read, (other == sort).then(|| cursor.clone()), "{sort:?} as {other:?}");
            }
        }
        for bad in ["", "42", "!", &BASE64.encode("id"), &BASE64.encode("id:x"), &BASE64.encode("id:1:2")] {
            assert_eq!(Cursor::decode(bad, Sort::Id), None, "{bad}");
        }
    }
}
