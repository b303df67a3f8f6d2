"""Logs through OpenTelemetry's SDK and one of its exporters, each batch until it is acknowledged.

usage: otlp_logs.py http|grpc ENDPOINT EVENTS NAME
"""

import importlib
import logging
import sys
import time

from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

kind, endpoint, events, name = sys.argv[1:]
BATCH = 100
PAUSE_S = 0.2

options = {"insecure": True, "compression": None} if kind == "grpc" else {}
module = importlib.import_module(f"opentelemetry.exporter.otlp.proto.{kind}._log_exporter")
if kind == "grpc":
    import grpc

    options["compression"] = grpc.Compression.Gzip
else:
    options["compression"] = importlib.import_module("opentelemetry.exporter.otlp.proto.http").Compression.Gzip
exporter = module.OTLPLogExporter(endpoint=endpoint, timeout=5, **options)
batch = []


class Collected:
    """Stands in for an exporter, and keeps what the SDK would export."""

    def export(self, records):
        batch.extend(records)

    def shutdown(self):
        pass


provider = LoggerProvider(resource=Resource.create({"service.name": name}))
provider.add_log_record_processor(SimpleLogRecordProcessor(Collected()))
logger = logging.getLogger(name)
logger.propagate = False
logger.setLevel(logging.INFO)
logger.addHandler(LoggingHandler(logger_provider=provider))
for first in range(0, int(events), BATCH):
    batch.clear()
    for n in range(first, min(first + BATCH, int(events))):
        logger.info("event %d", n, extra={"n": n})
    while exporter.export(batch).name != "SUCCESS":
        time.sleep(PAUSE_S)
