-- The reservation that holds the order's stock; null if none of its products tracks any.
ALTER TABLE orders ADD COLUMN reservation TEXT;
-- Of a pending order: when it expires unless it is paid, in epoch milliseconds.
ALTER TABLE orders ADD COLUMN expires_at INTEGER;
-- The payment that paid it; 0 if it was said to be paid without naming one.
ALTER TABLE orders ADD COLUMN paid_by INTEGER;
CREATE INDEX orders_user ON orders (user_id);
-- Without the status in which every order begins, so that placing one does not pay for it.
CREATE INDEX orders_status ON orders (status) WHERE status <> 'pending';
CREATE INDEX orders_expires_at ON orders (expires_at) WHERE expires_at IS NOT NULL;

-- The statuses that an order reached after `pending`.
CREATE TABLE order_history (
    order_id INTEGER NOT NULL,
    status   TEXT NOT NULL,
    -- Epoch milliseconds.
    at       INTEGER NOT NULL,
    PRIMARY KEY (order_id, status)
) STRICT, WITHOUT ROWID;

-- A line may be without a product, and knows what was left of it.
CREATE TABLE order_lines (
    order_id   INTEGER NOT NULL,
    line       INTEGER NOT NULL,
    -- Null: a custom line, of something that the catalogue does not have.
    product_id INTEGER,
    name       TEXT NOT NULL,
    price      INTEGER NOT NULL CHECK (price >= 0),
    quantity   INTEGER NOT NULL CHECK (quantity > 0),
    -- What was left in stock when the line was reserved.
    stock      INTEGER,
    PRIMARY KEY (order_id, line)
) STRICT, WITHOUT ROWID;
INSERT INTO order_lines SELECT order_id, line, product_id, name, price, quantity, NULL FROM order_items;
DROP TABLE order_items;
ALTER TABLE order_lines RENAME TO order_items;
