-- Names and prices are those of the moment of the order: the user and the products belong to other
-- services and may change or go.
CREATE TABLE orders (
    id          INTEGER PRIMARY KEY,
    user_id     INTEGER NOT NULL,
    user_name   TEXT NOT NULL,
    total_price INTEGER NOT NULL CHECK (total_price >= 0),
    status      TEXT NOT NULL,
    -- Epoch milliseconds.
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE order_items (
    order_id   INTEGER NOT NULL,
    line       INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    name       TEXT NOT NULL,
    price      INTEGER NOT NULL CHECK (price >= 0),
    quantity   INTEGER NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, line)
) STRICT, WITHOUT ROWID;

-- What was asked and answered under an Idempotency-Key.
CREATE TABLE order_keys (
    key        TEXT PRIMARY KEY,
    request    TEXT NOT NULL,
    answer     TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX order_keys_created_at ON order_keys (created_at);
