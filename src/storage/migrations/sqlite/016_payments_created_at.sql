-- Finds payments that were made before the clock was set back. There are normally none.
CREATE INDEX payments_created_at ON payments (created_at) WHERE status = 'pending';
