"""Telegraf's output `socket_writer` over TCP. Nothing is acknowledged: what is under way when Vigie dies is lost."""

import telegraf_of_tests

NAME = "telegraf-tcp"
QUERY = f'tags.service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False

prepare = telegraf_of_tests.prepare


def start(site, cache):
    output = f"""
[[outputs.socket_writer]]
  address = "tcp://{site.tcp}"
  data_format = "json"
"""
    return telegraf_of_tests.start(site, cache, NAME, QUERY, output)
