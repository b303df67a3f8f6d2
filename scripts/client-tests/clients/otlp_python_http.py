"""OpenTelemetry's Python SDK over HTTP, on the port without a login. What it sends again is stored once."""

from site_of_tests import python_sender, python_venv

NAME = "otlp-python-http"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = True


def prepare(cache):
    return python_venv(cache, NAME, "opentelemetry-sdk>=1.30,<2", "opentelemetry-exporter-otlp-proto-http>=1.30,<2")


def start(site, cache):
    return python_sender(site, prepare(cache), "otlp_logs.py", "http", f"http://{site.otlp_http}/v1/logs", str(site.events), NAME)
