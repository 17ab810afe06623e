-- Who can log in. Apart from the users, so that no list of these ever has a hash in it.
CREATE TABLE accounts (
    user_id       INTEGER PRIMARY KEY,
    -- Argon2id, as a PHC string.
    password_hash TEXT NOT NULL,
    -- customer or admin.
    role          TEXT NOT NULL,
    -- Tokens carry the version that they were made with: each change of it ends them all.
    token_version INTEGER NOT NULL
) STRICT;

-- What the other services have heard: tokens of the user below this version count no more.
CREATE TABLE revocations (
    user_id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    -- Until when there could be such tokens, in epoch milliseconds.
    until   INTEGER NOT NULL
) STRICT;
CREATE INDEX revocations_until ON revocations (until);

-- A key belongs to whoever sent it: one user's never meets another's.
CREATE TABLE keys_of_subjects (
    service     TEXT NOT NULL,
    -- A user's id; empty: nobody in particular.
    subject     TEXT NOT NULL,
    key         TEXT NOT NULL,
    request     TEXT NOT NULL,
    -- Null while the request is being worked on,
    answer      TEXT,
    -- which is said by whom, and until when (epoch milliseconds).
    holder      TEXT,
    lease_until INTEGER,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (service, subject, key)
) STRICT, WITHOUT ROWID;
INSERT INTO keys_of_subjects (service, subject, key, request, answer, holder, lease_until, created_at)
    SELECT service, '', key, request, answer, holder, lease_until, created_at FROM idempotency_keys;
DROP TABLE idempotency_keys;
ALTER TABLE keys_of_subjects RENAME TO idempotency_keys;
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
