"""winston-elasticsearch. It gives its events no names, so what it sends again is stored again."""

from site_of_tests import node_folder, node_sender

QUERY = 'fields.client:"winston-elasticsearch"'
EXACTLY_ONCE = False
IS_INTERRUPTED = True


def prepare(cache):
    return node_folder(cache, "winston", "winston@3", "winston-elasticsearch@0.19")


def start(site, cache):
    arguments = [f"{site.url}/elasticsearch", site.user, site.password, str(site.events)]
    return node_sender(site, prepare(cache), "winston.cjs", *arguments)
