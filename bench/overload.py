# SPDX-License-Identifier: Apache-2.0
"""Ten times the load that the operator has said is sustainable, for a minute; then peers that mean harm; then an hour's worth of joins and leaves in ten minutes.

usage: bench/run.sh overload [--seconds S] [--minutes M] [--silent N] [--parts overload,harm,churn]

Sustainable is what entry_per_s lets in: 150 people per second. What is accepted are the holds of people inside (200, 1,000 commands a second together) and those joins; who
is sent back hears when to try again, and those of the crowd do not keep to it: they come back after 0.75 s. Each latency is the 99th percentile over one phase.
"""
import argparse
import os
import random
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time

import report
from holds import SALE
from lab import BUILD, Lab, crowd_status, finish, prepare_kernel, print_table, private_bytes, say, wait_for

GATEWAYS, CAP, INSIDE, PACE = 2, 150, 200, 1000
TENFOLD = CAP * 10
NORMAL = 0.8  # of what the entry cap lets in: hardly anybody is sent back
RETRY_S = 0.75  # mean pause of the crowd before it tries again


def start(lab, **settings):
    lab.start_redis(nice=0)
    lab.start_postgres()
    lab.start_payment("--auto", "1")
    lab.write_config(gateways=GATEWAYS, messages_per_10s=10000, brake_payment_latency_ms=0)
    lab.import_sale(50000, {**SALE, **settings})  # enough that none of those who come is kept out for want of seats
    lab.serve()
    wait_for("gateways", lambda: lab.metric("listening") == GATEWAYS)


def bystanders(lab, people, ramp_ms):
    """Who comes and stands in line, or is sent back and tries again."""
    return lab.start([BUILD + "/bench/crowd", "--people", str(people), "--port", str(lab.port), "--sale", "bench", "--wait", "--limit", "900", "--ramp", str(ramp_ms), "--spread", "1000"],
                     log="bystanders.log")


class Probe:
    """Somebody new who asks to join: how long until he has an answer, and which."""

    def __init__(self, lab):
        self.lab, self.took, self.answers = lab, [], {}

    def ask(self):
        began = time.monotonic()
        answer = "no answer"
        try:
            with socket.create_connection(("127.0.0.1", self.lab.port), timeout=5) as s:
                s.sendall(b"GET /ws?sale=bench HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
                text = b""
                while b"}" not in text:
                    part = s.recv(65536)
                    if not part:
                        break
                    text += part
                answer = "joined" if b'"joined"' in text else "sent back" if b"retry_ms" in text else "full" if b"Retry" in text or b"retry-after" in text else "something else"
        except OSError as error:
            answer = type(error).__name__
        self.took.append((time.monotonic() - began) * 1000)
        self.answers[answer] = self.answers.get(answer, 0) + 1

    def p99(self):
        return sorted(self.took)[int(len(self.took) * 0.99)] if self.took else 0


def phase(lab, name, seconds, arrivals):
    """People inside hold; arrivals() starts others. Returns what the phase was like."""
    inside = lab.crowd(INSIDE, "--wait", "--dialect", "holds", "--limit", "900", "--pace", str(PACE))
    wait_for("people to be inside", lambda: crowd_status(inside).get("joined", 0) >= INSIDE, 120, 0.1)
    before = {n: lab.metric(n) for n in ("joins_total", "sent_back_total", "accepted_total")}
    crowds, probe, end = arrivals(), Probe(lab), time.monotonic() + seconds
    while time.monotonic() < end:
        probe.ask()
        time.sleep(0.05)
    status = crowd_status(inside)
    per_s = {n.replace("_total", "_per_s"): (lab.metric(n) - before[n]) / seconds for n in before}
    for crowd in [inside] + crowds:
        lab.end(crowd)
    found = {"p50_ms": status["hold_p50_ms"], "p99_ms": status["hold_p99_ms"], "answer_p99_ms": probe.p99(), "answers": probe.answers, **per_s}
    say("%s: %s" % (name, found))
    time.sleep(3)
    return found


def overload(seconds):
    lab = Lab("overload")
    try:
        start(lab, entry_per_s=CAP, grace_ms=1000)
        arrivals = lambda share: bystanders(lab, int(CAP * seconds * share), int(seconds * 1000))
        normal = lambda: [arrivals(NORMAL)]
        without = phase(lab, "sustainable", seconds / 3, normal)
        ten = phase(lab, "ten times", seconds, lambda: [bystanders(lab, int(TENFOLD * RETRY_S * 1.3), 0), arrivals(1)])  # as many come as are let in, so those sent back stay as many
        after = phase(lab, "afterwards", seconds / 3, normal)
        return without, ten, after
    finally:
        lab.stop()


# ---- peers that mean harm ----

def slowloris(lab, count, seconds):
    """A header that never ends, a byte a second. Returns how many are still there."""
    peers = [socket.create_connection(("127.0.0.1", lab.port)) for _ in range(count)]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for s in list(peers):
            try:
                s.sendall(b"G" if random.random() < 0.5 else b"E")
                s.setblocking(False)
                try:
                    if s.recv(4096) == b"":
                        raise OSError
                except BlockingIOError:
                    pass
                s.setblocking(True)
            except OSError:
                s.close()
                peers.remove(s)
        time.sleep(1)
    return len(peers)


def never_read(lab, count, seconds):
    """Stand in line, ask for everything, and read nothing. Returns how many the server has cut."""
    before, peers = lab.metric("slow_readers_total"), []
    frame = lambda text: b"\x81" + struct.pack("!B", 0x80 | len(text)) + b"\0\0\0\0" + text
    for _ in range(count):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", lab.port))
        s.sendall(b"GET /ws?sale=bench HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        peers.append(s)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for s in peers:
            try:
                for _ in range(50):
                    s.sendall(frame(b'{"type":"map"}'))
            except OSError:
                pass
        time.sleep(0.5)
    for s in peers:
        s.close()
    return lab.metric("slow_readers_total") - before


HOLD_SILENCE = """
import resource, socket, sys, time
port, count, me = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
peers = []
for i in range(count):
    s = socket.socket()
    s.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
    s.bind(("127.0.1.%d" % (me * 4 + i % 4 + 1), 0))
    try:
        s.connect(("127.0.0.1", port))
        peers.append(s)
    except OSError:
        s.close()
print(len(peers), flush=True)
sys.stdin.read()
"""


def silent(lab, count):
    """So many connections that never say a word; a new person asks meanwhile. Returns how many there were, and his longest wait."""
    each = -(-count // 4)
    children = [subprocess.Popen([sys.executable, "-c", HOLD_SILENCE, str(lab.port), str(each), str(i)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for i in range(4)]
    probe, held = Probe(lab), 0
    for child in children:
        while child.stdout.readable() and not held:
            probe.ask()
            break
    held = sum(int(child.stdout.readline()) for child in children)
    for _ in range(100):
        probe.ask()
        time.sleep(0.05)
    for child in children:
        child.stdin.close()
        child.wait()
    say("%d silent connections; somebody new: %s, 99 of 100 answered within %.0f ms" % (held, probe.answers, probe.p99()))
    return held, probe


def harm(silent_count):
    lab = Lab("harm")
    try:
        start(lab)
        before = private_bytes(lab.gateways())
        left = slowloris(lab, 300, 20)
        cut = never_read(lab, 50, 10)
        held, probe = silent(lab, silent_count)
        time.sleep(15)
        for _ in range(3):
            probe.ask()
        growth = private_bytes(lab.gateways()) / before
        say("slowloris left %d of 300; %d of 50 who never read were cut; memory afterwards %.2f times" % (left, cut, growth))
        return left, cut, held, probe
    finally:
        lab.stop()


# ---- an hour's worth of joins and leaves ----

def churn(minutes):
    lab = Lab("churn")
    try:
        start(lab, policy="capacity", capacity=0, grace_ms=1000)
        sizes, joins, end, warm = [], lab.metric("joins_total"), time.monotonic() + minutes * 60, time.monotonic() + min(60, minutes * 12)
        while time.monotonic() < end:
            crowd = lab.start([BUILD + "/bench/crowd", "--people", "4000", "--port", str(lab.port), "--sale", "bench", "--restless", "33", "--spread", "1500", "--limit", "8", "--seed",
                               str(len(sizes) + 1), "--postgres", lab.postgres], log="churn.log")
            crowd.wait(60)
            wait_for("everyone to be gone", lambda: lab.metric("connections") == 0, 60)
            time.sleep(2.5)  # the grace of those who vanished
            sizes.append((time.monotonic(), private_bytes(lab.gateways())))
        # One round more or less of what is just being freed is as much as the bound: medians of the first and the last quarter.
        warm_sizes = [size for at, size in sizes if at >= warm]
        quarter = max(1, len(warm_sizes) // 4)
        first, last = statistics.median(warm_sizes[:quarter]), statistics.median(warm_sizes[-quarter:])
        say("%d joins, %d rounds; gateways from %d to %d bytes" % (lab.metric("joins_total") - joins, len(sizes), first, last))
        return lab.metric("joins_total") - joins, 100 * (last - first) / first, sizes
    finally:
        lab.stop()


def wrongly(answers):
    """Of those who asked, who was neither taken in nor told when to come again."""
    return sum(n for answer, n in answers.items() if answer not in ("joined", "sent back", "full"))


def report_overload(without, ten, after):
    print_table([("", "attempts/s", "joined/s", "sent back/s", "hold p50 ms", "hold p99 ms", "answered p99 ms")] + [
        (name, p["accepted_per_s"], p["joins_per_s"], p["sent_back_per_s"], p["p50_ms"], p["p99_ms"], p["answer_p99_ms"]) for name, p in
        (("sustainable", without), ("ten times", ten), ("afterwards", after))])
    return {"accepted_latency_ratio": ten["p99_ms"] / without["p99_ms"], "afterwards_latency_ratio": after["p99_ms"] / without["p99_ms"], "p99_ms_without": without["p99_ms"], "p99_ms_ten": ten["p99_ms"],
            "joins_per_s_ten": ten["joins_per_s"], "attempts_per_s_ten": ten["accepted_per_s"], "sent_back_per_s_ten": ten["sent_back_per_s"], "answer_p99_ms_ten": ten["answer_p99_ms"],
            "refused_without_retry": wrongly(ten["answers"])}


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh overload")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--silent", type=int, default=50000)
    parser.add_argument("--parts", default="overload,harm,churn")
    o = parser.parse_args()
    parts = o.parts.split(",")
    kernel = prepare_kernel()
    values, tables = {}, []
    if "overload" in parts:
        values.update(report_overload(*overload(o.seconds)))
    if "harm" in parts:
        left, cut, held, probe = harm(o.silent)
        values.update(slowloris_left=left, never_read_cut=cut, silent_connections=held, answer_p99_ms_silent=probe.p99(), unserved_beside_silence=wrongly(probe.answers))
    if "churn" in parts:
        joins, growth, sizes = churn(o.minutes)
        values.update(churn_joins=joins, memory_growth_percent=growth)
        curve = [(at - sizes[0][0], size / 1e6) for at, size in sizes]
        tables.append(report.graph("Memory of the gateways while people join and leave", {"MB": curve}, " MB", " s"))
    if len(parts) == 3:
        report.write("overload", values, kernel=kernel, parts=tables)
    bounds = {"accepted_latency_ratio": ("<=", 2), "memory_growth_percent": ("<=", 2), "slowloris_left": ("<=", 0), "refused_without_retry": ("<=", 0), "unserved_beside_silence": ("<=", 0)}
    return finish(values, {key: bound for key, bound in bounds.items() if key in values})



if __name__ == "__main__":
    sys.exit(main())
