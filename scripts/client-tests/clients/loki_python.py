"""python-logging-loki: JSON, one request an event. It does not try again, so it is not interrupted."""

from site_of_tests import python_sender, python_venv

NAME = "python-logging-loki"
QUERY = f'client:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False


def prepare(cache):
    return python_venv(cache, NAME, "python-logging-loki==0.3.1")


def start(site, cache):
    arguments = [f"{site.url}/loki/api/v1/push", site.user, site.password, str(site.events), NAME]
    return python_sender(site, prepare(cache), "loki_logs.py", *arguments)
