"""OpenTelemetry's collector, from a file over gRPC. What it sends again is stored once."""

import json

from site_of_tests import follower, go_program

NAME = "otelcol-grpc"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = True
RETRY = {"initial_interval": "200ms", "max_interval": "1s"}


def prepare(cache):
    return go_program(cache, "otelcol")


def start(site, cache):
    files = {"include": [str(site.folder / "shop.log")], "start_at": "beginning", "poll_interval": "50ms"}
    exporters = {"otlp": {"endpoint": site.otlp_grpc, "tls": {"insecure": True}, "retry_on_failure": RETRY}}
    settings = {
        "receivers": {"filelog": {**files, "resource": {"service.name": NAME}}},
        "exporters": exporters,
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"logs": {"receivers": ["filelog"], "exporters": list(exporters)}},
        },
    }
    (site.folder / "otelcol.yaml").write_text(json.dumps(settings))
    return follower(site, QUERY, "event n=%(n)d", [str(prepare(cache)), "--config", "file:otelcol.yaml"])
