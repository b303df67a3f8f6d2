"""python-logstash-async over TCP. The protocol has no acknowledgements: what is under way when Vigie dies is lost."""

from site_of_tests import python_sender, python_venv

NAME = "python-logstash-async-tcp"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False


def prepare(cache):
    return python_venv(cache, "python-logstash-async", "python-logstash-async>=4,<5", "pylogbeat>=2,<3")


def start(site, cache):
    arguments = ["TcpTransport", site.tcp, site.user, site.password, str(site.events), NAME]
    return python_sender(site, prepare(cache), "logstash_async_handler.py", *arguments)
