"""graypy over UDP, packed with zlib, large ones in chunks."""

from site_of_tests import python_sender, python_venv

NAME = "graypy-udp"
QUERY = f'client:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False


def prepare(cache):
    return python_venv(cache, NAME, "graypy>=2,<3")


def start(site, cache):
    return python_sender(site, prepare(cache), "gelf_logs.py", "graypy-udp", site.gelf_udp, str(site.events), NAME)
