"""@fluent-org/logger in its mode CompressedPackedForward, with a shared key. It sends again what is not acknowledged."""

from site_of_tests import node_folder, node_sender

NAME = "fluent-logger-node-compressed"
QUERY = f'client:"{NAME}"'
EXACTLY_ONCE = False
IS_INTERRUPTED = True
SHARED_KEY = "quiet-lantern"


def prepare(cache):
    return node_folder(cache, "fluent-logger-node", "@fluent-org/logger@1")


def start(site, cache):
    arguments = ["CompressedPackedForward", site.forward, str(site.events), NAME, SHARED_KEY]
    return node_sender(site, prepare(cache), "fluent-logger.cjs", *arguments)
