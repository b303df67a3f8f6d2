"""Sends events through fluent-logger, with times of a nanosecond.

usage: fluent_logs.py HOST:PORT EVENTS NAME
"""

import sys

from fluent import sender

address, events, name = sys.argv[1:]
host, port = address.split(":")
logger = sender.FluentSender("shop", host=host, port=int(port), nanosecond_precision=True)
for n in range(int(events)):
    if not logger.emit("pay", {"client": name, "n": n, "order": {"id": f"o-{n}", "total": n / 4}}):
        raise SystemExit(f"event {n} was not sent: {logger.last_error}")
logger.close()
