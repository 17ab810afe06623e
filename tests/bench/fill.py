#!/usr/bin/env python3
"""Adds many orders to a database of Pasar that no process has open.

    tests/bench/fill.py DATABASE ROWS

Most orders are completed, some are in each other status. The first and the last hundred (a tenth, if there are few)
are pending, with deadlines ten years ahead. One order in 97 is of user 1, the others are spread over 4,999 users, who
are added. Each order has its history; there are no events and no payments. `pasar verify` finds nothing wrong.
"""
import argparse
import os
import sqlite3
import sys
import time

ROWS_PER_COMMIT = 200_000

# n is the number of an order, from 1 on. The columns depend on it with moduli that have no common divisor, so that each
# user has orders in each status.
INSERT = """
WITH RECURSIVE number(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM number WHERE n < :last),
chosen AS (
    SELECT n,
           CASE n % 97 WHEN 0 THEN 1 ELSE 2 + n * 7919 % 4999 END AS user_id,
           CASE n * 31 % 3 WHEN 0 THEN 'Laptop Asus' WHEN 1 THEN 'HP Xiaomi' ELSE 'Mouse Rexus' END AS name,
           CASE n * 31 % 3 WHEN 0 THEN 8000000 WHEN 1 THEN 3000000 ELSE 200000 END AS price,
           1 + n % 7 % 2 AS quantity,
           CASE WHEN n <= :pending OR n > :rows - :pending THEN 'pending'
                WHEN n * 37 % 100 < 2 THEN 'paid'
                WHEN n * 37 % 100 < 4 THEN 'confirmed'
                WHEN n * 37 % 100 < 8 THEN 'shipped'
                WHEN n * 37 % 100 < 12 THEN 'cancelled'
                WHEN n * 37 % 100 < 20 THEN 'expired'
                WHEN n * 37 % 100 < 22 THEN 'failed'
                ELSE 'completed' END AS status,
           -- One order in three seconds, until now.
           :now - (:rows - n) * 3000 AS created_at
    FROM number
)
INSERT INTO orders (id, user_id, user_name, items, total_price, status, created_at, expires_at, paid_by)
SELECT :offset + n, user_id, CASE user_id WHEN 1 THEN 'Bambang' ELSE 'User ' || user_id END,
       '[{"id":' || (1 + n * 31 % 3) || ',"name":"' || name || '","price":' || price || ',"quantity":' || quantity || '}]',
       price * quantity, status, created_at,
       CASE status WHEN 'pending' THEN created_at + 3650 * 86400000 END,
       CASE WHEN status IN ('paid', 'confirmed', 'shipped', 'completed') THEN 0 END
FROM chosen
"""

# The steps that an order has taken up to its status, one a second.
HISTORY = """
WITH step(status, taken, rank) AS (VALUES
    ('paid', 'paid', 1),
    ('confirmed', 'paid', 1), ('confirmed', 'confirmed', 2),
    ('shipped', 'paid', 1), ('shipped', 'confirmed', 2), ('shipped', 'shipped', 3),
    ('completed', 'paid', 1), ('completed', 'confirmed', 2), ('completed', 'shipped', 3), ('completed', 'completed', 4),
    ('cancelled', 'cancelled', 1), ('expired', 'expired', 1), ('failed', 'failed', 1))
INSERT INTO order_history (order_id, status, at)
SELECT id, taken, created_at + rank * 1000 FROM orders JOIN step USING (status)
WHERE id BETWEEN :offset + :first AND :offset + :last ORDER BY id
"""

USERS = """
WITH RECURSIVE number(id) AS (SELECT 2 UNION ALL SELECT id + 1 FROM number WHERE id < 5000)
INSERT OR IGNORE INTO users (id, name) SELECT id, 'User ' || id FROM number
"""

# The figures that the services count as orders are placed and change.
COUNT = """
BEGIN IMMEDIATE;
DELETE FROM order_counts;
INSERT INTO order_counts (status, count)
    SELECT status, count(*) FROM orders WHERE status <> 'pending' GROUP BY status;
UPDATE order_tally SET last_order_id = (SELECT max(id) FROM orders);
COMMIT;
"""


def fill(path, rows):
    """Adds `rows` orders after the newest one."""
    db = sqlite3.connect(f"file:{os.path.abspath(path)}?mode=rw", uri=True, isolation_level=None, timeout=0)
    try:
        # A process that has the database open holds a lock on its log, which makes this change fail.
        if db.execute("PRAGMA journal_mode = DELETE").fetchone()[0] != "delete":
            raise sqlite3.OperationalError("the database is in use")
        # If this process stops, the file is of no use; so no commit waits for the disk.
        db.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -500000")
        params = {"offset": db.execute("SELECT coalesce(max(id), 0) FROM orders").fetchone()[0], "rows": rows,
                  "pending": min(100, max(1, rows // 10)), "now": int(time.time() * 1000)}
        db.execute(USERS)
        for first in range(1, rows + 1, ROWS_PER_COMMIT):
            db.execute("BEGIN IMMEDIATE")
            params |= {"first": first, "last": min(first + ROWS_PER_COMMIT - 1, rows)}
            db.execute(INSERT, params)
            db.execute(HISTORY, params)
            db.execute("COMMIT")
        db.executescript(COUNT)
    finally:
        db.close()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("database", metavar="DATABASE", help="the file, with the tables of the latest version")
    ap.add_argument("rows", metavar="ROWS", type=int, help="how many orders to add")
    args = ap.parse_args()
    if args.rows < 1:
        ap.error("ROWS is at least 1")
    began = time.monotonic()
    try:
        fill(args.database, args.rows)
    except sqlite3.Error as error:
        sys.exit(f"fill: {args.database}: {error}")
    print(f"{args.rows} orders in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
