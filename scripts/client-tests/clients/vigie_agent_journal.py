"""The agent of Vigie itself, which reads systemd's journal where there is one."""

import os
import pathlib
import shutil

from site_of_tests import Skip, follower

# What is in the journal stays there: a run finds its own.
TAG = f"vigie-agent-journal-{os.getpid()}"
QUERY = f'log.syslog.appname:"{TAG}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = True
SOCKET = pathlib.Path("/run/systemd/journal/stdout")


def prepare(cache):
    if not (shutil.which("journalctl") and shutil.which("systemd-cat") and SOCKET.is_socket()):
        raise Skip("there is no journal of systemd")


def start(site, cache):
    agent = [site.binary, "agent", "--url", site.url, "--token", site.api_key(), "--data", str(site.folder / "agent")]
    return follower(site, QUERY, "event n=%(n)d", [*agent, "--name", TAG, "--journald"], f"journal:{TAG}")
