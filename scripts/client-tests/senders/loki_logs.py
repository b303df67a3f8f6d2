"""Logs through python-logging-loki.

usage: loki_logs.py URL USER PASSWORD EVENTS NAME
"""

import logging
import sys

import logging_loki

url, user, password, events, name = sys.argv[1:]
handler = logging_loki.LokiHandler(url=url, tags={"client": name}, auth=(user, password), version="1")
handler.handleError = lambda record: sys.exit(f"{record.getMessage()} was not taken")
logger = logging.getLogger(name)
logger.setLevel(logging.INFO)
logger.addHandler(handler)
for n in range(int(events)):
    logger.info("event n=%d", n)
