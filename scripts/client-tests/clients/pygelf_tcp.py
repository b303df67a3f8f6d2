"""pygelf over TCP. The protocol has no acknowledgements: what is under way when Vigie dies is lost."""

from site_of_tests import python_sender, python_venv

NAME = "pygelf-tcp"
QUERY = f'client:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False


def prepare(cache):
    return python_venv(cache, NAME, "pygelf>=0.4,<0.5")


def start(site, cache):
    return python_sender(site, prepare(cache), "gelf_logs.py", "pygelf-tcp", site.gelf_tcp, str(site.events), NAME)
