"""@fluent-org/logger in its mode Message. It sends again what is not acknowledged."""

from site_of_tests import node_folder, node_sender

NAME = "fluent-logger-node-message"
QUERY = f'client:"{NAME}"'
EXACTLY_ONCE = False
IS_INTERRUPTED = True


def prepare(cache):
    return node_folder(cache, "fluent-logger-node", "@fluent-org/logger@1")


def start(site, cache):
    arguments = ["Message", site.forward, str(site.events), NAME, ""]
    return node_sender(site, prepare(cache), "fluent-logger.cjs", *arguments)
