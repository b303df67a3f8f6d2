"""logger of util-linux over UDP."""

import shutil
import sys

from site_of_tests import Skip, python_sender

NAME = "logger-udp"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False


def prepare(cache):
    if not shutil.which("logger"):
        raise Skip("logger is not installed")


def start(site, cache):
    return python_sender(site, sys.executable, "logger.py", "--udp", site.syslog_udp, str(site.events), NAME)
