"""Sends windows with pylogbeat; what is not acknowledged is sent again over a new connection.

usage: pylogbeat_windows.py HOST:PORT EVENTS SERVICE
"""

import sys
import time

from pylogbeat import PyLogBeatClient

WINDOW_EVENTS = 50
TRIES = 600
PAUSE_S = 0.2


def send(address, client, window):
    """The client over which the window was acknowledged."""
    host, port = address.rsplit(":", 1)
    for _ in range(TRIES):
        try:
            client = client or PyLogBeatClient(host, int(port), timeout=30)
            client.send(window)
            return client
        except Exception as error:  # what breaks here is a line in the log and another try
            print(error, file=sys.stderr, flush=True)
            client.close()
            client = None
            time.sleep(PAUSE_S)
    raise SystemExit("it was never acknowledged")


def main():
    address, events, service = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    client = None
    for first in range(0, events, WINDOW_EVENTS):
        numbers = range(first, min(first + WINDOW_EVENTS, events))
        window = [{"message": "order", "service": service, "n": number, "@metadata": {"_id": f"order-{number}"}} for number in numbers]
        client = send(address, client, window)
    client.close()


main()
