-- What was received is on hand, held by a reservation, or sold; the columns are kept apart, so that a
-- mistake in one of them shows.
ALTER TABLE products ADD COLUMN stock INTEGER CHECK (stock >= 0);
ALTER TABLE products ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0);
ALTER TABLE products ADD COLUMN sold INTEGER NOT NULL DEFAULT 0 CHECK (sold >= 0);
-- Null like `stock`: not tracked.
ALTER TABLE products ADD COLUMN received INTEGER CHECK (stock + reserved + sold = received);
ALTER TABLE products ADD COLUMN category TEXT;
ALTER TABLE products ADD COLUMN description TEXT;
ALTER TABLE products ADD COLUMN image TEXT;
-- Name and description as they are searched, whatever their case; empty until it has been filled in.
ALTER TABLE products ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
CREATE INDEX products_category ON products (category);
CREATE INDEX products_unsearched ON products (id) WHERE search_text = '';
CREATE INDEX products_name ON products (name);
CREATE INDEX products_price ON products (price);

CREATE TABLE reservations (
    -- A UUID of the caller's.
    key      TEXT PRIMARY KEY,
    -- held, committed (a sale) or released. One that was released before it was made is a tombstone.
    state    TEXT NOT NULL,
    -- When it was committed or released, in epoch milliseconds.
    ended_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX reservations_ended_at ON reservations (ended_at) WHERE state = 'released';

-- What was answered when it was reserved.
CREATE TABLE reservation_items (
    key        TEXT NOT NULL,
    product_id INTEGER NOT NULL,
    name       TEXT NOT NULL,
    price      INTEGER NOT NULL,
    quantity   INTEGER NOT NULL CHECK (quantity > 0),
    -- What was left; null if the product tracked no stock, and so holds none for this line.
    stock      INTEGER,
    PRIMARY KEY (key, product_id)
) STRICT, WITHOUT ROWID;
