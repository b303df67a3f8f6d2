"""OpenTelemetry's collector, from a file over gRPC. It must be on the path as `otelcol`, with the filelog receiver."""

import shutil
import sys

from site_of_tests import Skip, python_sender

NAME = "otelcol"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = True


def prepare(cache):
    if not shutil.which("otelcol"):
        raise Skip("otelcol is not on the path")


def start(site, cache):
    arguments = [site.otlp_grpc, site.url, site.user, site.password, str(site.events), NAME]
    return python_sender(site, sys.executable, "otelcol_file.py", *arguments)
