# SPDX-License-Identifier: Apache-2.0
"""Holds and purchases over WebSocket with everything on (log, scribe, PostgreSQL), beside what bounds them and what others do.

usage: bench/run.sh holds [--people N] [--seconds S]

wide: everyone wants any of 50,000 seats, holds three one by one and gives them back. hot: everyone wants the same 100 of them. A rate counts
answers per second: of holds and refusals, and of giving back where a line says so. Purchases are of twice as many people, because most of a
purchase is waiting for others. Every run's history is checked (bench/history.py).
"""
import argparse
import glob
import json
import os
import random
import re
import subprocess
import sys
import time

import history
import report
from lab import BUILD, ROOT, Lab, children_of, crowd_status, finish, precise_cpu_s, prepare_kernel, print_table, say, wait_for

SEATS, HOT, LIMIT = 50000, 100, 3
PG_CLIENTS = 32
BATCH = 64  # commands in one call, as a gateway gathers them (src/edge/choosing.c)
SALE = {"policy": "capacity", "capacity": 1000000, "choose_ms": 600000, "claim_ms": 600000, "limit": LIMIT}


# ---- the crowd ----

def rates(crowd, seconds, warm=2.0):
    time.sleep(warm)
    before = crowd_status(crowd)
    time.sleep(seconds)
    after = crowd_status(crowd)
    took = after["t"] - before["t"]
    r = {k: (after[k] - before[k]) / took for k in ("holds", "conflicts", "releases", "bought", "errors")}
    r["answers"] = r["holds"] + r["conflicts"]
    return {**r, "commands": r["answers"] + r["releases"], "p99_ms": after["hold_p99_ms"], "p50_ms": after["hold_p50_ms"]}


def start_boxoffice(lab, gateways, **settings):
    lab.start_redis(nice=0)  # of few processes none needs to go first
    lab.start_postgres()
    lab.start_payment("--auto", "1")
    lab.write_config(gateways=gateways, messages_per_10s=10000, brake_payment_latency_ms=0)
    lab.import_sale(SEATS, {**SALE, **settings})
    lab.serve()
    wait_for("gateways", lambda: len(lab.gateways()) == gateways)
    time.sleep(1)


def processes_of(lab, crowd):
    return {"gateways": lab.gateways(), "Redis": [lab.redis.pid], "scribe": lab.scribe(), "PostgreSQL": [lab.postgres_child.pid] + children_of(lab.postgres_child.pid),
            "crowd": [crowd.pid] + children_of(crowd.pid)}


def psql(lab, sql):
    folder = re.search(r"host=(\S+)", lab.postgres)[1]
    psql_bin = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1]
    return subprocess.run([psql_bin, "-h", folder, "-U", "boxoffice", "-d", "postgres", "-At", "-c", sql], check=True, capture_output=True, text=True).stdout


def is_quiet(lab):
    """Nothing is decided any more, payments that were under way included, and PostgreSQL has it all."""
    state = lambda: [lab.redis_run("HGET", "bo:{bench}:state", field) for field in ("seq", "committed")]
    before = state()
    time.sleep(2)
    return state() == before and before[0] == before[1]


def checked(lab):
    """What the ledger says, what there is, and what people were told."""
    wait_for("the sale to be quiet", lambda: is_quiet(lab), 120)
    ledger = [json.loads(line) for line in psql(lab, "SELECT json_build_object('seq', seq, 'at', at_ms, 'kind', kind, 'body', body) FROM ledger ORDER BY seq").splitlines()]
    tickets = [json.loads(line) for line in psql(lab, "SELECT json_build_object('seat', seat, 'order', order_id) FROM tickets").splitlines()]
    refunds = [json.loads(line) for line in psql(lab, "SELECT json_build_object('order', order_id) FROM refunds").splitlines()]
    checker = history.check(ledger, tickets, refunds, LIMIT, [open(f) for f in sorted(glob.glob(lab.folder + "/history.*"))])
    for rule, example in checker.examples.items():
        say("%s, for example: %s" % (rule, example))
    return checker.found


def sale(name, dialect, people, seconds, gateways, *more):
    lab = Lab(name)
    try:
        start_boxoffice(lab, gateways)
        crowd = lab.crowd(people, "--wait", "--dialect", dialect, "--limit", "600", "--history", lab.folder + "/history", *more)
        wait_for("everyone to be inside", lambda: crowd_status(crowd).get("joined", 0) >= people, 60, 0.1)
        pids = processes_of(lab, crowd)
        before = {k: precise_cpu_s(v) for k, v in pids.items()}
        began = time.monotonic()
        found = rates(crowd, seconds)
        took = time.monotonic() - began
        found["cores"] = {k: round((precise_cpu_s(v) - before[k]) / took, 2) for k, v in pids.items()}
        lab.end(crowd)
        found["broken"] = checked(lab)
        say("%s: %s" % (name, {k: round(v, 1) if isinstance(v, float) else v for k, v in found.items()}))
        return found
    finally:
        lab.stop()


# ---- what bounds it ----

def bare_echo(people, seconds):
    lab = Lab("echo")
    try:
        lab.start([BUILD + "/bench/bare", str(lab.port), "1"])
        time.sleep(0.5)
        crowd = lab.crowd_in_line(people, "--wait", "--dialect", "echo", "--limit", "120", "--history", lab.folder + "/history")
        return rates(crowd, seconds)["holds"]
    finally:
        lab.stop()


def script_alone(seconds):
    """The script of holds and releases, driven by redis-benchmark: people hold three seats one by one and give them back, BATCH commands a call."""
    lab = Lab("script")
    try:
        start_boxoffice(lab, 1)
        crowd = lab.crowd(BATCH // 4, "--wait", "--dialect", "holds", "--pace", "1", "--limit", "120")
        wait_for("everyone to be inside", lambda: crowd_status(crowd).get("joined", 0) >= BATCH // 4, 60, 0.1)
        inside = [(name, int(number)) for name, number in re.findall(r"(g:\S+) (\d+)", psql(lab, "SELECT body->>'person' || ' ' || (body->>'number') FROM ledger WHERE kind = 'enter'"))]
        lab.end(crowd)
        words = []
        for i, (person, number) in enumerate(inside[:BATCH // 4]):
            seats = [i * 3, i * 3 + 1, i * 3 + 2]
            for seat in seats:
                words += [person, number, "h%d__rand_int__" % seat, "hold", 0, 2, 0, seat, 5000]
            words += [person, number, "r%d__rand_int__" % i, "release", 0, 3, 0] + seats
        keys = ["bo:{bench}:" + name for name in "line active state people seats map absent gone orders log feed news lanes stock grants".split()]
        text = os.path.join(lab.folder, "choose.lua")
        expand = lambda t: re.sub(r"^--- include (\w+)$", lambda m: expand(open("%s/lua/lib/%s.lua" % (ROOT, m[1])).read()), t, flags=re.M)
        open(text, "w").write(expand(open(ROOT + "/lua/seats_choose.lua").read()))
        sha = lab.redis_run("SCRIPT", "LOAD", open(text).read())
        calls = int(seconds * 1500)
        out = subprocess.run(["redis-benchmark", "-s", lab.redis_socket, "-c", "4", "-n", str(calls), "-r", "1000000000", "--csv", "EVALSHA", sha, str(len(keys))] + keys
                             + [str(w) for w in words], check=True, capture_output=True, text=True).stdout
        return float(out.strip().splitlines()[-1].split(",")[1].strip('"')) * BATCH
    finally:
        lab.stop()


def best_seats(tries=400):
    """Redis' time for the best four together of 50,000, half of them taken at random; µs, 99th percentile."""
    lab = Lab("best")
    try:
        start_boxoffice(lab, 1, choosers_per_seat=10, limit=4)
        taken = random.Random(7).sample(range(1, SEATS + 1), SEATS // 2)
        for i in range(0, len(taken), 1000):
            lab.admin("POST", "/api/sales/bench/block", {"seats": ["S-%d" % n for n in taken[i:i + 1000]]})
        lab.redis_run("CONFIG", "SET", "slowlog-max-len", "100000")
        lab.redis_run("CONFIG", "SET", "slowlog-log-slower-than", "0")
        crowd = lab.crowd(tries, "--wait", "--dialect", "best", "--limit", "120")
        wait_for("everyone to have his seats", lambda: crowd_status(crowd).get("holds", 0) + crowd_status(crowd).get("conflicts", 0) >= tries, 60)
        expand = lambda t: re.sub(r"^--- include (\w+)$", lambda m: expand(open("%s/lua/lib/%s.lua" % (ROOT, m[1])).read()), t, flags=re.M)
        sha = lab.redis_run("SCRIPT", "LOAD", expand(open(ROOT + "/lua/seats_best.lua").read()))
        took = sorted(us for us, words in slowlog(lab) if words[:2] == ["EVALSHA", sha])
        if len(took) < tries:
            sys.exit("only %d calls of seats_best were seen" % len(took))
        return took[int(len(took) * 0.99)], crowd_status(crowd)["holds"]
    finally:
        lab.stop()


def slowlog(lab):
    """(µs, words of the command) of everything Redis has done since."""
    out = subprocess.run(["redis-cli", "-s", lab.redis_socket, "--json", "-3", "SLOWLOG", "GET", "100000"], check=True, capture_output=True).stdout.decode(errors="replace")
    return [(entry[2], entry[3]) for entry in json.loads(out)]


# ---- what others do ----

PG_TABLES = """CREATE TABLE hall (id int PRIMARY KEY); INSERT INTO hall VALUES (1);
CREATE TABLE place (id int PRIMARY KEY, owner int); INSERT INTO place SELECT i, NULL FROM generate_series(1, %d) i;""" % SEATS
HOLD = "UPDATE place SET owner = CASE WHEN owner IS NULL THEN (:client_id)::int END WHERE id = :seat;\n"
PG_WAYS = {"row locks": "\\set seat random(1, %d)\nBEGIN;\nSELECT owner FROM place WHERE id = :seat FOR UPDATE;\n%sCOMMIT;\n" % (SEATS, HOLD),
           "a lock per event": "\\set seat random(1, %d)\nBEGIN;\nSELECT id FROM hall WHERE id = 1 FOR UPDATE;\nSELECT owner FROM place WHERE id = :seat;\n%sCOMMIT;\n" % (SEATS, HOLD)}


def postgres_alone(seconds):
    lab = Lab("pgbench")
    try:
        lab.start_postgres()
        psql(lab, PG_TABLES)
        psql(lab, "VACUUM ANALYZE")
        folder, bench = re.search(r"host=(\S+)", lab.postgres)[1], sorted(glob.glob("/usr/lib/postgresql/*/bin/pgbench"))[-1]
        found = {}
        for name, script in PG_WAYS.items():
            path = os.path.join(lab.folder, "script.sql")
            open(path, "w").write(script)
            out = subprocess.run([bench, "-h", folder, "-U", "boxoffice", "-n", "-M", "prepared", "-c", str(PG_CLIENTS), "-j", "2", "-T", str(int(seconds)), "-f", path, "postgres"],
                                 check=True, capture_output=True, text=True).stdout
            found[name] = float(re.search(r"tps = ([\d.]+)", out)[1])
        return found
    finally:
        lab.stop()


def node_seat_locks(people, seconds):
    lab = Lab("node")
    try:
        lab.start_redis(nice=0)
        lab.start(["node", ROOT + "/bench/peers/seatlock.mjs", str(lab.port), "2", lab.redis_socket], log="node.log")
        time.sleep(2)
        crowd = lab.crowd_in_line(people, "--wait", "--dialect", "lockers", "--limit", "120", "--history", lab.folder + "/history")
        return rates(crowd, seconds)["answers"]
    finally:
        lab.stop()


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh holds")
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--gateways", type=int, default=1)
    o = parser.parse_args()
    kernel = prepare_kernel()
    echo = bare_echo(o.people, o.seconds)
    wide = sale("wide", "holds", o.people, o.seconds, o.gateways)
    hot = sale("hot", "holds", o.people, o.seconds, o.gateways, "--hot", str(HOT))
    half = sale("half", "holds", o.people, o.seconds, o.gateways, "--pace", str(int(wide["commands"] / 2)))
    bought = sale("purchases", "buys", 2 * o.people, o.seconds, o.gateways)
    script, (best_us, best_holds) = script_alone(o.seconds), best_seats()
    others, node = postgres_alone(o.seconds), node_seat_locks(o.people, o.seconds)
    broken = {rule: sum(run["broken"][rule] for run in (wide, hot, half, bought)) for rule in history.RULES}
    values = {"echo_per_s": echo, "holds_per_s": wide["answers"], "holds_and_releases_per_s": wide["commands"], "hot_per_s": hot["answers"], "purchases_per_s": bought["bought"],
              "holds_vs_bare_echo": wide["answers"] / echo, "holds_and_releases_vs_bare_echo": wide["commands"] / echo, "hot_vs_bare_echo": hot["answers"] / echo,
              "holds_vs_redis_benchmark": wide["commands"] / script, "holds_vs_pg_row_locks": wide["answers"] / others["row locks"],
              "holds_vs_event_lock": wide["answers"] / others["a lock per event"], "holds_vs_node_seat_lock": wide["answers"] / node, "hold_p99_ms_at_half_peak": half["p99_ms"],
              "purchases_vs_holds": bought["bought"] / wide["holds"], "hot_vs_wide": hot["answers"] / wide["answers"], "best_available_p99_us": best_us, **broken}
    print("\n%d people inside at the same time, %g s each, the crowd on the same 2 cores" % (o.people, o.seconds))
    print_table([("", "answers/s", "wide / it", "p50 ms", "p99 ms"),
                 ("bare libwebsockets echo", echo, wide["answers"] / echo, "", ""),
                 ("boxoffice, wide: holds", wide["answers"], 1.0, wide["p50_ms"], wide["p99_ms"]),
                 ("  with what is given back", wide["commands"], "", "", ""),
                 ("boxoffice, hot", hot["answers"], wide["answers"] / hot["answers"], hot["p50_ms"], hot["p99_ms"]),
                 ("boxoffice, wide at half pace", half["answers"], "", half["p50_ms"], half["p99_ms"]),
                 ("boxoffice, whole purchases", bought["bought"], wide["answers"] / bought["bought"], "", ""),
                 ("the script by redis-benchmark", script, wide["commands"] / script, "", ""),
                 ("PostgreSQL, row locks", others["row locks"], wide["answers"] / others["row locks"], "", ""),
                 ("PostgreSQL, a lock per event", others["a lock per event"], wide["answers"] / others["a lock per event"], "", ""),
                 ("Node ws + Redis, a lock per seat", node, wide["answers"] / node, "", "")])
    print("  cores, wide: %s; hot: %s; purchases: %s" % tuple(" ".join("%s %.2f" % kv for kv in run["cores"].items()) for run in (wide, hot, bought)))
    print("  the best four together: %d of 400 people got them, Redis took %d µs at most for 99 of 100\n" % (best_holds, best_us))
    report.write("holds", values, kernel=kernel, parts=[report.bars("answers to holds per second", {
        "bare echo": echo, "boxoffice": wide["answers"], "boxoffice, hot": hot["answers"], "PostgreSQL row locks": others["row locks"],
        "a lock per event": others["a lock per event"], "Node, a lock per seat": node})])
    zero = {rule: ("<=", 0) for rule in history.RULES}
    return finish(values, {"holds_vs_bare_echo": (">=", 0.35), "holds_vs_pg_row_locks": (">=", 5), "holds_vs_event_lock": (">=", 10), "holds_vs_node_seat_lock": (">=", 3),
                           "hold_p99_ms_at_half_peak": ("<=", 50), "purchases_vs_holds": (">=", 0.05), "hot_vs_wide": (">=", 0.8), "best_available_p99_us": ("<=", 1000), **zero})


if __name__ == "__main__":
    sys.exit(main())
