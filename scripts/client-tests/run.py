#!/usr/bin/env python3
"""Real clients against a real Vigie: each sends its events, Vigie is killed once while it does, and in the end all are there; or
it asks, and says itself whether the answers are right.

One client is one file in `clients/`. One that sends has:

  QUERY                 finds its events, in Vigie's query language
  EXACTLY_ONCE          whether what it sends again is stored once (it gives its events names)
  SHARED_KEY            what it must know to use the forward protocol; left out: nothing
  IS_INTERRUPTED        whether Vigie is killed while it sends; False for clients that themselves lose what is under way
  prepare(cache)        installs it below that folder; raises Skip(reason) when that cannot be done
  start(site, cache)    starts it: a subprocess.Popen that sends `site.events` events whose field `n` counts from 0, and ends

One that asks has `prepare`, `start`, whose process ends with 0 when every answer was right, and `ASKS = True`.

usage: run.py VIGIE [CLIENT… | --one-per-protocol]
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

from site_of_tests import INPUTS, LOG, Site, Skip  # noqa: E402

EVENTS = 10_000
# Vigie is killed once it holds so many of them.
KILLED_AT = 1_500
START_MAX_S = 90
SENDING_MAX_S = 300
ASKING_MAX_S = 180
# Of each protocol one client that the package registries of Python and Node have, or every machine: what each change is tried with.
# None over UDP: a busy machine may drop datagrams, and then the change is not to blame.
ONE_PER_PROTOCOL = [
    "elasticsearch_py_9", "elasticsearch_js_9_search", "fluent_logger_node_compressed", "gelf_pro_tcp", "logger_tcp", "otlp_python_grpc",
    "otlp_python_http", "pylogbeat", "python_logstash_async_tcp", "splunk_handler_python", "winston_loki",
]
# No further one of them is begun after that, so that a change does not wait for slow registries.
ONE_PER_PROTOCOL_MAX_S = 210
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
        self.inputs = {name: f"127.0.0.1:{free_port()}" for name in INPUTS}
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        environment = {
            **os.environ,
            "VIGIE_ADMIN_PASSWORD": PASSWORD,
            "VIGIE_ELASTICSEARCH_API_LISTEN": f"127.0.0.1:{self.elasticsearch_port}",
            **{f"VIGIE_INPUT_{name.upper()}_LISTEN": address for name, address in self.inputs.items()},
            "VIGIE_INPUT_FORWARD_SHARED_KEY": self.shared_key,
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


def started(client, binary, folder):
    """A server for one client, and where that client finds it."""
    vigie = Vigie(binary, folder / "data", getattr(client, "SHARED_KEY", ""))
    vigie.folder.mkdir()
    vigie.start()
    elasticsearch_url = f"http://127.0.0.1:{vigie.elasticsearch_port}"
    site = Site(binary, vigie.url, elasticsearch_url, **vigie.inputs, user=USER, password=PASSWORD, events=EVENTS, folder=folder)
    return vigie, site


def run_asker(client, binary, cache):
    """As `run`, of a client that asks."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vigie-client-"))
    vigie, site = started(client, binary, folder)
    began = time.monotonic()
    asker = client.start(site, cache)
    try:
        code = asker.wait(timeout=ASKING_MAX_S)
    except subprocess.TimeoutExpired:
        return f"it had not ended after {ASKING_MAX_S} s", folder
    finally:
        if asker.poll() is None:
            asker.kill()
        vigie.kill()
    if code != 0:
        said = (folder / LOG).read_text(errors="replace").strip().splitlines()
        return f"it ended with {code}: {said[-1] if said else 'without words'}", folder
    shutil.rmtree(folder)
    return None, f"every answer was right, {time.monotonic() - began:.1f} s"


def run(client, binary, cache):
    """What is wrong, or None, and words about how it went."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vigie-client-"))
    vigie, site = started(client, binary, folder)
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
    known = sorted(file.stem for file in (HERE / "clients").glob("*.py"))
    names, time_max_s = sys.argv[2:] or known, float("inf")
    if names == ["--one-per-protocol"]:
        names, time_max_s = ONE_PER_PROTOCOL, ONE_PER_PROTOCOL_MAX_S
    if unknown := sorted(set(names) - set(known)):
        raise SystemExit(f"unknown clients: {', '.join(unknown)}; there are {', '.join(known)}")
    passed = failed = skipped = 0
    began = time.monotonic()
    for name in names:
        client = importlib.import_module(f"clients.{name}")
        try:
            if time.monotonic() - began > time_max_s:
                raise Skip(f"the {time_max_s} s for all of them are over")
            client.prepare(cache)
        except Skip as reason:
            skipped += 1
            print(f"skipped  {name}: {reason}", flush=True)
            continue
        wrong, how = (run_asker if getattr(client, "ASKS", False) else run)(client, binary, cache)
        failed, passed = failed + (wrong is not None), passed + (wrong is None)
        print(f"failed   {name}: {wrong}; what it left is in {how}" if wrong else f"passed   {name}: {how}", flush=True)
    if not passed and not failed:
        print("skipped: no client could be installed, so none was tried; are the package registries reachable?")
    print(f"{passed} passed, {failed} failed, {skipped} skipped ({time.monotonic() - began:.0f} s)")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
