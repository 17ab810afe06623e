CREATE TABLE payments (
    id         INTEGER PRIMARY KEY,
    order_id   INTEGER NOT NULL,
    user_id    INTEGER NOT NULL,
    -- Whole rupiah.
    amount     INTEGER NOT NULL CHECK (amount >= 0),
    method     TEXT NOT NULL,
    -- pending, confirming, paid, failed, expired, refunding or refunded.
    status     TEXT NOT NULL,
    -- Epoch milliseconds.
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX payments_order ON payments (order_id);
CREATE UNIQUE INDEX payments_open ON payments (order_id) WHERE status IN ('pending', 'confirming');
CREATE INDEX payments_expires_at ON payments (expires_at) WHERE status = 'pending';
