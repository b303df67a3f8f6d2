"""pygelf over UDP: small datagrams, and large ones packed and in chunks."""

from site_of_tests import python_sender, python_venv

NAME = "pygelf-udp"
QUERY = f'client:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False


def prepare(cache):
    return python_venv(cache, NAME, "pygelf>=0.4,<0.5")


def start(site, cache):
    return python_sender(site, prepare(cache), "gelf_logs.py", "pygelf-udp", site.gelf_udp, str(site.events), NAME)
