#!/usr/bin/env python3
"""Compares two builds of Pasar: whether B is slower than A in any workload.

The builds are started in alternation (A B, B A, A B, ...), each time on a fresh database, and loaded as in run.py.
Conditions such as the speed of the disk are mostly the same within a pair. So each pair gives a ratio, and the median
of the ratios is the result. A pair that other programs disturbed is left out for that workload.

    cargo build --release && cp target/release/pasar /var/tmp/before
    # change something
    cargo build --release && tests/bench/ab.py /var/tmp/before target/release/pasar --rounds 9
"""
import argparse
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time

import run
from run import Problem, Target, say


def starter(name, binary, port, tmp, folders):
    def start():
        folder = tempfile.mkdtemp(dir=tmp, prefix=f"ab-{name}-")
        folders.append(folder)
        db = os.path.join(folder, "shop.db")
        env = dict(os.environ, DATABASE_URL=f"sqlite:{db}")
        for offset, service in enumerate(["USER", "PRODUCT", "ORDER"]):
            env[f"{service}_ADDR"] = f"127.0.0.1:{port + offset}"
        return Target(name, [binary], False, env, folder, port, db, False)
    return start


def trouble(name, info, figures):
    """The problems that make the figures of one run useless."""
    found = [f"{name}: {what}" for what in info["contract"]]
    if info["stored_ok"] is False:
        found.append(f"{name}: rows in the file after stop differ from the live count")
    for workload, r in figures.items():
        if r["non2xx"] or r["timeouts"] or r["socket_errors"]:
            found.append(f"{name} {workload}: non-2xx {r['non2xx']}, timeouts {r['timeouts']}, "
                         f"socket errors {r['socket_errors']}")
        if r.get("rows_ok") is False:
            found.append(f"{name} {workload}: rows differ from acknowledged orders")
    return found


def ratios(pairs, workload, figure):
    """B / A of each pair, or None where other programs were busy even when the load was repeated."""
    return [b[workload][figure] / a[workload][figure]
            if max(a[workload]["foreign_cores"], b[workload]["foreign_cores"]) <= run.FOREIGN_LIMIT else None
            for a, b in pairs]


def spread(values):
    values = [value for value in values if value is not None]
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})" if values else "-"


def report(pairs, workloads):
    print(f"\nB / A in {len(pairs)} pairs, the median (minimum to maximum); disturbed pairs (~) do not count")
    print(f"{'':<14}{'requests a second':<26}{'p99 latency':<26}requests a second, pair by pair")
    for name in workloads:
        rps, p99 = ratios(pairs, name, "rps"), ratios(pairs, name, "p99_ms")
        print(f"{name:<14}{spread(rps):<26}{spread(p99):<26}{' '.join('~' if value is None else f'{value:.3f}' for value in rps)}")


def main():
    all_workloads = run.WORKLOADS + run.TRACKED
    known = [w[0] for w in all_workloads]
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("a", metavar="BINARY_A", help="the build to compare with")
    ap.add_argument("b", metavar="BINARY_B", help="the build that may be slower")
    ap.add_argument("--rounds", type=int, default=5, help="pairs of runs (5)")
    ap.add_argument("--seconds", type=int, default=5, help="seconds per workload (5)")
    ap.add_argument("--workloads", nargs="+", default=known, choices=known, metavar="NAME",
                    help=f"workloads to run ({' '.join(known)})")
    ap.add_argument("--warmup", type=int, default=1, help="seconds of each of three warm-up loads (1; 0: none)")
    ap.add_argument("--port", type=int, default=5000, help="the first of three ports (5000)")
    ap.add_argument("--tmp", default=tempfile.gettempdir(), help="folder for databases; must be on a real disk")
    args = ap.parse_args()
    binaries = {"A": os.path.abspath(args.a), "B": os.path.abspath(args.b)}
    for binary in binaries.values():
        if not os.access(binary, os.X_OK):
            ap.error(f"{binary} is no program")
    workloads = [w for w in all_workloads if w[0] in args.workloads]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that "finally" stops the target
    began = time.monotonic()

    folders, pairs, bad = [], [], []
    for number in range(args.rounds):
        figures = {}
        for name in "AB" if number % 2 == 0 else "BA":
            say(f"pair {number + 1}/{args.rounds}  {name}")
            try:
                start = starter(name, binaries[name], args.port, args.tmp, folders)
                info, figures[name] = run.run_target(start, workloads, args.seconds, args.warmup)
            finally:
                while folders:
                    shutil.rmtree(folders.pop(), ignore_errors=True)
            bad += trouble(name, info, figures[name])
        pairs.append((figures["A"], figures["B"]))
    report(pairs, [w[0] for w in workloads])
    run.conclude(bad, began)


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, Problem) as e:
        sys.exit(f"ab: {e or 'interrupted'}")
