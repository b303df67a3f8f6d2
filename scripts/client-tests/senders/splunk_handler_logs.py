"""Logs through splunk-handler, some every few milliseconds as a shop does.

usage: splunk_handler_logs.py PORT KEY EVENTS SOURCE
"""

import logging
import sys
import time

from splunk_handler import SplunkHandler

port, key, events, source = sys.argv[1:]
AT_ONCE = 100
PAUSE_S = 0.05

handler = SplunkHandler(
    host="127.0.0.1", port=port, token=key, index="main", source=source, sourcetype="text", protocol="http",
    flush_interval=0.2, retry_count=20, retry_backoff=0.2, queue_size=0,
)
logger = logging.getLogger(source)
logger.setLevel(logging.INFO)
logger.addHandler(handler)
for n in range(int(events)):
    logger.info("event n=%d", n)
    if n % AT_ONCE == 0:
        time.sleep(PAUSE_S)
handler.force_flush()
logging.shutdown()
