//! States that must not exist in the database: each is a name and a query that counts its rows.

/// What must not exist at any moment, even right after a kill.
pub const ALWAYS_FORBIDDEN: &[(&str, &str)] = &[
    (
        "orders with the wrong state of their reservation and no job to correct it",
        "SELECT count(*) FROM orders o LEFT JOIN reservations r ON r.key = o.reservation
         LEFT JOIN intents i ON i.target = o.reservation AND i.parked = 0
         WHERE o.reservation IS NOT NULL AND CASE
             WHEN o.status IN ('pending', 'paid') THEN r.state IS NOT 'held'
             WHEN o.status IN ('confirmed', 'shipped', 'completed')
                 THEN r.state IS NOT 'committed' AND (r.state IS NOT 'held' OR i.action IS NOT 'commit')
             ELSE r.state IS NOT 'released' AND (r.state IS NOT 'held' OR i.action IS NOT 'release')
         END",
    ),
    (
        "held reservations without an order and without a job to release them",
        "SELECT count(*) FROM reservations WHERE state = 'held'
         AND key NOT IN (SELECT reservation FROM orders WHERE reservation IS NOT NULL)
         AND key NOT IN (SELECT target FROM intents WHERE action = 'release' AND parked = 0)",
    ),
    (
        "products whose stock differs from the reservations",
        "WITH units AS (SELECT i.product_id AS id, r.state, sum(i.quantity) AS number
                        FROM reservation_items i JOIN reservations r ON r.key = i.key
                        WHERE i.stock IS NOT NULL GROUP BY 1, 2)
         SELECT count(*) FROM products p
         LEFT JOIN units held ON held.id = p.id AND held.state = 'held'
         LEFT JOIN units committed ON committed.id = p.id AND committed.state = 'committed'
         WHERE p.stock IS NOT NULL AND (p.received <> p.stock + p.reserved + p.sold
             OR p.reserved <> coalesce(held.number, 0) OR p.sold <> coalesce(committed.number, 0))",
    ),
    (
        "parked events or calls",
        "SELECT (SELECT count(*) FROM outbox WHERE parked) + (SELECT count(*) FROM intents WHERE parked)",
    ),
];

/// Work in progress, which ends without outside help.
pub const IN_PROGRESS: &[(&str, &str)] = &[
    ("intents", "SELECT count(*) FROM intents"),
    ("outbox", "SELECT count(*) FROM outbox"),
    ("orders", "SELECT count(*) FROM orders WHERE status = 'pending'"),
    ("payments", "SELECT count(*) FROM payments WHERE status IN ('pending', 'confirming', 'refunding')"),
];

/// What must not exist once no work is in progress.
pub const FORBIDDEN_WHEN_IDLE: &[(&str, &str)] = &[
    (
        "products whose stock differs from the orders",
        "WITH units AS (SELECT i.value ->> 'id' AS id, o.status = 'paid' AS held, sum(i.value ->> 'quantity') AS number
                        FROM orders o, json_each(o.items) i
                        WHERE i.value ->> 'stock' IS NOT NULL AND o.status IN ('paid', 'confirmed', 'shipped', 'completed') GROUP BY 1, 2)
         SELECT count(*) FROM products p
         LEFT JOIN units held ON held.id = p.id AND held.held
         LEFT JOIN units sold ON sold.id = p.id AND NOT sold.held
         WHERE p.stock IS NOT NULL
             AND (p.reserved <> coalesce(held.number, 0) OR p.sold <> coalesce(sold.number, 0))",
    ),
    (
        "payments and orders that contradict each other",
        "SELECT count(*) FROM payments p LEFT JOIN orders o ON o.id = p.order_id
         WHERE NOT coalesce(CASE p.status
             WHEN 'paid' THEN o.paid_by = p.id AND o.status IN ('paid', 'confirmed', 'shipped', 'completed')
             WHEN 'refunded' THEN o.paid_by IS NOT p.id OR o.status = 'cancelled'
             WHEN 'expired' THEN o.paid_by IS NOT p.id
             WHEN 'failed' THEN o.paid_by IS NOT p.id
             ELSE 0 END, 0)",
    ),
    (
        "orders set to paid or failed manually whose payment was not settled",
        "SELECT count(*) FROM orders o JOIN payments p ON p.order_id = o.id
         WHERE (o.paid_by = 0 AND o.status <> 'cancelled') OR (o.status = 'failed' AND p.status = 'expired')",
    ),
    (
        "orders with more than one paid payment",
        "SELECT count(*) FROM (SELECT 1 FROM payments WHERE status = 'paid' GROUP BY order_id HAVING count(*) > 1)",
    ),
    (
        "orders paid by a payment that is not there",
        "SELECT count(*) FROM orders WHERE paid_by > 0
         AND id NOT IN (SELECT order_id FROM payments p WHERE p.id = paid_by)",
    ),
    (
        "orders that differ from their history",
        "SELECT count(*) FROM orders o
         LEFT JOIN order_history now ON now.order_id = o.id AND now.status = o.status
         LEFT JOIN order_history paid ON paid.order_id = o.id AND paid.status = 'paid'
         WHERE now.at IS NULL OR (paid.at IS NULL) <> (o.paid_by IS NULL)",
    ),
    (
        "statuses without exactly one notification",
        "WITH reached AS (SELECT user_id, id AS order_id, 'pending' AS status FROM orders
                          UNION ALL SELECT o.user_id, o.id, h.status FROM order_history h JOIN orders o ON o.id = h.order_id),
             notified AS (SELECT user_id, order_id, status FROM notifications)
         SELECT (SELECT count(*) FROM (SELECT * FROM reached EXCEPT SELECT * FROM notified))
              + (SELECT count(*) FROM (SELECT * FROM notified EXCEPT SELECT * FROM reached))
              + abs((SELECT count(*) FROM reached) - (SELECT count(*) FROM notified))",
    ),
    (
        "notifications in the wrong order",
        "SELECT count(*) FROM notifications later JOIN notifications earlier
         ON earlier.order_id = later.order_id AND earlier.id > later.id
         WHERE earlier.status = 'pending' OR (earlier.status = 'paid' AND later.status IN ('confirmed', 'cancelled'))
             OR (earlier.status = 'confirmed' AND later.status = 'shipped')
             OR (earlier.status = 'shipped' AND later.status = 'completed')",
    ),
    ("idempotency keys without an answer", "SELECT count(*) FROM idempotency_keys WHERE answer IS NULL"),
];
