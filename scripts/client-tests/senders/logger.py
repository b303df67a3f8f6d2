"""Sends lines with logger of util-linux, one message each, as RFC 5424.

usage: logger.py --tcp|--udp HOST:PORT EVENTS NAME
"""

import subprocess
import sys
import time

kind, address, events, name = sys.argv[1:]
host, port = address.split(":")
# What UDP gives to a receiver that is not fetching at the moment is bounded.
AT_ONCE, PAUSE_S = 100, 0.01
command = ["logger", "--server", host, "--port", port, kind, "--rfc5424", "--tag", name]
with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as logger:
    for n in range(int(events)):
        logger.stdin.write(f"event n={n}\n")
        if n % AT_ONCE == 0:
            logger.stdin.flush()
            time.sleep(PAUSE_S)
time.sleep(2)
sys.exit(logger.returncode)
