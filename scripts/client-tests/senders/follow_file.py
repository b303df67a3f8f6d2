"""Writes lines where a program finds them, and ends when all of them are stored.

usage: follow_file.py URL USER PASSWORD QUERY EVENTS LINE PLACE COMMAND…

PLACE is a file, or `journal:TAG` for systemd's journal.
"""

import base64
import contextlib
import json
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request

url, user, password, query, events, line, place, *command = sys.argv[1:]
AT_ONCE = 100
PAUSE_S = 0.05
STORED_MAX_S = 240


def stored():
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    body = json.dumps({"query": query, "size": 0}).encode()
    try:
        return json.load(urllib.request.urlopen(urllib.request.Request(f"{url}/api/logs/search", body, headers)))["total"]
    except (urllib.error.URLError, ConnectionError):
        return 0


@contextlib.contextmanager
def opened():
    kind, _, tag = place.partition("journal:")
    if not kind:
        with subprocess.Popen(["systemd-cat", "--identifier", tag], stdin=subprocess.PIPE, text=True) as to_journal:
            yield to_journal.stdin
    else:
        with pathlib.Path(place).open("a") as file:
            yield file


if not place.startswith("journal:"):
    pathlib.Path(place).touch()
program = subprocess.Popen(command)
try:
    with opened() as lines:
        for n in range(int(events)):
            lines.write(line % {"n": n} + "\n")
            if n % AT_ONCE == 0:
                lines.flush()
                time.sleep(PAUSE_S)
    end = time.monotonic() + STORED_MAX_S
    while (count := stored()) < int(events):
        if time.monotonic() > end or program.poll() is not None:
            sys.exit(f"{count} events are stored")
        time.sleep(PAUSE_S)
finally:
    program.terminate()
    program.wait()
