#!/usr/bin/env python3
"""A real Redis as a broker before a real Vigie: lists and streams are read while Vigie is killed, and in the end each event is
there once and nothing is left in Redis.

VIGIE_REDIS_URL names the server (redis://HOST:PORT/DB, of which every key that begins with "vigie-test:" is deleted); without it, a
`redis-server` of the PATH is started in a folder of its own. Without either the test is skipped by name.

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
LIST, STREAM = "vigie-test:list", "vigie-test:stream"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    """Speaks RESP, as much of it as is needed here."""

    def __init__(self, host, port, db):
        self.host, self.port, self.db = host, port, db
        self.connection = socket.create_connection((host, port))
        self.lines = self.connection.makefile("rb")
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


def started_redis(folder):
    """The server's place, and the process if it was started here; None when there is no Redis."""
    if url := os.environ.get("VIGIE_REDIS_URL"):
        parts = urllib.parse.urlsplit(url)
        return (parts.hostname, parts.port or 6379, int(parts.path.strip("/") or 0)), None
    if (program := shutil.which("redis-server")) is None:
        return None
    port = free_port()
    options = ["--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "yes", "--appendfsync", "always"]
    process = subprocess.Popen([program, "--port", str(port), *options], stdout=subprocess.DEVNULL)
    end = time.monotonic() + START_MAX_S
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return ("127.0.0.1", port, 0), process
        except OSError:
            time.sleep(0.05)
    raise SystemExit("redis-server did not start")


class Vigie:
    def __init__(self, binary, folder, redis, source):
        self.binary, self.folder, self.source = binary, folder, source
        self.redis, self.port = redis, free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        off = {f"VIGIE_INPUT_{name}_LISTEN": "" for name in (
            "TCP", "UDP", "SYSLOG_TCP", "SYSLOG_UDP", "GELF_TCP", "GELF_UDP", "FORWARD", "OTLP_GRPC", "OTLP_HTTP", "BEATS")}
        environment = {
            **os.environ, **off, **self.source,
            "VIGIE_ADMIN_PASSWORD": PASSWORD,
            "VIGIE_INPUT_REDIS_ADDRESS": f"{self.redis.host}:{self.redis.port}",
            "VIGIE_INPUT_REDIS_DB": str(self.redis.db),
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


def run(binary, redis, source, fill, left):
    """What is wrong, or None, and words about how it went."""
    for key in redis.do("KEYS", "vigie-test:*"):
        redis.do("DEL", key)
    fill(redis)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vigie-redis-"))
    (folder / "data").mkdir()
    vigie = Vigie(binary, folder / "data", redis, source)
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


def main():
    binary = sys.argv[1]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="redis-"))
    started = started_redis(folder)
    if started is None:
        print("redis: SKIPPED: set VIGIE_REDIS_URL, or install redis-server")
        return
    place, process = started
    failed = False
    try:
        redis = Redis(*place)
        for name, source, fill, left in (
            ("list", {"VIGIE_INPUT_REDIS_LIST": LIST}, fill_list, left_in_list),
            ("stream", {"VIGIE_INPUT_REDIS_STREAM": STREAM}, fill_stream, left_in_stream),
        ):
            wrong, words = run(binary, redis, source, fill, left)
            failed |= wrong is not None
            print(f"redis {name}: " + (f"FAILED: {wrong}; see {words}" if wrong else f"ok: {words}"))
    finally:
        if process is not None:
            process.terminate()
            process.wait()
        shutil.rmtree(folder)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
