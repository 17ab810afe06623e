-- How often all rows were removed while processes ran: one row. It outlives a reset, so that each process can see that
-- what it knows is of rows that are gone, though new ones have their ids.
CREATE TABLE resets (
    count INTEGER NOT NULL
) STRICT;
INSERT INTO resets (count) VALUES (0);
