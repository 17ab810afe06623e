//! The subscribers of the order service.

use super::store::figures;
use crate::auth::revocations;
use crate::error::Result;
use crate::events::{Event, EventKind, Subscriber};
use crate::service::ServiceName;
use crate::storage::Tx;

pub const SUBSCRIBERS: &[Subscriber] = &[
    // Seed 004 has the order service log new users.
    Subscriber {
        name: "order.log",
        kinds: &[EventKind::UserCreated],
        effect: log_new_users,
        is_needed_to_serve: false,
    },
    Subscriber {
        name: "order.figures",
        kinds: &[EventKind::OrderStatusChanged],
        effect: figures::record,
        is_needed_to_serve: false,
    },
    revocations::subscriber("order.tokens"),
];

fn log_new_users(_: &Tx<'_>, events: &[Event]) -> Result<()> {
    for event in events {
        if let Event::UserCreated { user_id, name } = event {
            let kind = event.kind().name();
            log::info!(target: "pasar::events", "service={} event={kind} user={user_id} name={name:?}", ServiceName::Order.name());
        }
    }
    Ok(())
}
