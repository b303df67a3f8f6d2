"""@elastic/elasticsearch 9 for Node asks."""

from site_of_tests import node_asker, node_folder

ASKS = True
PACKAGE = "@elastic/elasticsearch"


def prepare(cache):
    return node_folder(cache, "elasticsearch-js-9", f"{PACKAGE}@9")


def start(site, cache):
    arguments = [PACKAGE, f"{site.url}/elasticsearch", site.user, site.password]
    return node_asker(site, prepare(cache), "search.cjs", *arguments)
