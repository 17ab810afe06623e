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

-- An order's lines never change and are never looked for by themselves: they are kept with it, as a JSON
-- array of {id, name, price, quantity, stock}. Without an id: a custom line, of something that the catalogue
-- does not have. `stock` is what was left when the line was reserved.
ALTER TABLE orders ADD COLUMN items TEXT NOT NULL DEFAULT '[]';
UPDATE orders SET items =
    (SELECT json_group_array(json_object('id', product_id, 'name', name, 'price', price, 'quantity', quantity))
     FROM (SELECT * FROM order_items WHERE order_id = orders.id ORDER BY line));
DROP TABLE order_items;
