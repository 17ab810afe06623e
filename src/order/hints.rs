//! What the order service remembers of stock: which products are likely to track it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::ProductId;
use crate::product::api::Basket;
use crate::product::client::Line;

/// The most products that are remembered.
const MAX_PRODUCTS: usize = 10_000;

/// The stock of products, as the product service last answered it; `None` if it is not tracked. Shared by all workers.
///
/// It only decides how an order is placed: by reserving at once, or after a look at the products. Both lead to the same
/// order or refusal, however wrong a hint is; with a wrong one, an order that is refused may hold more than the quota of
/// its account for a moment.
#[derive(Default)]
pub struct StockHints(Mutex<HashMap<ProductId, Option<i64>>>);

impl StockHints {
    /// The units of tracked products in `basket`, if a reservation is likely to be needed and to succeed. `None`: the
    /// products must be looked at first. A look costs no write, so an order of a product that does not exist, or is sold
    /// out, is refused without one.
    pub fn units(&self, basket: &Basket) -> Option<i64> {
        let hints = self.lock();
        let mut units = 0;
        for (id, quantity) in &basket.0 {
            match hints.get(id)? {
                Some(left) if *left < quantity.get() => return None,
                Some(_) => units += quantity.get(),
                None => {}
            }
        }
        (units > 0).then_some(units)
    }

    /// Remembers the stock of a product.
    pub fn learn(&self, id: ProductId, stock: Option<i64>) {
        let mut hints = self.lock();
        if hints.len() >= MAX_PRODUCTS && !hints.contains_key(&id) {
            hints.clear();
        }
        hints.insert(id, stock);
    }

    /// Forgets products whose reservation failed.
    pub fn forget(&self, lines: &[Line]) {
        let mut hints = self.lock();
        for (id, _) in lines {
            hints.remove(id);
        }
    }

    /// Forgets all products.
    pub fn forget_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProductId, Option<i64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Quantity;

    fn basket(lines: &[(i64, i64)]) -> Basket {
        Basket(lines.iter().map(|&(id, units)| (ProductId::new(id), Quantity::try_from(units).unwrap())).collect())
    }

    #[test]
    fn a_basket_is_reserved_at_once_if_its_tracked_products_are_there() {
        let hints = StockHints::default();
        assert_eq!(hints.units(&basket(&[(1, 2)])), None, "nothing is known");
        hints.learn(ProductId::new(1), Some(3));
        hints.learn(ProductId::new(2), None);
        assert_eq!(hints.units(&basket(&[(2, 1)])), None, "not tracked");
        assert_eq!(hints.units(&basket(&[(1, 2), (2, 5)])), Some(2));
        assert_eq!(hints.units(&basket(&[(1, 2), (3, 1)])), None, "one is unknown, and may not exist");
        assert_eq!(hints.units(&basket(&[(1, 4), (2, 5)])), None, "too few are left");
        hints.learn(ProductId::new(1), Some(0));
        assert_eq!(hints.units(&basket(&[(1, 1)])), None, "sold out");
        hints.learn(ProductId::new(1), Some(1));
        hints.forget(&[(ProductId::new(1), Quantity::ONE)]);
        assert_eq!(hints.units(&basket(&[(1, 1)])), None, "forgotten");
    }

    #[test]
    fn no_more_products_are_remembered_than_allowed() {
        let hints = StockHints::default();
        for id in 1..=MAX_PRODUCTS as i64 + 1 {
            hints.learn(ProductId::new(id), Some(1));
        }
        assert_eq!(hints.lock().len(), 1);
    }
}
