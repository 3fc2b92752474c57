# SPDX-License-Identifier: Apache-2.0
"""A million people in one line on one machine, and a sale to its end.

usage: bench/run.sh million [--people N] [--seats N] [--rate PER_SECOND] [--gateways N] [--wait SECONDS]

1. Bare libwebsockets servers accept as many connections from the same crowd: the floor.
2. Everyone joins a paused sale, hears his number and place, and waits; what that costs is measured.
3. The sale runs at the rate to its last seat, while people leave, break off and come back, and one gateway is killed.
4. Everyone has heard a final word, and what was told is held against PostgreSQL.
Writes bench/results/million.json and million.html.
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import report
from lab import (BUILD, Lab, children_of, cpu_s, crowd_status, finish, precise_cpu_s, prepare_kernel, private_bytes, say, wait_for)

PER_GATEWAY = 18800  # below the limit of 20,000 files, with room for how unevenly the kernel spreads connections
ZERO = ["lost_people", "order_violations", "position_increases", "rate_overruns", "capacity_overruns", "oversold", "double_tickets", "lost_orders",
        "untold_people"]


class Sampler(threading.Thread):
    """Every two seconds: how many are where, and what every kind of process has cost."""

    def __init__(self, lab, crowd):
        super().__init__(daemon=True)
        self.lab, self.crowd, self.rows, self.phase, self.over = lab, crowd, [], "join", False
        self.started, self.looked_up = time.monotonic(), -100

    def groups(self):
        """Looked up anew every ten seconds: going through all processes costs as much as everything else here."""
        if time.monotonic() - self.looked_up > 10:
            lab, self.looked_up = self.lab, time.monotonic()
            self.known = {"gateways": lab.gateways(), "redis": [lab.redis.pid], "postgres": [lab.postgres_child.pid] + children_of(lab.postgres_child.pid),
                          "scribe": lab.scribe(), "crowd": [self.crowd.pid] + children_of(self.crowd.pid)}
        return self.known

    def sample(self):
        row = {"t": round(time.monotonic() - self.started, 2), "phase": self.phase, "crowd": crowd_status(self.crowd)}
        for name, pids in self.groups().items():
            row["cpu_" + name], row["memory_" + name] = cpu_s(pids), private_bytes(pids)
        with open("/proc/meminfo") as f:
            info = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in f}
        row["memory_used"] = info["MemTotal"] - info["MemAvailable"]
        try:
            row["counts"] = self.lab.admin("GET", "/api/sales/bench/counts", tries=1)
            row["positions"] = self.lab.metric("positions_total")
        except OSError:
            pass
        self.rows.append(row)

    def run(self):
        while not self.over:
            began = time.monotonic()
            self.sample()
            time.sleep(max(0.05, 2 - (time.monotonic() - began)))


def bare(lab, people, gateways):
    server = lab.start([BUILD + "/bench/bare", str(lab.port + 3), str(gateways)])
    crowd = lab.crowd_in_line(people, "--wait", "--dialect", "bare", "--limit", "400", port=lab.port + 3, within_s=400)
    status = crowd_status(crowd)
    result = {"bare_accept_s": status["join_s"], "bare_bytes_per_person": private_bytes(children_of(server.pid)) / people}
    lab.end(server)
    lab.end(crowd, 120)
    return result


def start(lab, options):
    lab.start_redis()
    lab.start_postgres()
    lab.start_payment("--auto", "0.93", "--delay", "50-500", "--twice", "0.02", "--confuse", "0.01", "--late", "0.005", "--late-ms", "3000")
    lab.write_config(gateways=options.gateways, news_back_ms=26500, arrival_turn_ms=50, tick_ms=max(100, 5 * options.gateways),
                     drain_ms=60000)
    lab.import_sale(options.seats, {"policy": "both", "rate_count": options.rate // 10 or 1, "rate_ms": 100, "capacity": options.rate * 40, "claim_ms": 15000,
                                    "choose_ms": 120000, "pay_ms": 60000, "grace_ms": 60000, "backlog_max": 1000000})
    lab.serve()
    wait_for("every gateway", lambda: len(lab.gateways()) == options.gateways)
    time.sleep(2 + options.gateways / 10)
    lab.admin("POST", "/api/sales/bench/pause", tries=1)
    time.sleep(2)


def waiting_phase(lab, sampler, options):
    """Everyone is in line: what does it cost to keep them there and tell them?"""
    time.sleep(10)  # what joining left behind is written
    gateways = lab.gateways()
    cpu, positions, began = precise_cpu_s(gateways), lab.metric("positions_total"), time.monotonic()
    time.sleep(options.wait)
    took = time.monotonic() - began
    return {"idle_gateway_cores": (precise_cpu_s(gateways) - cpu) / took, "positions_per_s": (lab.metric("positions_total") - positions) / took,
            "gateway_bytes_per_person": private_bytes(gateways) / options.people,
            "redis_bytes_per_person": (lab.redis_memory() - sampler.redis_before) / options.people,
            "longest_silence_s": crowd_status(sampler.crowd)["longest_silence_ms"] / 1000}


def sale_phase(lab, sampler, options, crowd):
    sampler.phase = "sale"
    lab.admin("POST", "/api/sales/bench/resume")
    crowd.send_signal(signal.SIGUSR1)  # from now on people leave, break off and come back
    time.sleep(options.steady)
    crowd.send_signal(signal.SIGUSR2)
    victim = random.Random(options.people).choice(lab.gateways())
    say("killing gateway %d" % victim)
    os.kill(victim, signal.SIGKILL)
    try:
        crowd.wait(options.limit)
    except subprocess.TimeoutExpired:
        say("not over after %d s: the crowd is stopped, and says how it stands" % options.limit)
        crowd.send_signal(signal.SIGTERM)
        crowd.wait(180)
    sampler.phase = "end"


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh million")
    parser.add_argument("--people", type=int, default=1000000)
    parser.add_argument("--seats", type=int, default=50000)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--gateways", type=int)
    parser.add_argument("--wait", type=int, default=60)
    parser.add_argument("--steady", type=int, default=15, help="seconds of the sale before the gateway is killed")
    parser.add_argument("--limit", type=int, default=600)
    parser.add_argument("--restless", type=float, default=0.1, help="1: 9 of a hundred leave, break off and come back, or vanish")
    parser.add_argument("--think", type=float, default=24, help="24: a choice takes 6 to 60 seconds")
    options = parser.parse_args()
    options.gateways = options.gateways or max(2, -(-options.people // PER_GATEWAY))
    kernel = prepare_kernel()
    values = {"people": 0, "gateways": options.gateways}
    lab = Lab("million")
    values.update(bare(lab, options.people, options.gateways))
    say("bare: %(bare_accept_s).1f s, %(bare_bytes_per_person).0f B per connection" % values)
    start(lab, options)
    redis_before = lab.redis_memory()
    crowd = lab.crowd(options.people, "--hold-go", "--postgres", lab.postgres, "--limit", "1500", "--look", "100", "--restless", str(options.restless), "--spread",
                      "60000", "--think", str(options.think), "--rate", str(options.rate // 10 or 1), "--rate-ms", "100", "--capacity", str(options.rate * 40), "--supervisor", str(lab.server.pid), log="crowd.log")
    sampler = Sampler(lab, crowd)
    sampler.redis_before = redis_before
    sampler.start()
    wait_for("everyone to be in line", lambda: crowd_status(crowd).get("placed", 0) >= options.people or crowd.poll() is not None, options.limit, 0.2)
    status = crowd_status(crowd)
    values.update(people=status["placed"], join_s=status["join_s"], join_time_vs_bare_accept=status["join_s"] / values["bare_accept_s"])
    say("%(people)d people in line after %(join_s).1f s" % values)
    sampler.phase = "wait"
    values.update(waiting_phase(lab, sampler, options))
    say(json.dumps(values))
    sale_phase(lab, sampler, options, crowd)
    sampler.over = True
    sampler.join()
    text = lab.log("crowd.log")
    say("\n".join(line for line in lab.log("boxoffice.log").split("\n")[:20]))
    verdict = json.loads(text.strip().split("\n")[-1])
    values.update({k: v for k, v in verdict.items() if k not in values})
    values["admit_to_told_p99_ms"] = verdict["admit_to_told_p99_ms"]
    report.write("million", values, sampler.rows, kernel)
    print("\n".join(line for line in text.split("\n") if not line.startswith("{") and " s: " not in line))
    bounds = {"people": (">=", options.people), **{key: ("<=", 0) for key in ZERO}, "join_time_vs_bare_accept": ("<=", 1.5),
              "gateway_bytes_per_person": ("<=", 2000), "redis_bytes_per_person": ("<=", 160), "idle_gateway_cores": ("<=", 0.5),
              "longest_silence_s": ("<=", 30), "admit_to_told_p99_ms": ("<=", 250), "estimates_right": (">=", 0.8)}
    return finish(values, bounds)


if __name__ == "__main__":
    sys.exit(main())
