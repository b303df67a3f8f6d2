#!/usr/bin/env python3
"""Real clients against a real Vigie: each sends its events, Vigie is killed once while it does, and in the end all are there.

One client is one file in `clients/`. It has:

  QUERY                 finds its events, in Vigie's query language
  EXACTLY_ONCE          whether what it sends again is stored once (it gives its events names)
  SHARED_KEY            what it must know to use the forward protocol; left out: nothing
  IS_INTERRUPTED        whether Vigie is killed while it sends; False for clients that themselves lose what is under way
  prepare(cache)        installs it below that folder; raises Skip(reason) when that cannot be done
  start(site, cache)    starts it: a subprocess.Popen that sends `site.events` events whose field `n` counts from 0, and ends

usage: run.py VIGIE [CLIENT…]
"""

import base64
import importlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from site_of_tests import Site, Skip  # noqa: E402

EVENTS = 10_000
# Vigie is killed once it holds so many of them.
KILLED_AT = 1_500
START_MAX_S = 90
SENDING_MAX_S = 300
USER, PASSWORD = "admin@localhost", "quiet-lantern-42-orbit"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Vigie:
    """A server of its own in a folder of its own; killed as by a power cut, started again on the same ports."""

    def __init__(self, binary, folder, shared_key):
        self.binary, self.folder, self.shared_key = binary, folder, shared_key
        self.port, self.elasticsearch_port = free_port(), free_port()
        self.gelf_tcp, self.gelf_udp, self.forward = (f"127.0.0.1:{free_port()}" for _ in range(3))
        self.otlp_grpc, self.otlp_http = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.beats = f"127.0.0.1:{free_port()}"
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        environment = {
            **os.environ,
            "VIGIE_ADMIN_PASSWORD": PASSWORD,
            "VIGIE_ELASTICSEARCH_API_LISTEN": f"127.0.0.1:{self.elasticsearch_port}",
            "VIGIE_INPUT_GELF_TCP_LISTEN": self.gelf_tcp,
            "VIGIE_INPUT_GELF_UDP_LISTEN": self.gelf_udp,
            "VIGIE_INPUT_FORWARD_LISTEN": self.forward,
            "VIGIE_INPUT_FORWARD_SHARED_KEY": self.shared_key,
            "VIGIE_INPUT_OTLP_GRPC_LISTEN": self.otlp_grpc,
            "VIGIE_INPUT_OTLP_HTTP_LISTEN": self.otlp_http,
            "VIGIE_INPUT_BEATS_LISTEN": self.beats,
            "VIGIE_STORAGE_FREE_BYTES_MIN": "0",
            "VIGIE_LOG_LEVEL": "warn",
        }
        command = [self.binary, "serve", "--data", str(self.folder), "--listen", f"127.0.0.1:{self.port}"]
        log = open(self.folder.parent / "vigie.log", "ab")
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

    def ask(self, body):
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/logs/search", json.dumps(body).encode(), headers)
        return json.load(urllib.request.urlopen(request))

    def count(self, query):
        return self.ask({"query": query, "size": 0})["total"]

    def numbers(self, query):
        """The field `n` of every event that matches, wherever it is in the event."""
        cursor = None
        while True:
            page = self.ask({"query": query, "size": 1000, "cursor": cursor})
            for hit in page["hits"]:
                yield number_of(hit["_source"])
            cursor = page.get("next_cursor")
            if cursor is None:
                return


def number_of(source):
    if isinstance(source.get("n"), int):
        return source["n"]
    for inner in source.values():
        if isinstance(inner, dict) and (found := number_of(inner)) is not None:
            return found
    written = re.search(r"\bn=(\d+)", str(source.get("message", "")))
    return int(written.group(1)) if written else None


def run(client, binary, cache):
    """What is wrong, or None, and words about how it went."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vigie-client-"))
    vigie = Vigie(binary, folder / "data", getattr(client, "SHARED_KEY", ""))
    vigie.folder.mkdir()
    vigie.start()
    elasticsearch_url = f"http://127.0.0.1:{vigie.elasticsearch_port}"
    inputs = {
        "otlp_grpc": vigie.otlp_grpc, "otlp_http": vigie.otlp_http, "beats": vigie.beats,
        "gelf_tcp": vigie.gelf_tcp, "gelf_udp": vigie.gelf_udp, "forward": vigie.forward,
    }
    site = Site(vigie.url, elasticsearch_url, **inputs, user=USER, password=PASSWORD, events=EVENTS, folder=folder)
    began = time.monotonic()
    sender = client.start(site, cache)
    try:
        if client.IS_INTERRUPTED:
            while (held := vigie.count(client.QUERY)) < KILLED_AT:
                if sender.poll() is not None or time.monotonic() - began > SENDING_MAX_S:
                    return f"it ended, or came to nothing, when {held} events were there; it was to be interrupted", folder
            vigie.kill()
            if held >= EVENTS:
                return "it had sent everything before it could be interrupted", folder
            vigie.start()
        try:
            code = sender.wait(timeout=SENDING_MAX_S)
        except subprocess.TimeoutExpired:
            return f"it had not ended after {SENDING_MAX_S} s; {vigie.count(client.QUERY)} events are there", folder
        if code != 0:
            return f"it ended with {code}", folder
        numbers = list(vigie.numbers(client.QUERY))
        missing = set(range(EVENTS)) - set(numbers)
        again = len(numbers) - len(set(numbers))
        if missing:
            return f"{len(missing)} events are missing, {min(missing)} among them", folder
        if client.EXACTLY_ONCE and again:
            return f"{again} events are there more than once", folder
    finally:
        if sender.poll() is None:
            sender.kill()
        vigie.kill()
    shutil.rmtree(folder)
    interrupted = "killed once" if client.IS_INTERRUPTED else "not interrupted"
    return None, f"{EVENTS} events, {interrupted}, {again} twice, {time.monotonic() - began:.1f} s"


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "vigie" / "client-tests"
    cache.mkdir(parents=True, exist_ok=True)
    names = sys.argv[2:] or sorted(file.stem for file in (HERE / "clients").glob("*.py"))
    failed = 0
    for name in names:
        client = importlib.import_module(f"clients.{name}")
        try:
            client.prepare(cache)
        except Skip as reason:
            print(f"skipped  {name}: {reason}", flush=True)
            continue
        wrong, how = run(client, binary, cache)
        failed += wrong is not None
        print(f"failed   {name}: {wrong}; what it left is in {how}" if wrong else f"passed   {name}: {how}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
