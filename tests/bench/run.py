#!/usr/bin/env python3
"""Side-by-side benchmark of the peers, and of the project, under the same load.

Each target is started on a fresh database, checked against the contract, loaded with wrk,
and stopped. Then the next target runs; then the whole round is repeated. README.md explains the figures.
"""
import argparse
import contextlib
import http.client
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PEERS_HOME = os.path.abspath(os.environ.get("PEERS_HOME", os.path.join(ROOT, "target", "peers")))
LIMIT = os.path.join(PEERS_HOME, "limit-target/release/limit")
HZ = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

ALL_PEERS = ["flask", "fastapi", "go", "axum", "node"]
# node's SQLite has no shared memory (exclusive WAL): no other process can open its file at the same time.
NO_LIVE_COUNT = {"node"}

# name, port offset, path, connections, wrk script, kind of order accounting
WORKLOADS = [
    ("orders-c1", 2, "/orders", 1, "orders.lua", "orders"),
    ("orders-c16", 2, "/orders", 16, "orders.lua", "orders"),
    ("orders-c64", 2, "/orders", 64, "orders.lua", "orders"),
    ("users-c16", 0, "/users/1", 16, "get.lua", None),
    ("products-c16", 1, "/products", 16, "get.lua", None),
    ("mixed-c16", 2, "/orders", 16, "mixed.lua", "mixed"),
]

# Orders of a product whose stock is tracked, which only Pasar has: for comparing two builds.
TRACKED = [(f"tracked-c{conns}", 2, "/orders", conns, "tracked.lua", "orders") for conns in (1, 16, 64)]

FOREIGN_LIMIT = 0.15  # cores used by other programs (or stolen) above which a run is repeated


class Problem(Exception):
    pass


def say(*words):
    print(*words, file=sys.stderr, flush=True)


# ------------------------------------------------------------------ processes

def proc_stat(pid):
    """(ppid, session, kernel thread?, own cpu s, own + reaped children's cpu s, rss bytes)"""
    try:
        with open(f"/proc/{pid}/stat") as f:
            text = f.read()
    except OSError:
        return None
    v = text[text.rindex(")") + 2:].split()  # v[0] is field 3, the state
    own = int(v[11]) + int(v[12])
    both = own + int(v[13]) + int(v[14])
    return int(v[1]), int(v[3]), bool(int(v[6]) & 0x200000), own / HZ, both / HZ, int(v[21]) * PAGE


def all_procs():
    out = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            st = proc_stat(name)
            if st:
                out[int(name)] = st
    return out


def tree(leader, procs=None):
    """The leader's session and every descendant of it."""
    procs = procs or all_procs()
    found = {p for p, st in procs.items() if st[1] == leader or p == leader}
    while True:
        more = {p for p, st in procs.items() if st[0] in found} - found
        if not more:
            return found
        found |= more


def stolen():
    with open("/proc/stat") as f:
        return int(f.readline().split()[8]) / HZ


class Target:
    """A started system under test."""

    def __init__(self, name, cmd, shell, env, cwd, base, db, live_count):
        self.name, self.base, self.db, self.live_count = name, base, db, live_count
        for i in range(3):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", base + i)) == 0:
                    raise Problem(f"{name}: port {base + i} is already in use")
        self.log_path = os.path.join(os.path.dirname(db), "log")
        self.log = open(self.log_path, "wb")
        self.t0 = time.monotonic()
        self.proc = subprocess.Popen(cmd, shell=shell, env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                                     stdout=self.log, stderr=subprocess.STDOUT,
                                     start_new_session=True)
        self.pid = self.proc.pid
        self.startup_s = None

    def wait_ready(self, limit=60):
        while True:
            if self.proc.poll() is not None:
                raise Problem(f"{self.name}: exited with {self.proc.returncode}\n{self.tail()}")
            if time.monotonic() - self.t0 > limit:
                raise Problem(f"{self.name}: GET /users/1 not answered in {limit} s\n{self.tail()}")
            try:
                if call(self.base, "GET", "/users/1", timeout=2)[0] == 200:
                    break
            except (OSError, http.client.HTTPException, ValueError):
                pass
            time.sleep(0.004)
        self.startup_s = time.monotonic() - self.t0
        for offset, path in ((1, "/products"), (2, "/orders?limit=1&sort=-id")):
            while True:
                with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                    if call(self.base + offset, "GET", path, timeout=2)[0] == 200:
                        break
                if time.monotonic() - self.t0 > limit:
                    raise Problem(f"{self.name}: GET {path} not answered in {limit} s\n{self.tail()}")
                time.sleep(0.02)

    def tail(self):
        self.log.flush()
        with open(self.log_path, errors="replace") as f:
            return f.read()[-2000:]

    def count_orders(self):
        """Rows in orders now: from the file, or (ids have no gaps) the newest id over HTTP."""
        if self.live_count:
            return count_file(self.db)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
            status, body = call(self.base + 2, "GET", "/orders?limit=1&sort=-id")
            if status == 200:
                return order_id(body[0]) if body else 0
        return None

    def settled_count(self):
        """The count once requests still under way at the end of a load have finished."""
        last = self.count_orders()
        for _ in range(40):
            time.sleep(0.15)
            now = self.count_orders()
            if now is None or now == last:
                return now
            last = now
        return last

    def stop(self):
        """Ends this target's process group, then the rest of its session."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
        end = time.monotonic() + 8
        while time.monotonic() < end:
            self.proc.poll()  # reaps the leader
            if not self.left():
                break
            time.sleep(0.05)
        for p in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(p, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.proc.wait(5)
        self.log.close()

    def left(self):
        return [p for p, st in all_procs().items() if st[1] == self.pid]


class Watch:
    """Peak RSS of a process tree (sampled), and CPU used by it and by others."""

    def __init__(self, leader):
        self.leader, self.peak = leader, 0
        self.quit = threading.Event()
        self.thread = threading.Thread(target=self.sample, daemon=True)

    def sample(self):
        pids, n = tree(self.leader), 0
        while True:
            total = sum(st[5] for st in map(proc_stat, pids) if st)
            self.peak = max(self.peak, total)
            if self.quit.wait(0.2):
                return
            n += 1
            if n % 5 == 0:
                pids = tree(self.leader)

    def snapshot(self):
        procs = all_procs()
        mine = tree(self.leader, procs)
        target = sum(procs[p][4] for p in mine)
        mine.add(os.getpid())
        others = {p: st[4] for p, st in procs.items() if p not in mine and not st[2]}
        return time.monotonic(), target, others, stolen()

    def __enter__(self):
        self.start = self.snapshot()
        self.wrk0 = children_cpu()
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.quit.set()
        self.thread.join()
        t1, target1, others1, stolen1 = self.snapshot()
        t0, target0, others0, stolen0 = self.start
        dt = t1 - t0
        self.cpu = (target1 - target0) / dt
        self.wrk_cpu = (children_cpu() - self.wrk0) / dt
        foreign = sum(max(0, c - others0.get(p, 0)) for p, c in others1.items())
        self.foreign = (foreign + stolen1 - stolen0) / dt


def children_cpu():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def pss_mb(leader):
    """Memory with shared pages divided among their users (RSS counts them once per process)."""
    total = 0
    for p in tree(leader):
        with contextlib.suppress(OSError):
            with open(f"/proc/{p}/smaps_rollup") as f:
                total += sum(int(l.split()[1]) for l in f if l.startswith("Pss:"))
    return round(total / 1024, 1)


# ------------------------------------------------------------------ contract

def call(port, method, path, body=None, timeout=10):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        data = None if body is None else json.dumps(body)
        c.request(method, path, data, {"Content-Type": "application/json"} if data else {})
        r = c.getresponse()
        raw = r.read()
        return r.status, json.loads(raw) if raw else None
    finally:
        c.close()


def order_id(row):
    return row["order_id"] if "order_id" in row else row["id"]


def count_file(path):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    try:
        return db.execute("SELECT count(*) FROM orders").fetchone()[0]
    except sqlite3.Error:
        return None
    finally:
        db.close()


LAPTOP = {"id": 1, "name": "Laptop Asus", "price": 8000000}
BAMBANG = {"id": 1, "name": "Bambang"}


def check_contract(base):
    """Every call of the contract once; returns the list of what differs."""
    wrong = []

    def expect(what, port, method, path, body, status, test):
        try:
            got, reply = call(base + port, method, path, body)
            ok = got == status and (test is None or test(reply))
        except Exception as e:  # a reply of the wrong shape is a difference, not a crash
            got, reply, ok = "error", repr(e), False
        if not ok:
            wrong.append(f"{what}: {got} {str(reply)[:160]}")

    def subset(want, got):
        return all(got.get(k) == v for k, v in want.items())

    expect("GET /users/1", 0, "GET", "/users/1", None, 200, lambda r: subset(BAMBANG, r))
    expect("GET /users/999999", 0, "GET", "/users/999999", None, 404, None)
    expect("POST /users", 0, "POST", "/users", {"name": "Siti"}, 201,
           lambda r: r["name"] == "Siti" and r["id"] > 1)
    expect("GET /products", 1, "GET", "/products", None, 200,
           lambda r: len(r) >= 3 and subset(LAPTOP, r[0]))
    expect("GET /products/1", 1, "GET", "/products/1", None, 200, lambda r: subset(LAPTOP, r))
    expect("GET /products/999999", 1, "GET", "/products/999999", None, 404, None)
    # POST /products is left out: a fourth product would change the load of GET /products.
    expect("POST /orders", 2, "POST", "/orders", {"user_id": 1, "product_id": 1}, 201,
           lambda r: r["order_id"] >= 1 and subset(BAMBANG, r["user"]) and subset(LAPTOP, r["product"]))
    expect("POST /orders, no such user", 2, "POST", "/orders", {"user_id": 999999, "product_id": 1},
           404, None)
    expect("GET /orders?limit=5", 2, "GET", "/orders?limit=5", None, 200,
           lambda r: len(r) == 1 and order_id(r[0]) >= 1)
    return wrong


def check_post_product(base):
    """Run after the load, because a fourth product would change the load of GET /products."""
    try:
        status, r = call(base + 1, "POST", "/products", {"name": "Kabel", "price": 5000})
        if status == 201 and r["message"] == "Produk berhasil ditambahkan" and r["product"]["price"] == 5000:
            return []
        return [f"POST /products: {status} {str(r)[:160]}"]
    except Exception as e:
        return [f"POST /products: {e!r}"]


# ------------------------------------------------------------------ load

def wrk(url, conns, secs, script):
    env = dict(os.environ, BENCH_WRK=os.path.join(HERE, "wrk"))
    cmd = ["wrk", "-t1", f"-c{conns}", f"-d{secs}s", "--timeout", "10s", "-s",
           os.path.join(HERE, "wrk", script), url]
    p = subprocess.run(cmd, env=env, capture_output=True, text=True, timeout=secs + 30)
    for line in p.stdout.splitlines():
        if line.startswith("BENCH "):
            return json.loads(line[6:])
    raise Problem(f"wrk failed: {p.stdout[-500:]} {p.stderr[-500:]}")


def one_load(target, workload, secs):
    name, offset, path, conns, script, kind = workload
    before = target.count_orders() if kind else None
    with Watch(target.pid) as w:
        r = wrk(f"http://127.0.0.1:{target.base + offset}{path}", conns, secs, script)
    out = {
        "rps": round(r["requests"] / (r["us"] / 1e6), 1),
        "p50_ms": round(r["p50_us"] / 1e3, 3),
        "p99_ms": round(r["p99_us"] / 1e3, 3),
        "max_ms": round(r["max_us"] / 1e3, 3),
        "requests": r["requests"],
        "non2xx": r["non2xx"],
        "socket_errors": r["connect"] + r["read"] + r["write"],
        "timeouts": r["timeout"],
        "peak_rss_mb": round(w.peak / 2**20, 1),
        "pss_mb": pss_mb(target.pid),
        "cpu_cores": round(w.cpu, 2),
        "wrk_cores": round(w.wrk_cpu, 2),
        "foreign_cores": round(w.foreign, 2),
    }
    if kind:
        after = target.settled_count()
        if before is None or after is None:
            out["rows_ok"] = None
        else:
            # wrk hangs up at its deadline: up to `conns` orders may be committed unacknowledged.
            rows = after - before
            if kind == "orders":
                acked = r["requests"] - r["non2xx"]
                out.update(acked_201=acked, rows=rows, rows_ok=0 <= rows - acked <= conns + r["timeout"])
            else:
                sent = r["sent_orders"]
                lost = conns + r["non2xx"] + out["socket_errors"]
                out.update(sent_orders=sent, rows=rows, rows_ok=0 <= sent - rows <= lost)
    return out


def measure(target, workload, secs):
    """One workload. If other programs were busy, it is repeated once and the quieter run is kept."""
    first = one_load(target, workload, secs)
    if first["foreign_cores"] <= FOREIGN_LIMIT:
        return first
    say(f"    {workload[0]}: others used {first['foreign_cores']} cores; again")
    time.sleep(2)
    second = one_load(target, workload, secs)
    kept = min(first, second, key=lambda r: r["foreign_cores"])
    kept["repeated"] = True
    # A wrong count is never thrown away.
    for r in (first, second):
        if r.get("rows_ok") is False:
            kept["rows_ok"] = False
    kept["non2xx"] = max(first["non2xx"], second["non2xx"])
    return kept


def run_target(start, workloads, secs, warmup):
    """Starts a target, measures every workload, stops it. Returns (info, {workload: figures})."""
    t = start()
    figures, info = {}, {}
    try:
        t.wait_ready()
        info["startup_s"] = round(t.startup_s, 3)
        info["contract"] = check_contract(t.base)
        if warmup:
            for wl in (WORKLOADS[1], WORKLOADS[3], WORKLOADS[4]):
                wrk(f"http://127.0.0.1:{t.base + wl[1]}{wl[2]}", wl[3], warmup, wl[4])
            time.sleep(0.3)
        for wl in workloads:
            if wl in TRACKED and "BENCH_PRODUCT" not in os.environ:
                new = {"name": "Sepatu", "price": 250000, "stock": 1_000_000_000}
                os.environ["BENCH_PRODUCT"] = str(call(t.base + 1, "POST", "/products", new)[1]["product"]["id"])
            figures[wl[0]] = r = measure(t, wl, secs)
            flags = "".join([
                f" NON2XX={r['non2xx']}" if r["non2xx"] else "",
                f" TIMEOUTS={r['timeouts']}" if r["timeouts"] else "",
                f" SOCKET={r['socket_errors']}" if r["socket_errors"] else "",
                " ROWS-DIFFER" if r.get("rows_ok") is False else ""])
            say(f"    {wl[0]:<13}{r['rps']:>9.0f}/s  p50 {r['p50_ms']:>8.2f}  p99 {r['p99_ms']:>8.2f} ms"
                f"  cpu {r['cpu_cores']:.2f} wrk {r['wrk_cores']:.2f} other {r['foreign_cores']:.2f}"
                f"  rss {r['peak_rss_mb']:.0f} MB{flags}")
        info["contract"] += check_post_product(t.base)
        live = t.settled_count()
    finally:
        os.environ.pop("BENCH_PRODUCT", None)
        t.stop()
    stored = count_file(t.db) if os.path.exists(t.db) else None
    info["rows_after_stop"] = stored
    # Nothing acknowledged is lost by stopping: the file holds what the live count said.
    info["stored_ok"] = None if live is None or stored is None else stored == live
    if info["contract"]:
        say("    contract differs: " + "; ".join(info["contract"]))
    if info["stored_ok"] is False:
        say(f"    after stop: {stored} rows, live count said {live}")
    return info, figures


def combine(runs):
    """Of two rounds the better one; of three or more the median by req/s."""
    by_speed = sorted(runs, key=lambda r: r["rps"])
    kept = dict(by_speed[-1] if len(runs) <= 2 else by_speed[len(runs) // 2])
    kept["kept"] = "best" if len(runs) <= 2 else "median"
    kept["rps_runs"] = [r["rps"] for r in runs]
    kept["p99_runs"] = [r["p99_ms"] for r in runs]
    kept["spread"] = round(1 - by_speed[0]["rps"] / by_speed[-1]["rps"], 3) if by_speed[-1]["rps"] else None
    kept["non2xx"] = max(r["non2xx"] for r in runs)
    kept["timeouts"] = max(r["timeouts"] for r in runs)
    kept["socket_errors"] = max(r["socket_errors"] for r in runs)
    kept["peak_rss_mb"] = max(r["peak_rss_mb"] for r in runs)
    oks = [r["rows_ok"] for r in runs if "rows_ok" in r]
    if oks:
        kept["rows_ok"] = False if False in oks else None if None in oks else True
    return kept


# ------------------------------------------------------------------ physical limits

def limits(base, secs, tmp):
    """The limits of the machine: SQLite alone, the disk alone, HTTP alone."""
    if not os.path.exists(LIMIT):
        raise Problem("limit is not built: run setup.sh")
    out = {}

    def tool(*args):
        p = subprocess.run([LIMIT, *map(str, args)], capture_output=True, text=True, timeout=secs + 30)
        if p.returncode:
            raise Problem("limit: " + p.stderr[-500:])
        return json.loads(p.stdout)

    d = tempfile.mkdtemp(dir=tmp, prefix="bench-limit-")
    hello = None
    try:
        out["fdatasync 4 KiB/s"] = tool("fsync", d + "/f", secs)["syncs_per_s"]
        out["rows/s, 1 per commit"] = tool("insert", d + "/one.db", 1, secs)["rows_per_s"]
        out["rows/s, 64 per commit"] = tool("insert", d + "/many.db", 64, secs)["rows_per_s"]
        hello = subprocess.Popen([LIMIT, "hello", str(base + 9)], stdin=subprocess.DEVNULL,
                                 start_new_session=True)
        for _ in range(200):
            with contextlib.suppress(OSError, ValueError):
                if call(base + 9, "GET", "/", timeout=1)[0] == 200:
                    break
            time.sleep(0.02)
        for c in (1, 16, 64):
            r = wrk(f"http://127.0.0.1:{base + 9}/", c, secs, "get.lua")
            out[f"hello req/s, c={c}"] = round(r["requests"] / (r["us"] / 1e6))
    finally:
        if hello:
            hello.terminate()
            try:
                hello.wait(5)
            except subprocess.TimeoutExpired:
                hello.kill()
                hello.wait()
        shutil.rmtree(d, ignore_errors=True)
    return out


# ------------------------------------------------------------------ report

def num(v):
    return f"{v:.0f}" if v >= 100 else f"{v:.1f}" if v >= 10 else f"{v:.2f}"


def table(title, rows, names):
    print(f"\n{title}")
    width = max([14] + [len(r[0]) + 1 for r in rows])
    cols = [max([len(n)] + [len(r[1].get(n, "-")) for r in rows]) for n in names]
    print(" " * width + "  ".join(n.rjust(w) for n, w in zip(names, cols)))
    for label, cells in rows:
        print(label.ljust(width) + "  ".join(cells.get(n, "-").rjust(w) for n, w in zip(names, cols)))


def report(results, infos, names, workloads, project):
    def rows(pick):
        return [(w[0], {n: pick(results[n][w[0]]) for n in names if w[0] in results.get(n, {})})
                for w in workloads]

    def mark(r):
        bad = r["non2xx"] or r["timeouts"] or r["socket_errors"] or r.get("rows_ok") is False
        return ("!" if bad else "") + ("~" if (r["spread"] or 0) > 0.15 else "")

    table("req/s   (! errors or rows differ; ~ the rounds differ by over 15 %)",
          rows(lambda r: mark(r) + num(r["rps"])), names)
    table("p50 / p99, ms", rows(lambda r: f"{num(r['p50_ms'])} / {num(r['p99_ms'])}"), names)
    cost = [
        ("peak RSS MB", {n: num(max(r["peak_rss_mb"] for r in results[n].values()))
                         for n in names if results.get(n)}),
        ("PSS MB", {n: num(max(r["pss_mb"] for r in results[n].values())) for n in names if results.get(n)}),
        ("start-up s", {n: f"{infos[n]['startup_s']:.3f}" for n in names if n in infos}),
    ]
    table("cost (sums over the process tree)", cost, names)
    if project in results:
        peers = [n for n in names if n != project]
        table(f"ratio {project} / peer, req/s", [
            (w[0], {n: f"{results[project][w[0]]['rps'] / results[n][w[0]]['rps']:.2f}x" for n in peers
                    if w[0] in results[project] and results.get(n, {}).get(w[0], {}).get("rps")})
            for w in workloads], peers)
        table(f"ratio {project} / peer, p99 (below 1 is better)", [
            (w[0], {n: f"{results[project][w[0]]['p99_ms'] / results[n][w[0]]['p99_ms']:.2f}x" for n in peers
                    if w[0] in results[project] and results.get(n, {}).get(w[0], {}).get("p99_ms")})
            for w in workloads], peers)
    bad = []
    for n in names:
        for w in workloads:
            r = results.get(n, {}).get(w[0])
            if r and (r["non2xx"] or r["timeouts"] or r["socket_errors"]):
                bad.append(f"{n} {w[0]}: non-2xx {r['non2xx']}, timeouts {r['timeouts']}, "
                           f"socket errors {r['socket_errors']}")
            if r and r.get("rows_ok") is False:
                bad.append(f"{n} {w[0]}: rows differ from acknowledged orders")
            if r and r["foreign_cores"] > FOREIGN_LIMIT:
                bad.append(f"{n} {w[0]}: other programs used {r['foreign_cores']} cores even when repeated")
        info = infos.get(n, {})
        bad += [f"{n}: {c}" for c in info.get("contract", [])]
        if info.get("stored_ok") is False:
            bad.append(f"{n}: rows in the file after stop differ from the live count")
    return bad


def conclude(bad, began):
    print("\n" + ("Problems:\n  " + "\n  ".join(bad) if bad else "No errors; every row count agrees."))
    print(f"whole run: {time.monotonic() - began:.0f} s")


# ------------------------------------------------------------------ main

def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--secs", type=int, default=5, help="seconds per workload (5)")
    ap.add_argument("--rounds", type=int, default=2, help="interleaved rounds (2)")
    ap.add_argument("--warmup", type=int, default=1, help="seconds of each of three warm-up loads (1; 0: none)")
    ap.add_argument("--peers", default=" ".join(ALL_PEERS), help="peers to run, '' for none")
    ap.add_argument("--workloads", default="", help="names of workloads to run (all)")
    ap.add_argument("--base-port", type=int, default=5600, help="peers' first port (5600)")
    ap.add_argument("--project", help="command line that starts the project")
    ap.add_argument("--project-name", default="project")
    ap.add_argument("--project-port", type=int, default=5000, help="the project's first port (5000)")
    ap.add_argument("--project-db-env", default="DATABASE_URL", help="variable that gets the database")
    ap.add_argument("--project-db-form", default="sqlite:{path}", help="its form (sqlite:{path})")
    ap.add_argument("--project-cwd", default=None, help="where the command runs (here)")
    ap.add_argument("--limit", action="store_true", help="measure the machine's limits too")
    ap.add_argument("--out", default=None, help="file for the JSON lines")
    ap.add_argument("--tmp", default=None, help="folder for databases; must be on a real disk")
    a = ap.parse_args()

    peers = a.peers.split()
    for p in peers:
        if not os.path.exists(os.path.join(HERE, "peers", p, "run.sh")):
            ap.error(f"no peer {p}")
    workloads = [w for w in WORKLOADS if not a.workloads or w[0] in a.workloads.split()]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that "finally" stops the target
    t_start = time.monotonic()
    tmp = a.tmp or tempfile.gettempdir()

    def starter(name):
        def start():
            d = tempfile.mkdtemp(dir=tmp, prefix=f"bench-{name}-")
            dirs.append(d)
            db = os.path.join(d, "shop.db")
            if name == a.project_name:
                env = dict(os.environ, **{a.project_db_env: a.project_db_form.format(path=db)})
                return Target(name, a.project, True, env, a.project_cwd, a.project_port, db, False)
            env = dict(os.environ, BASE_PORT=str(a.base_port), DB_PATH=db, PEERS_HOME=PEERS_HOME)
            return Target(name, [os.path.join(HERE, "peers", name, "run.sh")], False, env, HERE,
                          a.base_port, db, name not in NO_LIVE_COUNT)
        return start

    names = peers + ([a.project_name] if a.project else [])
    dirs, runs, infos, limit = [], {n: {} for n in names}, {}, None
    try:
        if a.limit:
            say("limits")
            limit = limits(a.base_port, min(a.secs, 5), tmp)
        for rnd in range(a.rounds):
            for n in names:
                say(f"round {rnd + 1}/{a.rounds}  {n}")
                try:
                    info, figures = run_target(starter(n), workloads, a.secs, a.warmup)
                except Problem as e:
                    say(f"    FAILED: {e}")
                    infos.setdefault(n, {"startup_s": float("nan"), "contract": []})
                    infos[n]["contract"].append(f"round {rnd + 1} failed: {str(e).splitlines()[0]}")
                    continue
                finally:
                    while dirs:
                        shutil.rmtree(dirs.pop(), ignore_errors=True)
                for w, r in figures.items():
                    runs[n].setdefault(w, []).append(r)
                old = infos.get(n)
                if old:
                    info["startup_s"] = min(info["startup_s"], old["startup_s"])
                    info["contract"] = sorted(set(info["contract"] + old["contract"]))
                    if False in (info["stored_ok"], old.get("stored_ok")):
                        info["stored_ok"] = False
                infos[n] = info
    finally:
        while dirs:
            shutil.rmtree(dirs.pop(), ignore_errors=True)

    results = {n: {w: combine(rs) for w, rs in ws.items()} for n, ws in runs.items()}
    if a.out:
        with open(a.out, "w") as f:
            when = time.strftime("%Y-%m-%dT%H:%M:%S%z")
            for k, v in (limit or {}).items():
                f.write(json.dumps({"target": "limit", "workload": k, "value": v, "when": when}) + "\n")
            for n in names:
                for w, r in results[n].items():
                    f.write(json.dumps({"target": n, "workload": w, "secs": a.secs, "when": when,
                                        "startup_s": infos[n]["startup_s"], **r,
                                        "contract": infos[n]["contract"],
                                        "stored_ok": infos[n].get("stored_ok")}) + "\n")
    if limit:
        print("\nlimits of this machine")
        for k, v in limit.items():
            print(f"  {k:<24}{v:>9.0f}")
    bad = report(results, infos, [n for n in names if n in infos], workloads, a.project_name if a.project else None)
    conclude(bad, t_start)


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, Problem) as e:
        sys.exit(f"bench: {e or 'interrupted'}")
