"""pylogbeat, whose sequence numbers run on across windows."""

from site_of_tests import python_sender, python_venv

NAME = "pylogbeat"
QUERY = f'service:"{NAME}"'
# Each event is given an id in its metadata.
EXACTLY_ONCE = True
IS_INTERRUPTED = True


def prepare(cache):
    return python_venv(cache, NAME, "pylogbeat>=2,<3")


def start(site, cache):
    return python_sender(site, prepare(cache), "pylogbeat_windows.py", site.beats, str(site.events), NAME)
