"""syslog-ng with `elasticsearch-http()`. It tries again until it is answered, and its documents have ids.

Its default is to throw a batch away after three answers of 5xx; a connection that cannot be made is tried for ever.
"""

import syslog_ng_of_tests

NAME = "syslog-ng-elasticsearch"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = True

prepare = syslog_ng_of_tests.prepare


def start(site, cache):
    template = f"$(format-json --scope none service={NAME} n=int64(${{MSG}}))"
    destination = f"""elasticsearch-http(
        url("{site.elasticsearch_url}/_bulk") index("syslog-ng-logs") type("") custom_id("{NAME}-${{MSG}}")
        user("{site.user}") password("{site.password}") template("{template}") retries(1000));"""
    return syslog_ng_of_tests.start(site, cache, QUERY, destination)
