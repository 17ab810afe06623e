#!/usr/bin/env python3
"""Compares Pasar on a database of many orders with itself on a small one: whether anything depends on their number.

The small database has 2,000 orders, so that a page of ten is full in each status and pages are equally large in both.
Both are filled by fill.py. Each load runs on one, then on the other, in alternating order; each pair gives a ratio, and
the median of the ratios is the result. Both databases fit into the page cache of the system, and are in it.

    cargo build --release && tests/bench/scale.py target/release/pasar --rows 1000000 10000000
"""
import argparse
import base64
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time

import fill
import run
from ab import ratios, spread
from run import Problem, Target, call, say

SMALL = 2_000
STATUSES = ["pending", "paid", "confirmed", "shipped", "completed", "cancelled", "expired", "failed"]


def target(name, binary, port, folder):
    env = dict(os.environ, DATABASE_URL=f"sqlite:{os.path.join(folder, 'shop.db')}", ORDER_TTL="24h")
    for offset, service in enumerate(["USER", "PRODUCT", "ORDER"]):
        env[f"{service}_ADDR"] = f"127.0.0.1:{port + offset}"
    return Target(name, [binary], False, env, folder, port, os.path.join(folder, "shop.db"), False)


def filled(name, binary, port, tmp, rows, folders):
    """The folder of a new database with that many orders."""
    folder = tempfile.mkdtemp(dir=tmp, prefix=f"scale-{name}-")
    folders.append(folder)
    empty = target(name, binary, port, folder)
    try:
        empty.wait_ready()
    finally:
        empty.stop()
    fill.fill(os.path.join(folder, "shop.db"), rows)
    return folder


def loads(rows):
    """Lists of orders, some with a cursor in the middle of the database; then the loads of the kit, which add orders."""
    def after(sort):
        return "&after=" + base64.urlsafe_b64encode(f"{sort}:{rows // 2}".encode()).decode().rstrip("=")

    plain = [f"status={status}" for status in STATUSES] + ["status=paid,failed", "status=pending,completed", "user_id=1"]
    sorts = ["sort=id", "sort=-id"]
    lists = [(query, query) for query in plain + sorts]
    lists += [(f"{query} from the middle", query + after("id")) for query in plain[:5] + ["user_id=1"]]
    lists += [(f"{sort} from the middle", sort + after(sort.removeprefix("sort="))) for sort in sorts]
    return [(name, 2, f"/orders?limit=10&{query}", 16, "get.lua", None) for name, query in lists] + run.WORKLOADS


def measure(targets, sizes, number, secs, wanted):
    """One round: the figures of each target by load, and the problems."""
    figures, bad = ({}, {}), []
    for t in targets:
        # Then both have orders that wait as long as new ones do; those of fill.py wait longer.
        for _ in range(20):
            call(t.base + 2, "POST", "/orders", {"user_id": 1, "product_id": 1})
        for offset, path in ((0, "/users/1"), (1, "/products"), (2, "/orders?limit=10")):
            run.wrk(f"http://127.0.0.1:{t.base + offset}{path}", 16, 1, "get.lua")
    for pair in zip(*map(loads, sizes)):
        name = pair[0][0]
        if wanted and not any(word in name for word in wanted):
            continue
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            time.sleep(0.3)
            figures[which][name] = r = run.measure(targets[which], pair[which], secs)
            r["cpu_us"] = r["cpu_cores"] / r["rps"] * 1e6
            if r["non2xx"] or r["timeouts"] or r["socket_errors"] or r.get("rows_ok") is False:
                bad.append(f"{targets[which].name} {name}: non-2xx {r['non2xx']}, timeouts {r['timeouts']}, "
                           f"socket errors {r['socket_errors']}, rows as acknowledged: {r.get('rows_ok')}")
        a, b = figures[0][name], figures[1][name]
        say(f"    {name:<36}{a['rps']:>9.0f}{b['rps']:>9.0f}/s   p99 {a['p99_ms']:>8.2f}{b['p99_ms']:>8.2f} ms")
    return figures, bad


def report(rows, pairs):
    print(f"\n{rows} orders / {SMALL} orders in {len(pairs)} pairs, the median (minimum to maximum); "
          "disturbed pairs do not count")
    print(f"{'':<36}{'requests a second':<26}{'p99 latency':<26}processor time a request")
    for name in pairs[0][0]:
        print(f"{name:<36}" + "".join(f"{spread(ratios(pairs, name, figure)):<26}" for figure in ("rps", "p99_ms", "cpu_us")))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("binary", metavar="BINARY")
    ap.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000], help="sizes (1000000 10000000)")
    ap.add_argument("--rounds", type=int, default=5, help="pairs for each size (5)")
    ap.add_argument("--seconds", type=int, default=3, help="seconds per load (3)")
    ap.add_argument("--loads", nargs="+", metavar="WORD", help="only loads whose names contain one of these words")
    ap.add_argument("--port", type=int, default=5000, help="the first of six ports (5000)")
    ap.add_argument("--tmp", default=tempfile.gettempdir(),
                    help="folder for databases, 200 bytes an order; must be on a real disk")
    args = ap.parse_args()
    binary = os.path.abspath(args.binary)
    if not os.access(binary, os.X_OK):
        ap.error(f"{binary} is no program")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that "finally" stops the targets
    began, bad, folders = time.monotonic(), [], []
    try:
        for rows in args.rows:
            say(f"filling {rows} orders")
            large, pairs = filled("large", binary, args.port + 3, args.tmp, rows, folders), []
            for number in range(args.rounds):
                say(f"{rows} orders, pair {number + 1}/{args.rounds}")
                # New in each pair, so that it stays small.
                small = filled("small", binary, args.port, args.tmp, SMALL, folders)
                with contextlib.ExitStack() as running:
                    targets = []
                    for name, port, folder in (("small", args.port, small), ("large", args.port + 3, large)):
                        targets.append(target(name, binary, port, folder))
                        running.callback(targets[-1].stop)
                        targets[-1].wait_ready()
                    figures, problems = measure(targets, (SMALL, rows), number, args.seconds, args.loads)
                pairs.append(figures)
                bad += problems
                shutil.rmtree(folders.pop(), ignore_errors=True)
            report(rows, pairs)
            shutil.rmtree(folders.pop(), ignore_errors=True)
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    run.conclude(bad, began)


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, Problem) as e:
        sys.exit(f"scale: {e or 'interrupted'}")
