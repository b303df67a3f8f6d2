"""elasticsearch-py 9 with `helpers.bulk`."""

from site_of_tests import python_sender, python_venv

NAME = "elasticsearch-py-9"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = True


def prepare(cache):
    return python_venv(cache, NAME, "elasticsearch>=9,<10")


def start(site, cache):
    # Below a path of the main port; opensearch-py is given the listener of its own.
    url = f"{site.url}/elasticsearch"
    arguments = ["elasticsearch", url, site.user, site.password, str(site.events), NAME]
    return python_sender(site, prepare(cache), "bulk_helpers.py", *arguments)
