"""rsyslog with omfwd over TCP: messages of RFC 5424, each on a line. Nothing is acknowledged: what is under way when Vigie dies is lost."""

import rsyslog_of_tests

NAME = "rsyslog-omfwd-lines"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False

prepare = rsyslog_of_tests.prepare


def start(site, cache):
    host, port = site.syslog_tcp.split(":")
    message = f"<%pri%>1 %timestamp:::date-rfc3339% %hostname% {NAME} - - - event n=%msg%\\n"
    action = f"""
template(name="message" type="string" string="{message}")
action(type="omfwd" target="{host}" port="{port}" protocol="tcp" TCP_Framing="traditional" template="message"
       action.resumeRetryCount="-1" action.resumeInterval="1" queue.type="LinkedList" queue.timeoutEnqueue="600000")
"""
    return rsyslog_of_tests.start(site, cache, QUERY, action)
