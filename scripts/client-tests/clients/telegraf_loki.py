"""Telegraf's output `loki`: JSON. It keeps a batch until it is acknowledged, and a batch that is sent again is stored once."""

import telegraf_of_tests

NAME = "telegraf-loki"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = True

prepare = telegraf_of_tests.prepare


def start(site, cache):
    output = f"""
[[outputs.loki]]
  domain = "{site.url}"
  username = "{site.user}"
  password = "{site.password}"
"""
    return telegraf_of_tests.start(site, cache, NAME, QUERY, output)
