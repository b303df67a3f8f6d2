"""gelf-pro of Node over UDP, packed, large ones in chunks."""

from site_of_tests import node_folder, node_sender

NAME = "gelf-pro-udp"
QUERY = f'client:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False


def prepare(cache):
    return node_folder(cache, "gelf-pro", "gelf-pro@1")


def start(site, cache):
    return node_sender(site, prepare(cache), "gelf-pro.cjs", "udp", site.gelf_udp, str(site.events), NAME)
