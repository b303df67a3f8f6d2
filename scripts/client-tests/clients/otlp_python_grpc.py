"""OpenTelemetry's Python SDK over gRPC, on the port without a login. What it sends again is stored once."""

from site_of_tests import python_sender, python_venv

NAME = "otlp-python-grpc"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = True


def prepare(cache):
    return python_venv(cache, NAME, "opentelemetry-sdk>=1.30,<2", "opentelemetry-exporter-otlp-proto-grpc>=1.30,<2")


def start(site, cache):
    return python_sender(site, prepare(cache), "otlp_logs.py", "grpc", f"http://{site.otlp_grpc}", str(site.events), NAME)
