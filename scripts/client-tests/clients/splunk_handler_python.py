"""splunk-handler. It tries again by itself, and its events have no names, so some may be stored twice."""

from site_of_tests import python_sender, python_venv

NAME = "splunk-handler"
QUERY = f'source:"{NAME}"'
EXACTLY_ONCE = False
IS_INTERRUPTED = True


def prepare(cache):
    return python_venv(cache, NAME, "splunk-handler>=3,<4")


def start(site, cache):
    port = site.url.rsplit(":", 1)[1]
    return python_sender(site, prepare(cache), "splunk_handler_logs.py", port, site.api_key(), str(site.events), NAME)
