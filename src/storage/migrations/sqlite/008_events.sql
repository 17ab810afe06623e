-- One row for each event and subscriber; it goes when the subscriber has handled it. Its id, which counts
-- up per subscriber, may be given to another then: a row is known by its id and its event.
CREATE TABLE outbox (
    subscriber TEXT NOT NULL,
    id         INTEGER NOT NULL,
    -- Events of one key are handled in their order.
    key        TEXT NOT NULL,
    event      TEXT NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    -- Epoch milliseconds; 0 until it has failed once.
    not_before INTEGER NOT NULL DEFAULT 0,
    -- 1: it failed too often, and waits for somebody to look at it.
    parked     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (subscriber, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_failed ON outbox (subscriber, key) WHERE not_before > 0;

-- Calls to other services that must happen.
CREATE TABLE intents (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Who is to make the call, which call it is, and about what.
    service    TEXT NOT NULL,
    action     TEXT NOT NULL,
    target     TEXT NOT NULL,
    -- Above 0, somebody has begun to make it.
    attempts   INTEGER NOT NULL,
    -- Epoch milliseconds.
    not_before INTEGER NOT NULL,
    parked     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX intents_due ON intents (service, not_before) WHERE parked = 0;

-- What was asked and answered under an Idempotency-Key of a service.
CREATE TABLE idempotency_keys (
    service     TEXT NOT NULL,
    key         TEXT NOT NULL,
    request     TEXT NOT NULL,
    -- Null while the request is being worked on,
    answer      TEXT,
    -- which is said by whom, and until when (epoch milliseconds).
    holder      TEXT,
    lease_until INTEGER,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (service, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
-- The request in the form that it is compared in now.
INSERT INTO idempotency_keys (service, key, request, answer, created_at)
    SELECT 'order', key,
           '{"user_id":' || json_extract(request, '$.user_id') || ',"what":{"products":{"'
               || json_extract(request, '$.product_id') || '":' || json_extract(request, '$.quantity') || '}}}',
           answer, created_at
    FROM order_keys;
DROP TABLE order_keys;
