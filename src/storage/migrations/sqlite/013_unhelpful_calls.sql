-- Attempts in a row that were answered, but never so that it helped.
ALTER TABLE intents ADD COLUMN unhelpful INTEGER NOT NULL DEFAULT 0;
