CREATE TABLE notifications (
    user_id  INTEGER NOT NULL,
    -- Counts up per user.
    id       INTEGER NOT NULL,
    order_id INTEGER NOT NULL,
    status   TEXT NOT NULL,
    -- Epoch milliseconds.
    at       INTEGER NOT NULL,
    PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;
