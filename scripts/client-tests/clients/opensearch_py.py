"""opensearch-py with `helpers.bulk`."""

from site_of_tests import python_sender, python_venv

NAME = "opensearch-py"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = True


def prepare(cache):
    return python_venv(cache, NAME, "opensearch-py>=3,<4")


def start(site, cache):
    arguments = ["opensearchpy", site.elasticsearch_url, site.user, site.password, str(site.events), NAME]
    return python_sender(site, prepare(cache), "bulk_helpers.py", *arguments)
