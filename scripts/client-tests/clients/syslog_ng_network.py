"""syslog-ng with `network()` over TCP. Nothing is acknowledged: what is under way when Vigie dies is lost."""

import syslog_ng_of_tests

NAME = "syslog-ng-network"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False

prepare = syslog_ng_of_tests.prepare


def start(site, cache):
    host, port = site.syslog_tcp.split(":")
    message = f"<13>1 ${{ISODATE}} ${{HOST}} {NAME} - - - event n=${{MSG}}\\n"
    destination = f'network("{host}" port({port}) transport("tcp") template("{message}"));'
    return syslog_ng_of_tests.start(site, cache, QUERY, destination)
