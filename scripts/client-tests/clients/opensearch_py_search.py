"""opensearch-py asks."""

from site_of_tests import python_asker, python_venv

ASKS = True


def prepare(cache):
    return python_venv(cache, "opensearch-py", "opensearch-py>=3,<4")


def start(site, cache):
    return python_asker(site, prepare(cache), "search.py", site.elasticsearch_url, site.user, site.password)
