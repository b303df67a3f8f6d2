"""python-logstash-async with its HTTP transport: what is not answered with 200 is kept in memory and sent again."""

from site_of_tests import python_sender, python_venv

NAME = "python-logstash-async-http"
QUERY = f'service:"{NAME}"'
# Its events have no names and no places in files.
EXACTLY_ONCE = False
IS_INTERRUPTED = True


def prepare(cache):
    return python_venv(cache, "python-logstash-async", "python-logstash-async>=4,<5", "pylogbeat>=2,<3")


def start(site, cache):
    arguments = ["HttpTransport", site.url.removeprefix("http://"), site.user, site.password, str(site.events), NAME]
    return python_sender(site, prepare(cache), "logstash_async_handler.py", *arguments)
