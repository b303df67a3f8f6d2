"""Logs with python-logstash-async, as an application does, and ends when the handler keeps nothing more.

usage: logstash_async_handler.py TRANSPORT HOST:PORT USER PASSWORD EVENTS SERVICE
"""

import logging
import sys
import time

import logstash_async
from logstash_async.constants import constants
from logstash_async.formatter import LogstashFormatter
from logstash_async.handler import AsynchronousLogstashHandler

# So many are logged before it waits a moment: the handler sends only while nothing new is logged.
AT_ONCE = 100
PAUSE_S = 0.15
TRIES = 1_500


def main():
    transport, address, user, password, events, service = sys.argv[1:]
    host, port = address.rsplit(":", 1)
    constants.QUEUE_CHECK_INTERVAL = 0.05
    constants.QUEUED_EVENTS_FLUSH_INTERVAL = 0.1
    constants.QUEUED_EVENTS_BATCH_SIZE = 200
    constants.QUEUED_EVENTS_BEATS_BATCH_SIZE = 100
    more = {"path": "api/logs/ingest", "username": user, "password": password} if transport == "HttpTransport" else {}
    # What is not sent is kept in memory. In a file (`database_path`) each event is a commit of SQLite, and nothing is sent while
    # the application logs faster than that.
    handler = AsynchronousLogstashHandler(
        host, int(port), database_path=None, transport=f"logstash_async.transport.{transport}", ssl_enable=False, **more
    )
    handler.setFormatter(LogstashFormatter(extra_prefix=None, extra={"service": service}))
    log = logging.getLogger("shop")
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    for number in range(int(events)):
        log.info("order", extra={"n": number})
        if number % AT_ONCE == 0:
            time.sleep(PAUSE_S)
    # At its end the handler tries once and drops the rest; this one stays until nothing is left.
    for _ in range(TRIES):
        time.sleep(PAUSE_S)
        if not logstash_async.EVENT_CACHE:
            break
    logging.shutdown()


main()
