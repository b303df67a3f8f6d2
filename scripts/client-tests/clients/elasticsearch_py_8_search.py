"""elasticsearch-py 8 asks."""

from site_of_tests import python_asker, python_venv

ASKS = True


def prepare(cache):
    return python_venv(cache, "elasticsearch-py-8", "elasticsearch>=8,<9")


def start(site, cache):
    return python_asker(site, prepare(cache), "search.py", f"{site.url}/elasticsearch", site.user, site.password)
