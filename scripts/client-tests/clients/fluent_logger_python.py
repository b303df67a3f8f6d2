"""fluent-logger of Python: one message per event, without acknowledgements: what is under way when Vigie dies is lost."""

from site_of_tests import python_sender, python_venv

NAME = "fluent-logger-python"
QUERY = f'client:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False


def prepare(cache):
    return python_venv(cache, NAME, "fluent-logger>=0.11,<0.12")


def start(site, cache):
    return python_sender(site, prepare(cache), "fluent_logs.py", site.forward, str(site.events), NAME)
