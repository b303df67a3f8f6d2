"""winston-loki: protobuf in snappy blocks. It keeps a batch until it is acknowledged."""

from site_of_tests import node_folder, node_sender

QUERY = 'client:"winston-loki"'
EXACTLY_ONCE = False
IS_INTERRUPTED = True


def prepare(cache):
    return node_folder(cache, "winston-loki", "winston@3", "winston-loki@6")


def start(site, cache):
    arguments = [site.url, f"{site.user}:{site.password}", str(site.events)]
    return node_sender(site, prepare(cache), "winston-loki.cjs", *arguments)
