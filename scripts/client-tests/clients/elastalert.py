"""ElastAlert 2 polls by rules."""

import sys

from site_of_tests import python_asker, python_venv

ASKS = True


def prepare(cache):
    return python_venv(cache, "elastalert2", "elastalert2>=2,<3", "pytz")


def start(site, cache):
    host, port = site.elasticsearch_url.removeprefix("http://").split(":")
    return python_asker(site, sys.executable, "elastalert.py", prepare(cache).parent, host, port, site.user, site.password)
