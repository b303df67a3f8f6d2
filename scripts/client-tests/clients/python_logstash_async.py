"""python-logstash-async with its Beats transport: a handler of Python's logging that keeps what is not acknowledged."""

from site_of_tests import python_sender, python_venv

NAME = "python-logstash-async"
QUERY = f'service:"{NAME}"'
# Its events have no names and no places in files.
EXACTLY_ONCE = False
IS_INTERRUPTED = True


def prepare(cache):
    return python_venv(cache, NAME, "python-logstash-async>=4,<5", "pylogbeat>=2,<3")


def start(site, cache):
    arguments = [site.beats, str(site.events), NAME, str(site.folder / "handler.db")]
    return python_sender(site, prepare(cache), "logstash_async_handler.py", *arguments)
