-- The pending orders by how long they wait, each wait's by their ids. Almost all wait equally long. So within a wait
-- they are in the order of their deadlines too: one index serves the list and the search for expired orders.
DROP INDEX orders_expires_at;
CREATE INDEX orders_pending ON orders (expires_at - created_at) WHERE status = 'pending';
