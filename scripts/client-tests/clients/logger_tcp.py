"""logger of util-linux over TCP. Nothing is acknowledged: what is under way when Vigie dies is lost."""

import shutil
import sys

from site_of_tests import Skip, python_sender

NAME = "logger-tcp"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False


def prepare(cache):
    if not shutil.which("logger"):
        raise Skip("logger is not installed")


def start(site, cache):
    return python_sender(site, sys.executable, "logger.py", "--tcp", site.syslog_tcp, str(site.events), NAME)
