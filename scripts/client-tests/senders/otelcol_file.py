"""Writes lines to a file that OpenTelemetry's collector follows, and ends when all of them are stored.

usage: otelcol_file.py GRPC_ADDRESS URL USER PASSWORD EVENTS NAME
"""

import base64
import json
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request

address, url, user, password, events, name = sys.argv[1:]
AT_ONCE = 100
PAUSE_S = 0.05
STORED_MAX_S = 200

log = pathlib.Path("shop.log").resolve()
log.touch()
settings = {
    "receivers": {"filelog": {"include": [str(log)], "start_at": "beginning", "poll_interval": "50ms",
                              "resource": {"service.name": name}}},
    "exporters": {"otlp": {"endpoint": address, "tls": {"insecure": True},
                           "retry_on_failure": {"initial_interval": "200ms", "max_interval": "1s"}}},
    "service": {"telemetry": {"metrics": {"level": "none"}},
                "pipelines": {"logs": {"receivers": ["filelog"], "exporters": ["otlp"]}}},
}
pathlib.Path("otelcol.yaml").write_text(json.dumps(settings))


def stored():
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    body = json.dumps({"query": f'service:"{name}"', "size": 0}).encode()
    try:
        return json.load(urllib.request.urlopen(urllib.request.Request(f"{url}/api/logs/search", body, headers)))["total"]
    except (urllib.error.URLError, ConnectionError):
        return 0


collector = subprocess.Popen(["otelcol", "--config", "otelcol.yaml"])
try:
    with log.open("a") as lines:
        for n in range(int(events)):
            lines.write(f"event n={n}\n")
            if n % AT_ONCE == 0:
                lines.flush()
                time.sleep(PAUSE_S)
    end = time.monotonic() + STORED_MAX_S
    while stored() < int(events):
        if time.monotonic() > end or collector.poll() is not None:
            sys.exit(f"{stored()} events are stored")
        time.sleep(PAUSE_S)
finally:
    collector.terminate()
