//! The calls that payments owe to other services.

use std::sync::Arc;

use super::state::Settler;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::events::{Act, Intent};

/// The calls that a payment may owe; the target is its id.
pub struct Owed;

impl Owed {
    /// Charge it and tell its order, or give it back.
    pub const SETTLE: &str = "settle";
    /// Tell its order that it came to nothing.
    pub const TELL: &str = "tell";
}

/// Makes the calls that payments owe, when nobody waits for them.
pub fn act(settler: Settler) -> Act {
    Arc::new(move |intent| {
        let settler = settler.clone();
        Box::pin(async move { settler.call(&Context::own(), &intent).await })
    })
}

impl Settler {
    /// Makes one call that a payment owes.
    pub async fn call(&self, context: &Context, Intent { action, target, .. }: &Intent) -> Result<()> {
        let id = target.parse().map_err(Error::internal)?;
        match action.as_str() {
            Owed::SETTLE => self.settle(context, id).await,
            Owed::TELL => self.tell(context, id).await,
            _ => Err(Error::internal(anyhow::anyhow!("a payment owes no {action}"))),
        }
    }
}
