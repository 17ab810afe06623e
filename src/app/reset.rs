//! The reset of a shop that runs.

use std::sync::Arc;

use crate::error::Result;
use crate::service::Forget;
use crate::storage::{Db, Tx};
use crate::web::Reset;
use crate::{order, product, user};

/// The reset of a database by this process, whose services `forget` what they keep of it.
pub fn of(db: &Db, demo: bool, forget: Vec<Forget>) -> Reset {
    db.may_be_reset();
    let (db, forget) = (db.clone(), Arc::new(forget));
    Arc::new(move || {
        let (db, forget) = (db.clone(), Arc::clone(&forget));
        Box::pin(async move {
            db.reset(move |tx| refill(tx, demo)).await?;
            forget.iter().for_each(|forget| forget());
            log::warn!("all rows were removed, as somebody asked for");
            Ok(())
        })
    })
}

/// Adds the rows of a new database, for the services of other processes too: they do not start anew.
fn refill(tx: &Tx<'_>, demo: bool) -> Result<()> {
    user::refill(tx, demo)?;
    product::refill(tx, demo)?;
    order::refill(tx)
}
