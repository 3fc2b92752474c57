# SPDX-License-Identifier: Apache-2.0
"""What a person costs as the line grows: CPU, memory, messages at 10,000, 100,000 and 1,000,000.

usage: bench/run.sh growth [--people N,N,N] [--seconds N]

CPU is that of gateways and Redis for one join and the given seconds of waiting, with news every 28 s.
"""
import argparse
import sys
import time

import report
from lab import Lab, crowd_status, finish, precise_cpu_s, prepare_kernel, print_table, private_bytes, say
from line import NOBODY, start_boxoffice

PER_GATEWAY = 18800


def measure(people, seconds):
    lab = Lab("growth")
    try:
        start_boxoffice(lab, max(1, -(-people // PER_GATEWAY)), NOBODY, news_back_ms=28000, news_front_ms=28000, arrival_turn_ms=50)
        empty = lab.redis_memory()
        server = lab.gateways() + [lab.redis.pid]
        cpu = precise_cpu_s(server)
        crowd = lab.crowd_in_line(people, "--wait", "--limit", "1200", within_s=600)
        join_s = crowd_status(crowd)["join_s"]
        joined = precise_cpu_s(server)
        time.sleep(5)
        before, frames = precise_cpu_s(server), crowd_status(crowd)["frames"]
        time.sleep(seconds)
        waited, heard = precise_cpu_s(server) - before, crowd_status(crowd)["frames"] - frames
        return {"join_us": (joined - cpu) / people * 1e6, "wait_us": waited / people * 1e6, "cpu_us": (joined - cpu + waited) / people * 1e6, "join_s": join_s,
                "gateway_bytes": private_bytes(lab.gateways()) / people, "redis_bytes": (lab.redis_memory() - empty) / people,
                "messages_per_minute": heard / people * 60 / seconds}
    finally:
        lab.stop()


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh growth")
    parser.add_argument("--people", default="10000,100000,1000000")
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    kernel = prepare_kernel()
    sizes = [int(n) for n in options.people.split(",")]
    found = {}
    for people in sizes:
        found[people] = measure(people, options.seconds)
        say("%d: %s" % (people, {k: round(v, 1) for k, v in found[people].items()}))
        time.sleep(5)
    print_table([("per person", "join µs", "wait µs", "CPU µs", "bytes", "Redis bytes", "messages/min", "join s")] + [
        (n, f["join_us"], f["wait_us"], f["cpu_us"], f["gateway_bytes"], f["redis_bytes"], f["messages_per_minute"], f["join_s"]) for n, f in found.items()])
    values = {"%s_%d" % (k, n): v for n, f in found.items() for k, v in f.items()}
    values["cpu_per_person_1m_vs_10k"] = found[sizes[-1]]["cpu_us"] / found[sizes[0]]["cpu_us"]
    curve = lambda key: [(float(i), found[n][key]) for i, n in enumerate(sizes)]
    parts = [report.graph("CPU per person", {"join and wait": curve("cpu_us"), "join": curve("join_us"), "wait": curve("wait_us")}, " µs", "")
             , report.graph("Memory per person", {"gateways": curve("gateway_bytes"), "Redis": curve("redis_bytes")}, " B", ""),
             "<p>From left to right: %s people.</p>" % ", ".join("{:,}".format(n) for n in sizes)]
    report.write("growth", values, kernel=kernel, parts=parts)
    return finish(values, {"cpu_per_person_1m_vs_10k": ("<=", 1.25)})


if __name__ == "__main__":
    sys.exit(main())
