"""Telegraf's output `elasticsearch`. It names its documents itself, so what it sends again is stored once."""

import telegraf_of_tests

NAME = "telegraf-elasticsearch"
QUERY = f'tag.service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = True

prepare = telegraf_of_tests.prepare


def start(site, cache):
    output = f"""
[[outputs.elasticsearch]]
  urls = ["{site.elasticsearch_url}"]
  username = "{site.user}"
  password = "{site.password}"
  index_name = "telegraf-logs"
  manage_template = true
  template_name = "telegraf"
  health_check_interval = "0s"
  force_document_id = true
"""
    return telegraf_of_tests.start(site, cache, NAME, QUERY, output)
