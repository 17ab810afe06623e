-- Who reads the outbox, whichever process they are in.
CREATE TABLE subscribers (
    name      TEXT PRIMARY KEY,
    -- When a process last delivered to it, in epoch milliseconds; 0: never.
    last_seen INTEGER NOT NULL DEFAULT 0,
    -- Events that were dropped because nobody received them.
    dropped   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
-- Whoever has events waiting may be served by a process that is about to be started with this version, too.
INSERT INTO subscribers (name, last_seen)
    SELECT DISTINCT subscriber, CAST(strftime('%s', 'now') AS INTEGER) * 1000 FROM outbox;
