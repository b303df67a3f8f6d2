"""Curator lists indices and picks some."""

import sys

from site_of_tests import python_asker, python_venv

ASKS = True


def prepare(cache):
    return python_venv(cache, "elasticsearch-curator", "elasticsearch-curator>=8,<9")


def start(site, cache):
    program = prepare(cache).parent / "curator_cli"
    return python_asker(site, sys.executable, "curator.py", program, site.elasticsearch_url, site.user, site.password)
