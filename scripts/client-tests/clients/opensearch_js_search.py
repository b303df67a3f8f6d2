"""@opensearch-project/opensearch for Node asks."""

from site_of_tests import node_asker, node_folder

ASKS = True
PACKAGE = "@opensearch-project/opensearch"


def prepare(cache):
    return node_folder(cache, "opensearch-js", f"{PACKAGE}@3")


def start(site, cache):
    return node_asker(site, prepare(cache), "search.cjs", PACKAGE, site.elasticsearch_url, site.user, site.password)
