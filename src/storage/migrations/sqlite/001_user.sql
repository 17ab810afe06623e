-- AUTOINCREMENT: the id of a removed user is never given to another.
CREATE TABLE users (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT NOT NULL,
    email     TEXT,
    -- The address as it is compared: in lower case.
    email_key TEXT UNIQUE,
    phone     TEXT
) STRICT;
