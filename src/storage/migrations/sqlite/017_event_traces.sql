-- The traceparent of the request that emitted an event, if its calls are recorded.
ALTER TABLE outbox ADD COLUMN trace TEXT;
