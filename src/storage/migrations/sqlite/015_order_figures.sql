-- What the admin's desk shows of all orders, kept up to date behind the requests so that it takes the same time at any
-- number of orders. Placing an order writes none of these.

-- The latest changes of orders: a row for each status that an order reached after `pending`.
CREATE TABLE order_activity (
    id       INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL,
    status   TEXT NOT NULL,
    -- Epoch milliseconds.
    at       INTEGER NOT NULL
) STRICT;

-- How many orders have each status, but for `pending`.
CREATE TABLE order_counts (
    status TEXT PRIMARY KEY,
    count  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO order_counts (status, count)
    SELECT status, count(*) FROM orders WHERE status <> 'pending' GROUP BY status;

CREATE TABLE order_minutes (
    -- Minutes since the epoch.
    minute  INTEGER PRIMARY KEY,
    placed  INTEGER NOT NULL,
    -- Expired or failed.
    refused INTEGER NOT NULL,
    -- Whole rupiah: what was paid, less what is paid back.
    revenue INTEGER NOT NULL
) STRICT;

-- The last order that is counted in `order_minutes`: one row.
CREATE TABLE order_tally (
    last_order_id INTEGER NOT NULL
) STRICT;
INSERT INTO order_tally (last_order_id) SELECT coalesce(max(id), 0) FROM orders;
