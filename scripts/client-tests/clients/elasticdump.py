"""elasticdump takes events and mappings out, and puts them in."""

import sys

from site_of_tests import node_folder, python_asker

ASKS = True


def prepare(cache):
    return node_folder(cache, "elasticdump", "elasticdump@6")


def start(site, cache):
    program = prepare(cache) / "node_modules" / "elasticdump" / "bin" / "elasticdump"
    return python_asker(site, sys.executable, "elasticdump.py", program, site.elasticsearch_url, site.user, site.password)
