"""gelf-pro of Node over TCP. The protocol has no acknowledgements: what is under way when Vigie dies is lost."""

from site_of_tests import node_folder, node_sender

NAME = "gelf-pro-tcp"
QUERY = f'client:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False


def prepare(cache):
    return node_folder(cache, "gelf-pro", "gelf-pro@1")


def start(site, cache):
    return node_sender(site, prepare(cache), "gelf-pro.cjs", "tcp", site.gelf_tcp, str(site.events), NAME)
