"""pino-elasticsearch. It drops what is under way when the connection breaks, so it is not interrupted here."""

from site_of_tests import node_folder, node_sender

QUERY = 'client:"pino-elasticsearch"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False


def prepare(cache):
    return node_folder(cache, "pino", "pino@9", "pino-elasticsearch@8")


def start(site, cache):
    arguments = [f"{site.url}/elasticsearch", site.user, site.password, str(site.events)]
    return node_sender(site, prepare(cache), "pino.cjs", *arguments)
