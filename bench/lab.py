# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: private servers in a temporary folder, the crowd, CPU and memory of processes, kernel settings. Everything that
was started is stopped, by its own process id, and every kernel setting is put back."""
import atexit
import ctypes
import fcntl
import glob
import json
import os
import pwd
import re
import resource
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
TICKS = os.sysconf("SC_CLK_TCK")

# What many connections on one machine need. tcp_mem is in pages: an unread frame is charged some 1.4 kB, twice a million of those
# pass the default. A namespace made after tcp_child_ehash_entries was set has a table of that size for its connections; the machine's
# own is made at boot by its memory (262,144 with 24 GiB), and with both ends of a million in it each segment walks eight cold entries.
# Every gateway is a session of its own: with autogroups each of 54 would get as large a share of the CPU as Redis, the payment service and
# the whole crowd together.
KERNEL = {"fs/file-max": "4000000", "net/ipv4/tcp_max_orphans": "262144", "net/ipv4/tcp_mem": "2000000 3000000 4000000",
          "net/ipv4/tcp_child_ehash_entries": "4194304", "kernel/sched_autogroup_enabled": "0", "vm/compaction_proactiveness": "0"}
KERNEL_OF_NAMESPACE = {"net/core/somaxconn": "65535", "net/ipv4/tcp_max_syn_backlog": "65535", "net/ipv4/ip_local_port_range": "10240 65535"}
CLONE_NEWNET = 0x40000000


def say(text):
    print(text, file=sys.stderr, flush=True)


def set_kernel(settings):
    """Sets what can be set, says so, and has it put back at the end; returns {name: value} as it is then."""
    now = {}
    for name, wanted in settings.items():
        shown = name.replace("/", ".")
        try:
            f = open("/proc/sys/" + name, "r+")  # kept: its path may be another one's in a namespace
            before = f.read().split()
            if before != wanted.split():
                write_setting(f, wanted)
                atexit.register(write_setting, f, " ".join(before))
                say("kernel: %s = %s (was %s)" % (shown, wanted, " ".join(before)))
            now[shown] = wanted
        except OSError as error:
            say("kernel: %s cannot be set: %s" % (shown, error))
    return now


def write_setting(f, value):
    f.seek(0)
    f.write(value)
    f.flush()


def enter_own_network():
    """A network namespace with nothing but a loopback: no load leaves it, and its connections' table can be large."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        say("network: the machine's own, since a namespace cannot be made: " + os.strerror(ctypes.get_errno()))
        return
    with socket.socket() as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running
    say("network: a namespace of its own")


def prepare_kernel():
    """Before anything is started. Returns {name: value} of the settings."""
    now = set_kernel(KERNEL)
    enter_own_network()
    return {**now, **set_kernel(KERNEL_OF_NAMESPACE)}


def children_of(pid):
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            text = open(path).read()
        except OSError:
            continue
        if int(text[text.rindex(")") + 2:].split()[1]) == pid:
            found.append(int(path.split("/")[2]))
    return found


def cpu_s(pids):
    """User and system time of these processes, in seconds."""
    total = 0
    for pid in pids:
        try:
            text = open("/proc/%d/stat" % pid).read()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2:].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def precise_cpu_s(pids):
    """The same to the nanosecond, from the scheduler."""
    total = 0
    for pid in pids:
        for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
            try:
                total += int(open(path).read().split()[0])
            except OSError:
                pass
    return total / 1e9


def private_bytes(pids):
    total = 0
    for pid in pids:
        try:
            match = re.search(r"RssAnon:\s+(\d+)", open("/proc/%d/status" % pid).read())
            total += int(match[1]) * 1024 if match else 0
        except OSError:
            pass
    return total


def cmdline(pid):
    try:
        return open("/proc/%d/cmdline" % pid).read().split("\0")
    except OSError:
        return []


class Lab:
    """Starts things; stop() ends them in reverse order."""

    def __init__(self, name):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix="bo-bench-")
        os.chmod(self.folder, 0o755)
        self.started = []
        self.port = 3000 + os.getpid() % 1500 * 4  # below the range of outgoing ports
        self.secret = secrets.token_hex(16)
        atexit.register(self.stop)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def start(self, args, end=signal.SIGTERM, log=None, nice=0, **more):
        """nice: stores come before the dozens of gateways and crowd processes that share two cores with them, as they would with cores of their own."""
        if nice and os.getuid() == 0:
            args = ["nice", "-n", str(nice)] + args
        out = open(os.path.join(self.folder, log), "w") if log else subprocess.DEVNULL
        child = subprocess.Popen(args, stdout=out, stderr=subprocess.STDOUT if log else None, stdin=subprocess.DEVNULL, **more)
        child.end_signal = end
        self.started.append(child)
        return child

    def end(self, child, wait_s=60):
        if child.poll() is None:
            child.send_signal(child.end_signal)
            try:
                child.wait(wait_s)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if child in self.started:
            self.started.remove(child)

    def stop(self):
        while self.started:
            self.end(self.started[-1])
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- stores ----

    def start_redis(self, nice=-20):
        self.redis_socket = os.path.join(self.folder, "redis.sock")
        # No rewriting of the append-only file while people stream in: its child wants a core for seconds (docs/operating.md).
        self.redis = self.start(["redis-server", "--port", "0", "--unixsocket", self.redis_socket, "--dir", self.folder, "--appendonly", "yes",
                                 "--auto-aof-rewrite-percentage", "0", "--save", "", "--loglevel", "warning"], log="redis.log", nice=nice)
        wait_for("redis", lambda: os.path.exists(self.redis_socket) and self.redis_run("PING") == "PONG")

    def redis_run(self, *words):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.redis_socket)
            s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words))
            f = s.makefile("rb")
            line = f.readline().decode().rstrip()
            return f.read(int(line[1:])).decode() if line[0] == "$" else line[1:]

    def redis_memory(self):
        return int(re.search(r"used_memory:(\d+)", self.redis_run("INFO", "memory"))[1])

    def start_postgres(self):
        folder = os.path.join(self.folder, "pg")
        os.mkdir(folder)
        more = {}
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            more = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        subprocess.run([bin + "/initdb", "-D", folder + "/data", "-U", "boxoffice", "--auth=trust", "--no-locale", "-E", "UTF8"],
                       check=True, stdout=subprocess.DEVNULL, cwd="/", **more)
        self.postgres_child = self.start([bin + "/postgres", "-D", folder + "/data", "-k", folder, "-c", "listen_addresses=", "-c", "log_min_messages=fatal",
                                    "-c", "max_connections=400"], end=signal.SIGINT, log="postgres.log", cwd="/", **more)
        if os.getuid() == 0:
            os.setpriority(os.PRIO_PROCESS, self.postgres_child.pid, -18)
        self.postgres = "host=%s user=boxoffice dbname=postgres" % folder
        wait_for("postgres", lambda: subprocess.run([bin + "/pg_isready", "-q", "-h", folder]).returncode == 0)

    def start_payment(self, *args):
        self.start(["node", os.path.join(ROOT, "examples/payment/server.mjs"), "--port", str(self.port + 2), *args], log="payment.log", nice=-20,
                   env={**os.environ, "PAYMENT_SECRET": self.secret})

    # ---- boxoffice ----

    def write_config(self, **options):
        self.config = os.path.join(self.folder, "boxoffice.ini")
        values = {"listen_host": "127.0.0.1", "listen_port": self.port, "admin_port": self.port + 1, "redis": "unix:" + self.redis_socket,
                  "postgres": self.postgres, "secret": self.secret * 2, "admin_tokens": "bench:" + self.secret,
                  "public_url": "http://127.0.0.1:%d" % self.port, "payment_url": "http://127.0.0.1:%d" % (self.port + 2),
                  "payment_secret": self.secret, "log_level": "warn", **options}
        with open(self.config, "w") as f:
            f.writelines("%s = %s\n" % item for item in values.items())

    def import_sale(self, seats, settings):
        rows = [{"row_number": str(r + 1), "position": {"x": 0, "y": r * 20}, "seats": [
            {"seat_guid": "S-%d" % (r * 50 + s + 1), "seat_number": str(s + 1), "position": {"x": s * 20, "y": 0}, "category": "A" if r % 2 else "B"}
            for s in range(min(50, seats - r * 50))]} for r in range((seats + 49) // 50)]
        plan, chosen = os.path.join(self.folder, "plan.json"), os.path.join(self.folder, "settings.json")
        json.dump({"name": "Bench", "categories": [{"name": "A", "color": "#a00"}, {"name": "B", "color": "#00a"}],
                   "zones": [{"name": "Floor", "position": {"x": 0, "y": 0}, "rows": rows}], "size": {"width": 1000, "height": 20000}}, open(plan, "w"))
        json.dump({"prices": {"A": 5000, "B": 3000}, **settings}, open(chosen, "w"))
        binary = BUILD + "/src/boxoffice"
        subprocess.run([binary, "migrate", "--config", self.config], check=True)
        subprocess.run([binary, "sale", "import", "--sale", "bench", "--name", "Bench", "--plan", plan, "--settings", chosen, "--open", "--config", self.config],
                       check=True, stdout=subprocess.DEVNULL)

    def serve(self):
        self.server = self.start([BUILD + "/src/boxoffice", "serve", "--config", self.config], log="boxoffice.log")
        wait_for("boxoffice", lambda: self.server.poll() is not None or self.public("/api/sales/bench"))
        if self.server.poll() is not None:
            sys.exit("boxoffice did not start: " + self.log("boxoffice.log"))
        for pid in self.scribe() if os.getuid() == 0 else []:
            os.setpriority(os.PRIO_PROCESS, pid, -15)

    def gateways(self):
        return [pid for pid in children_of(self.server.pid) if "gateway" in cmdline(pid)[1:2]]

    def scribe(self):
        return [pid for pid in children_of(self.server.pid) if "scribe" in cmdline(pid)[1:2]]

    def log(self, name):
        try:
            return open(os.path.join(self.folder, name)).read()
        except OSError:
            return ""

    def public(self, path):
        try:
            return json.load(urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.port, path), timeout=5))
        except (OSError, ValueError):
            return None

    def admin(self, method, path, body=None, raw=False, tries=5):
        for left in reversed(range(tries)):
            try:
                request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port + 1, path), method=method, data=json.dumps(body).encode() if body else None,
                                                 headers={"authorization": "Bearer " + self.secret})
                answer = urllib.request.urlopen(request, timeout=20).read()
                return answer.decode() if raw else json.loads(answer)
            except urllib.error.HTTPError as error:
                if error.code == 409 and left < tries - 1:
                    return {}  # the try before had no answer in time, but an effect
                if not left:
                    raise
            except OSError:
                if not left:
                    raise
                time.sleep(0.2)

    def metric(self, name):
        match = re.search(r"^boxoffice_%s (\d+)" % name, self.admin("GET", "/metrics", raw=True), re.M)
        return int(match[1]) if match else 0

    # ---- the crowd ----

    def crowd(self, people, *args, port=None, log="crowd.log"):
        status = os.path.join(self.folder, "crowd.status")
        if os.path.exists(status):
            os.remove(status)
        child = self.start([BUILD + "/bench/crowd", "--people", str(people), "--port", str(port or self.port), "--sale", "bench", "--status", status, *args],
                           end=signal.SIGTERM, log=log, env={**os.environ, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})
        child.status_path, child.people = status, people
        return child

    def crowd_in_line(self, people, *args, within_s=300, **more):
        """The same, and waits until everyone knows where he stands."""
        child = self.crowd(people, *args, **more)
        wait_for("%d people to be in line" % people, lambda: crowd_status(child).get("placed", 0) >= people, within_s, 0.1)
        return child


def crowd_status(child):
    """The crowd's last word on how it goes; {} before the first."""
    try:
        with open(child.status_path, "rb") as f:
            f.seek(0, 2)
            f.seek(max(0, f.tell() - 1000))
            lines = [line for line in f.read().decode().split("\n") if line.endswith("}")]
        return json.loads(lines[-1]) if lines else {}
    except (OSError, ValueError):
        return {}


def wait_for(what, check, limit_s=60, every_s=0.05):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            value = check()
        except OSError:
            value = None
        if value:
            return value
        time.sleep(every_s)
    raise SystemExit("waited %d s in vain for %s" % (limit_s, what))


def print_table(rows):
    width = max(len(str(row[0])) for row in rows) + 2
    for row in rows:
        print(("  %-" + str(width) + "s") % row[0] + "".join("%14s" % (("%.4g" % x) if isinstance(x, float) else x) for x in row[1:]), flush=True)


def finish(values, bounds):
    """Prints the verdict and the JSON line; returns the exit status. bounds: {key: ("<=", limit)}."""
    missed = []
    for key, (how, limit) in bounds.items():
        value = values.get(key)
        good = value is not None and (value <= limit if how == "<=" else value >= limit)
        if not good:
            missed.append(key)
        print("  %-34s %14s   %s %-10g %s" % (key, "%.4g" % value if value is not None else "none", how, limit, "" if good else "MISSED"))
    print(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}), flush=True)
    return 1 if missed else 0
