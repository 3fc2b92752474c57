# SPDX-License-Identifier: Apache-2.0
"""The line beside its floor and its peers, the same crowd sent to each.

usage: bench/run.sh line [--people N,N] [--seconds N]

For every number of people: join (connect, join, first place told), wait (news every 10 s), memory; server CPU is that of the
server's processes and its Redis. boxoffice also keeps everything in PostgreSQL meanwhile; what that costs is told apart.
Then news at the front's pace beside a bare send() loop, and a burst of admissions.
"""
import argparse
import os
import subprocess
import sys
import time

import report
from lab import (BUILD, ROOT, Lab, children_of, cmdline, crowd_status, finish, precise_cpu_s, prepare_kernel, print_table, private_bytes, say, wait_for)

PER_PROCESS = 19300
PEERS = os.path.join(ROOT, "bench/peers")
FRAME_BYTES = 86  # of a position told to somebody far behind
NOBODY = {"policy": "capacity", "capacity": 0, "claim_ms": 600000, "grace_ms": 600000}


def start_boxoffice(lab, processes, settings, seats=100, **options):
    lab.start_redis()
    lab.start_postgres()
    lab.write_config(gateways=processes, **options)
    lab.import_sale(seats, settings)
    lab.serve()
    wait_for("gateways", lambda: len(lab.gateways()) == processes)
    time.sleep(2)


class Boxoffice:
    name, dialect, poll = "boxoffice", "boxoffice", 0

    def __init__(self, lab, processes):
        self.lab = lab
        start_boxoffice(lab, processes, NOBODY, news_front_ms=10000, news_back_ms=10000)

    def servers(self):
        return self.lab.gateways()

    def stores(self):
        return [self.lab.redis.pid]

    def writers(self):
        return self.lab.scribe() + [self.lab.postgres_child.pid] + children_of(self.lab.postgres_child.pid)


class Node:
    poll = 10000

    def __init__(self, lab, processes):
        self.lab = lab
        lab.start_redis()
        self.primary = lab.start(["node", "%s/%s.mjs" % (PEERS, self.dialect), str(lab.port), str(processes), lab.redis_socket], log="node.log")
        time.sleep(2)

    def servers(self):
        return [self.primary.pid] + children_of(self.primary.pid)

    def stores(self):
        return [self.lab.redis.pid]

    def writers(self):
        return []


class Ws(Node):
    name, dialect = "Node ws + Redis", "ws"


class Socketio(Node):
    name, dialect = "socket.io + Redis", "socketio"


class Nchan:
    """Connecting, being told the same by broadcast, memory: what of the task fits. Nobody has a place of his own."""
    name, dialect, poll = "nginx + nchan", "nchan", 0

    def __init__(self, lab, processes):
        self.lab = lab
        config = os.path.join(lab.folder, "nginx.conf")
        with open(config, "w") as f:
            f.write("load_module /usr/lib/nginx/modules/ngx_nchan_module.so; daemon off; pid %s/nginx.pid; error_log %s/nginx.log;"
                    "worker_processes %d; worker_rlimit_nofile 20000; events { worker_connections 19900; }"
                    "http { access_log off; nchan_shared_memory_size 512M; server { listen 127.0.0.1:%d reuseport backlog=65535;"
                    "location = /sub/line { nchan_subscriber websocket; nchan_channel_id line; nchan_websocket_ping_interval 0; nchan_subscriber_first_message newest; }"
                    "location = /pub { nchan_publisher; nchan_channel_id line; nchan_message_buffer_length 1; } } }"
                    % (lab.folder, lab.folder, processes, lab.port))
        self.master = lab.start(["nginx", "-c", config, "-p", lab.folder], log="nginx.out")
        time.sleep(1)

    def servers(self):
        return [self.master.pid] + children_of(self.master.pid)

    def stores(self):
        return []

    def writers(self):
        return []

    def publish(self):
        subprocess.run(["curl", "-s", "-o", "/dev/null", "--data", "x" * (FRAME_BYTES - 2), "http://127.0.0.1:%d/pub" % self.lab.port])


class Bare(Nchan):
    name, dialect = "bare libwebsockets", "bare"

    def __init__(self, lab, processes):
        self.lab = lab
        self.master = lab.start([BUILD + "/bench/bare", str(lab.port), str(processes)])
        time.sleep(0.5)

    def publish(self):
        for pid in children_of(self.master.pid):
            os.kill(pid, 10)


def measure(kind, people, seconds):
    """One server and one crowd; per person: µs of CPU to join, µs per minute of waiting, bytes."""
    lab = Lab("line")
    try:
        server = kind(lab, -(-people // PER_PROCESS))
        before, writers = precise_cpu_s(server.servers() + server.stores()), precise_cpu_s(server.writers())
        crowd = lab.crowd_in_line(people, "--wait", "--dialect", server.dialect, "--poll", str(server.poll), "--limit", "900")
        joined = precise_cpu_s(server.servers() + server.stores())
        result = {"join_us": (joined - before) / people * 1e6, "join_s": crowd_status(crowd)["join_s"],
                  "join_writing_us": (precise_cpu_s(server.writers()) - writers) / people * 1e6}
        time.sleep(5)
        cpu, frames, began = precise_cpu_s(server.servers() + server.stores()), crowd_status(crowd)["frames"], time.monotonic()
        while time.monotonic() - began < seconds:
            if hasattr(server, "publish"):
                server.publish()
            time.sleep(10)
        took = time.monotonic() - began
        result["wait_us_per_minute"] = (precise_cpu_s(server.servers() + server.stores()) - cpu) / people * 1e6 * 60 / took
        result["frames_per_s"] = (crowd_status(crowd)["frames"] - frames) / took
        result["bytes"] = private_bytes(server.servers()) / people
        return result
    finally:
        lab.stop()


def bare_send(people):
    lab = Lab("send")
    try:
        server = lab.start([BUILD + "/bench/bare", str(lab.port), str(-(-people // PER_PROCESS)), "5", str(FRAME_BYTES)], log="bare.log")
        time.sleep(0.5)
        lab.crowd_in_line(people, "--wait", "--dialect", "bare", "--limit", "300")
        time.sleep(2)
        for pid in children_of(server.pid):
            os.kill(pid, 10)
        found = wait_for("the rounds", lambda: "cpu_us_per_frame" in lab.log("bare.log") and lab.log("bare.log"), 60)
        return float(found.split('cpu_us_per_frame":')[1].split("}")[0])
    finally:
        lab.stop()


def push(people, seconds=15):
    """Everyone hears every second: gateway CPU per position told, all it does meanwhile included."""
    lab = Lab("push")
    try:
        start_boxoffice(lab, -(-people // PER_PROCESS), NOBODY, news_front_ms=1000, news_back_ms=1000)
        lab.crowd_in_line(people, "--wait", "--limit", "300")
        time.sleep(5)
        cpu, told, began = precise_cpu_s(lab.gateways()), lab.metric("positions_total"), time.monotonic()
        time.sleep(seconds)
        told = lab.metric("positions_total") - told
        return {"push_us": (precise_cpu_s(lab.gateways()) - cpu) / told * 1e6, "pushes_per_s": told / (time.monotonic() - began)}
    finally:
        lab.stop()


def burst(people):
    lab = Lab("burst")
    try:
        start_boxoffice(lab, -(-people // PER_PROCESS), NOBODY, seats=min(people, 100000), news_back_ms=28000)
        crowd = lab.crowd_in_line(people, "--wait", "--limit", "300")
        time.sleep(8)
        lab.admin("PATCH", "/api/sales/bench", {"capacity": 1000000})
        wait_for("everyone to be admitted", lambda: crowd_status(crowd)["admitted"] >= people, 120)
        return people / crowd_status(crowd)["admit_s"]
    finally:
        lab.stop()


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh line")
    parser.add_argument("--people", default="19000,95000")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--burst", type=int, default=100000)
    options = parser.parse_args()
    kernel = prepare_kernel()
    values, parts = {}, []
    for people in [int(n) for n in options.people.split(",")]:
        found = {}
        for kind in (Bare, Boxoffice, Ws, Socketio, Nchan):
            found[kind.name] = measure(kind, people, options.seconds)
            say("%s, %d: %s" % (kind.name, people, {k: round(v, 1) for k, v in found[kind.name].items()}))
        ours = found["boxoffice"]
        print("\n%d people, %d processes" % (people, -(-people // PER_PROCESS)))
        print_table([("", "join µs", "ratio", "join s", "wait µs/min", "ratio", "bytes", "ratio", "frames/s")] + [
            (name, f["join_us"], ours["join_us"] / f["join_us"], f["join_s"], f["wait_us_per_minute"], ours["wait_us_per_minute"] / max(f["wait_us_per_minute"], 0.01),
             f["bytes"], ours["bytes"] / f["bytes"], f["frames_per_s"]) for name, f in found.items()])
        print("  ratio: boxoffice / the other; boxoffice writes everything behind to PostgreSQL meanwhile: %.1f µs more per join" % ours["join_writing_us"])
        for name, f in found.items():
            key = name.split()[0].strip(",").replace(".", "").lower() if name != "Node ws + Redis" else "node_ws"
            values.update({"%s_%s_%d" % (key, k, people): v for k, v in f.items()})
        for key, name in (("node_ws", "Node ws + Redis"), ("socketio", "socket.io + Redis"), ("nchan", "nginx + nchan")):
            values["join_cpu_vs_%s" % key] = max(values.get("join_cpu_vs_%s" % key, 0), ours["join_us"] / found[name]["join_us"])
            values["waiting_cpu_vs_%s" % key] = max(values.get("waiting_cpu_vs_%s" % key, 0), ours["wait_us_per_minute"] / found[name]["wait_us_per_minute"])
            values["memory_vs_%s" % key] = max(values.get("memory_vs_%s" % key, 0), ours["bytes"] / found[name]["bytes"])
        parts.append(report.bars("%d people: server CPU to join, µs each" % people, {name: f["join_us"] for name, f in found.items()}))
        parts.append(report.bars("%d people: server CPU per minute of waiting, µs each" % people, {name: f["wait_us_per_minute"] for name, f in found.items()}))
        parts.append(report.bars("%d people: memory of the server's processes, bytes each" % people, {name: f["bytes"] for name, f in found.items()}))
    values["bare_send_us"] = bare_send(19000)
    values.update(push(19000))
    values["push_cpu_vs_bare_send"] = values["push_us"] / values["bare_send_us"]
    values["admitted_and_told_per_s"] = burst(options.burst)
    print("\nnews: %.2f µs of gateway CPU per position told (%.0f/s), a bare send() %.2f µs" % (values["push_us"], values["pushes_per_s"], values["bare_send_us"]))
    print("burst: %.0f admitted and told per second\n" % values["admitted_and_told_per_s"])
    report.write("line", values, kernel=kernel, parts=parts)
    return finish(values, {"push_cpu_vs_bare_send": ("<=", 1.4), "admitted_and_told_per_s": (">=", 30000), "join_cpu_vs_node_ws": ("<=", 0.4),
                           "waiting_cpu_vs_node_ws": ("<=", 0.2), "memory_vs_node_ws": ("<=", 0.33)})


if __name__ == "__main__":
    sys.exit(main())
