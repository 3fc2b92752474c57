# SPDX-License-Identifier: Apache-2.0
"""How fast the scribe writes a full log into PostgreSQL, beside a bare binary COPY of the same rows into a table with the same primary key.

usage: bench/run.sh scribe [--seconds S] [--people N]

The log is a real one: a crowd holds and gives back seats for S seconds while the scribe stands still; and one of purchases, made by the same scripts. Then nothing else runs, and
the time is taken until PostgreSQL has the last record; once with large records, of many people's commands that came together, and once with small ones, of one command each. The pairs are
repeated, each time with the rows of before gone.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time

import report
from holds import SALE, SEATS, psql
from lab import Lab, crowd_status, finish, precise_cpu_s, prepare_kernel, print_table, say, wait_for

TIMES = 3
FEW = 2  # people whose commands do not come together: each record is one command
TABLE = "CREATE TABLE bare (sale text NOT NULL, seq bigint NOT NULL, at_ms bigint NOT NULL, kind text NOT NULL, body jsonb NOT NULL, PRIMARY KEY (sale, seq))"


def start(lab):
    lab.start_redis(nice=0)
    lab.start_postgres()
    lab.start_payment("--auto", "1")
    lab.write_config(gateways=1, messages_per_10s=10000, brake_payment_latency_ms=0)
    lab.import_sale(SEATS, {**SALE, "backlog_max": 100000000})
    lab.serve()
    wait_for("the gateway", lambda: len(lab.gateways()) == 1)
    time.sleep(1)


def state(lab, field):
    return int(lab.redis_run("HGET", "bo:{bench}:state", field) or 0)


def fill_with_holds(lab, people, seconds):
    for pid in lab.scribe():
        os.kill(pid, signal.SIGSTOP)
    crowd = lab.crowd(people, "--wait", "--dialect", "holds", "--limit", "600")
    wait_for("everyone to be inside", lambda: crowd_status(crowd).get("joined", 0) >= people, 60, 0.1)
    time.sleep(seconds)
    lab.end(crowd)


def write_all(lab):
    """Until PostgreSQL has it; returns records, seconds, and the CPU of scribe and PostgreSQL."""
    wait_for("the sale to be quiet", lambda: (lambda before: time.sleep(1) or state(lab, "seq") == before)(state(lab, "seq")), 60)
    written, last = int(psql(lab, "SELECT coalesce(max(seq), 0) FROM ledger")), state(lab, "seq")
    pids = lab.scribe() + [lab.postgres_child.pid]
    for pid in lab.scribe():
        os.kill(pid, signal.SIGCONT)
    wait_for("the scribe to begin", lambda: state(lab, "committed") > written, 30, 0.001)
    began, from_ = time.monotonic(), state(lab, "committed")
    cpu = precise_cpu_s(lab.scribe())
    wait_for("all to be written", lambda: state(lab, "committed") >= last, 300, 0.005)
    took = time.monotonic() - began
    return last - from_, took, precise_cpu_s(lab.scribe()) - cpu


def copy_bare(lab, folder):
    """The same rows, as one file, into a fresh table; returns rows and seconds of the COPY."""
    path = os.path.join(folder, "rows")
    psql(lab, "COPY (SELECT sale, seq, at_ms, kind, body FROM ledger) TO '%s' (FORMAT binary)" % path)
    took = []
    for _ in range(TIMES):
        psql(lab, "DROP TABLE IF EXISTS bare")
        psql(lab, TABLE)
        psql(lab, "CHECKPOINT")
        out = subprocess.run([sorted(__import__("glob").glob("/usr/lib/postgresql/*/bin/psql"))[-1], "-h", re.search(r"host=(\S+)", lab.postgres)[1], "-U", "boxoffice", "-d", "postgres", "-c", "\\timing on",
                              "-c", "COPY bare FROM '%s' (FORMAT binary)" % path], check=True, capture_output=True, text=True).stdout
        took.append(float(re.search(r"Time: ([\d.]+) ms", out)[1]) / 1000)
    os.remove(path)
    return int(psql(lab, "SELECT count(*) FROM bare")), sorted(took)[len(took) // 2]


def measure(people, seconds):
    lab = Lab("scribe")
    try:
        start(lab)
        fill_with_holds(lab, people, seconds)
        records, took, cpu = write_all(lab)
        rows, copied = copy_bare(lab, re.search(r"host=(\S+)", lab.postgres)[1])
        size = int(psql(lab, "SELECT sum(length(body::text)) FROM ledger"))
        say("%d records in %.2f s (%.0f/s), %.2f s of it the scribe's CPU; COPY of %d rows in %.2f s (%.0f/s); %d bytes a record" % (records, took, records / took, cpu, rows, copied, rows / copied, size / rows))
        return {"scribe_per_s": records / took, "copy_per_s": rows / copied, "scribe_us": cpu / records * 1e6, "bytes": size / rows, "records": records}
    finally:
        lab.stop()


def ratio(run):
    return run["scribe_per_s"] / run["copy_per_s"]


def middle(runs):
    return sorted(runs, key=ratio)[len(runs) // 2]


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh scribe")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--people", type=int, default=1000)
    o = parser.parse_args()
    kernel = prepare_kernel()
    found = {"large": middle([measure(o.people, o.seconds) for _ in range(TIMES)]), "small": middle([measure(FEW, o.seconds) for _ in range(TIMES)])}
    values = {"%s_%s" % (name, key): value for name, f in found.items() for key, value in f.items()}
    values["scribe_vs_copy"] = min(ratio(f) for f in found.values())
    print_table([("a full log into PostgreSQL", "records/s", "of COPY", "µs of CPU", "bytes each")] + [row for name, f in found.items() for row in
                 (("bare binary COPY, %s records" % name, f["copy_per_s"], 1.0, "", f["bytes"]), ("the scribe, %s records" % name, f["scribe_per_s"], ratio(f), f["scribe_us"], f["bytes"]))])
    report.write("scribe", values, kernel=kernel, parts=[report.bars("records per second", {"%s, %s records" % (what, name): f[key] for name, f in found.items()
                                                                                            for what, key in (("COPY", "copy_per_s"), ("scribe", "scribe_per_s"))})])
    return finish(values, {"scribe_vs_copy": (">=", 0.4)})


if __name__ == "__main__":
    sys.exit(main())
