"""rsyslog with omelasticsearch, unpacked from Debian's packages when it is not installed.

Its queue must be told to wait: by default it holds 1,000 messages, waits two seconds for room and then throws a message away,
which is what happens while nobody answers.
"""

import rsyslog_of_tests

NAME = "rsyslog-omelasticsearch"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = True

prepare = rsyslog_of_tests.prepare


def start(site, cache):
    host, port = site.elasticsearch_url.removeprefix("http://").split(":")
    event = f'{{\\"service\\":\\"{NAME}\\",\\"n\\":%msg%}}'
    action = f"""
module(load="omelasticsearch")
template(name="event" type="string" string="{event}")
template(name="id" type="string" string="{NAME}-%msg%")
action(type="omelasticsearch" server="{host}" serverport="{port}" uid="{site.user}" pwd="{site.password}"
       searchIndex="rsyslog-logs" searchType="" template="event" bulkmode="on" writeoperation="create"
       bulkid="id" dynbulkid="on" errorfile="{site.folder}/errors.log"
       action.resumeRetryCount="-1" action.resumeInterval="1"
       queue.type="LinkedList" queue.dequeueBatchSize="100" queue.timeoutEnqueue="600000")
"""
    return rsyslog_of_tests.start(site, cache, QUERY, action)
