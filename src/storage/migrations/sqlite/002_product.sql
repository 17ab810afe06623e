CREATE TABLE products (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    name  TEXT NOT NULL,
    -- Whole rupiah.
    price INTEGER NOT NULL CHECK (price >= 0)
) STRICT;
