-- What accounts have open, for the quota that each of them has: a row while an order is being placed, and then until
-- it leaves `pending`. Orders that nobody's quota counts (of admins, or where nobody logs in) have no row, so that
-- placing them does not pay for it.
CREATE TABLE open_orders (
    id          INTEGER PRIMARY KEY,
    user_id     INTEGER NOT NULL,
    -- Null while it is being placed.
    order_id    INTEGER,
    -- Units of tracked products that it holds.
    units       INTEGER NOT NULL CHECK (units >= 0),
    -- While it is being placed: when it is given up, in epoch milliseconds.
    lease_until INTEGER
) STRICT;
CREATE INDEX open_orders_user ON open_orders (user_id);
CREATE UNIQUE INDEX open_orders_order ON open_orders (order_id) WHERE order_id IS NOT NULL;
