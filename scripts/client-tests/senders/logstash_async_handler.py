"""Logs with python-logstash-async over its Beats transport, as an application does; it keeps what is not acknowledged.

usage: logstash_async_handler.py HOST:PORT EVENTS SERVICE DATABASE
"""

import logging
import sqlite3
import sys
import time

from logstash_async.constants import constants
from logstash_async.formatter import LogstashFormatter
from logstash_async.handler import AsynchronousLogstashHandler

# So many are logged before it waits a moment, so that it is still sending when Vigie is killed.
AT_ONCE = 100
PAUSE_S = 0.05
TRIES = 4_000


def kept(database):
    """How many events the handler keeps; None when that cannot be told now."""
    connection = sqlite3.connect(database)
    try:
        return connection.execute("SELECT count(*) FROM event").fetchone()[0]
    except sqlite3.OperationalError:  # the handler has it locked: it is at work
        return None
    finally:
        connection.close()


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    events, service, database = int(sys.argv[2]), sys.argv[3], sys.argv[4]
    constants.QUEUE_CHECK_INTERVAL = 0.2
    constants.QUEUED_EVENTS_FLUSH_INTERVAL = 0.5
    constants.QUEUED_EVENTS_BATCH_SIZE = 500
    constants.QUEUED_EVENTS_BEATS_BATCH_SIZE = 100
    handler = AsynchronousLogstashHandler(
        host, int(port), database_path=database, transport="logstash_async.transport.BeatsTransport"
    )
    handler.setFormatter(LogstashFormatter(extra_prefix=None, extra={"service": service}))
    log = logging.getLogger("shop")
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    for number in range(events):
        log.info("order", extra={"n": number})
        if number % AT_ONCE == 0:
            time.sleep(PAUSE_S)
    # At its end the handler tries once and leaves the rest to the application's next start; this one stays until nothing is left.
    for _ in range(TRIES):
        if kept(database) == 0:
            break
        time.sleep(PAUSE_S)
    logging.shutdown()


main()
