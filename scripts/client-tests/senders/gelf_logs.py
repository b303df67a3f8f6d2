"""Logs events through a GELF handler of Python's logging.

usage: gelf_logs.py HANDLER HOST:PORT EVENTS NAME
"""

import logging
import sys
import time

kind, address, events, name = sys.argv[1:]
host, port = address.split(":")
# What UDP gives to a receiver that is not fetching at the moment is bounded; a shop does not log in one burst either.
AT_ONCE, PAUSE_S = 100, 0.01
LARGE_EVERY = 50


class Named(logging.Filter):
    def filter(self, record):
        record.client = name
        return True


if kind == "pygelf-tcp":
    import pygelf

    handler = pygelf.GelfTcpHandler(host=host, port=int(port), include_extra_fields=True)
elif kind == "pygelf-udp":
    import pygelf

    handler = pygelf.GelfUdpHandler(host=host, port=int(port), include_extra_fields=True, compress=True)
else:
    import graypy

    handler = graypy.GELFUDPHandler(host, int(port))
logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
logger.addFilter(Named())
logger.addHandler(handler)
for n in range(int(events)):
    # Digits that differ do not pack well, so these are sent in chunks.
    large = " ".join(str(hash((n, i))) for i in range(1_000)) if n % LARGE_EVERY == 0 else ""
    logger.info("event n=%d %s", n, large, extra={"n": n})
    if n % AT_ONCE == 0:
        time.sleep(PAUSE_S)
handler.close()
time.sleep(2)
