#!/usr/bin/env python3
"""A real Redis as a broker before a real Vigie: lists and streams are read while Vigie is killed, and in the end each event is
there once and nothing is left in Redis.

VIGIE_REDIS_URL names the server (redis://HOST:PORT/DB, of which every key that begins with "{vigie-test}:" is deleted); without it,
servers are started from the `redis-server` of the PATH in a folder of their own: one as it is, one with TLS and a password (where there is
`openssl`), and one that is a cluster. Without either the test is skipped by name.

usage: run_redis.py VIGIE
"""

import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

EVENTS = 60_000
KILLS = 10
START_MAX_S, READING_MAX_S = 90, 180
USER, PASSWORD = "admin@localhost", "quiet-lantern-42-orbit"
# In braces: what is kept beside a list must be in the same slot of a cluster.
LIST, STREAM, KEYS = "{vigie-test}:list", "{vigie-test}:stream", "{vigie-test}:*"
REDIS_PASSWORD = "amber-ferry-17-tulip"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    """Speaks RESP, as much of it as is needed here."""

    def __init__(self, host, port, db=0, password=None):
        self.host, self.port, self.db = host, port, db
        self.connection = socket.create_connection((host, port))
        self.lines = self.connection.makefile("rb")
        if password:
            self.do("AUTH", password)
        if db:
            self.do("SELECT", db)

    def send(self, *words):
        words = [str(word).encode() for word in words]
        out = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        self.connection.sendall(out)

    def answer(self):
        kind, rest = (line := self.lines.readline())[:1], line[1:-2]
        if kind == b"-":
            raise SystemExit(f"Redis answered {rest.decode()}")
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if int(rest) < 0 else self.lines.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        return rest.decode()

    def do(self, *words):
        self.send(*words)
        return self.answer()


class Server:
    """A Redis of our own."""

    def __init__(self, folder, *options):
        self.port = free_port()
        folder.mkdir()
        kept = ["--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        command = ["redis-server", "--port", str(self.port), *kept, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + START_MAX_S
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("redis-server did not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def certificates(folder):
    """An authority and a certificate of it for 127.0.0.1, as files."""
    folder.mkdir()
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for command in (
        ["req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=vigie-test authority"],
        ["req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=vigie-test"],
        ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
         "-extfile", "names", "-out", "server.pem"],
    ):
        subprocess.run(["openssl", *command], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def cases(folder):
    """Name, Redis as we speak to it, Redis as Vigie is told of it, and the process to end, one after the other."""
    if url := os.environ.get("VIGIE_REDIS_URL"):
        parts = urllib.parse.urlsplit(url)
        redis = Redis(parts.hostname, parts.port or 6379, int(parts.path.strip("/") or 0))
        yield "", redis, {"ADDRESS": f"{redis.host}:{redis.port}", "DB": str(redis.db)}, None
        return
    if shutil.which("redis-server") is None:
        print("redis: SKIPPED: set VIGIE_REDIS_URL, or install redis-server")
        return
    server = Server(folder / "plain")
    yield "", Redis("127.0.0.1", server.port), {"ADDRESS": f"127.0.0.1:{server.port}"}, server
    if shutil.which("openssl") is None:
        print("redis over TLS: SKIPPED: install openssl")
    else:
        certificates(folder / "tls")
        tls_port, files = free_port(), folder / "tls"
        server = Server(
            folder / "encrypted", "--requirepass", REDIS_PASSWORD, "--tls-port", str(tls_port), "--tls-auth-clients", "no",
            "--tls-cert-file", str(files / "server.pem"), "--tls-key-file", str(files / "server.key"),
            "--tls-ca-cert-file", str(files / "ca.pem"))
        told = {"ADDRESS": f"127.0.0.1:{tls_port}", "TLS": "true", "TLS_CA": str(files / "ca.pem"), "PASSWORD": REDIS_PASSWORD}
        yield " over TLS", Redis("127.0.0.1", server.port, password=REDIS_PASSWORD), told, server
    server = Server(folder / "cluster", "--cluster-enabled", "yes")
    redis = Redis("127.0.0.1", server.port)
    redis.do("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    while "cluster_state:ok" not in redis.do("CLUSTER", "INFO"):
        time.sleep(0.05)
    yield " of a cluster", redis, {"ADDRESS": f"127.0.0.1:{server.port}"}, server


class Vigie:
    def __init__(self, binary, folder, told):
        self.binary, self.folder, self.port = binary, folder, free_port()
        self.told = {f"VIGIE_INPUT_REDIS_{name}": value for name, value in told.items()}
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        off = {f"VIGIE_INPUT_{name}_LISTEN": "" for name in (
            "TCP", "UDP", "SYSLOG_TCP", "SYSLOG_UDP", "GELF_TCP", "GELF_UDP", "FORWARD", "OTLP_GRPC", "OTLP_HTTP", "BEATS")}
        environment = {
            **os.environ, **off, **self.told,
            "VIGIE_ADMIN_PASSWORD": PASSWORD,
            "VIGIE_STORAGE_FREE_BYTES_MIN": "0",
            "VIGIE_LOG_LEVEL": "warn",
        }
        log = open(self.folder.parent / "vigie.log", "ab")
        command = [self.binary, "serve", "--data", str(self.folder), "--listen", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        end = time.monotonic() + START_MAX_S
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/readyz").read()
                return
            except (urllib.error.URLError, ConnectionError):
                if time.monotonic() > end or self.process.poll() is not None:
                    raise SystemExit(f"vigie did not start; see {log.name}")
                time.sleep(0.05)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def call(self, path, body=None):
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return json.load(urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers)))

    def count(self):
        return self.call("/api/logs/search", {"query": "service:redis-test", "size": 0})["total"]

    def numbers(self):
        cursor = None
        while True:
            page = self.call("/api/logs/search", {"query": "service:redis-test", "size": 1000, "cursor": cursor})
            yield from (hit["_source"]["n"] for hit in page["hits"])
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def state(self):
        return next(one for one in self.call("/api/pipelines/inputs")["inputs"] if one["name"] == "redis")


def fill_list(redis):
    for number in range(EVENTS):
        redis.send("RPUSH", LIST, json.dumps({"service": "redis-test", "n": number}))
    for _ in range(EVENTS):
        redis.answer()


def fill_stream(redis):
    for number in range(EVENTS):
        if number % 2:
            redis.send("XADD", STREAM, "*", "json", json.dumps({"service": "redis-test", "n": number}))
        else:
            redis.send("XADD", STREAM, "*", "service", "redis-test", "n", number, "message", "of fields")
    for _ in range(EVENTS):
        redis.answer()


def left_in_list(redis):
    keys = redis.do("KEYS", f"{LIST}*")
    return f"keys {keys} are still there" if keys else None


def left_in_stream(redis):
    pending = redis.do("XPENDING", STREAM, "vigie")[0]
    return f"{pending} entries are not acknowledged" if pending else None


def run(binary, redis, told, fill, left):
    """What is wrong, or None, and words about how it went."""
    for key in redis.do("KEYS", KEYS):
        redis.do("DEL", key)
    fill(redis)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vigie-redis-"))
    (folder / "data").mkdir()
    vigie = Vigie(binary, folder / "data", told)
    began, kills = time.monotonic(), 0
    vigie.start()
    try:
        while (held := vigie.count()) < EVENTS or left(redis):
            if time.monotonic() - began > READING_MAX_S:
                return f"{held} of {EVENTS} after {READING_MAX_S} s; {vigie.state()}", folder
            if kills < KILLS and EVENTS * (kills + 1) // (KILLS + 2) <= held < EVENTS:
                vigie.kill()
                kills += 1
                vigie.start()
        took_s = time.monotonic() - began
        found = sorted(int(number) for number in vigie.numbers())
        if found != list(range(EVENTS)):
            return f"{len(found)} events, {len(set(found))} different ones, of {EVENTS}", folder
        state = vigie.state()
        if state["unaccounted"] or state["state"] != "running":
            return f"its state is {state}", folder
        if kills == 0:
            return "all was read before it could be killed", folder
    finally:
        vigie.kill()
    shutil.rmtree(folder)
    return None, f"{EVENTS} events once each in {took_s:.1f} s, killed {kills} times"


SOURCES = (
    ("list", {"LIST": LIST}, fill_list, left_in_list),
    ("stream", {"STREAM": STREAM}, fill_stream, left_in_stream),
)


def main():
    binary = sys.argv[1]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="redis-"))
    failed = False
    for case, redis, told, server in cases(folder):
        try:
            for name, source, fill, left in SOURCES:
                wrong, words = run(binary, redis, {**told, **source}, fill, left)
                failed |= wrong is not None
                print(f"redis {name}{case}: " + (f"FAILED: {wrong}; see {words}" if wrong else f"ok: {words}"), flush=True)
        finally:
            if server is not None:
                server.stop()
    shutil.rmtree(folder)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
