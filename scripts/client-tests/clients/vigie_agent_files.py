"""The agent of Vigie itself, which follows a file."""

from site_of_tests import follower

NAME = "vigie-agent-files"
QUERY = f'service:"{NAME}"'
EXACTLY_ONCE = True
IS_INTERRUPTED = True


def prepare(cache):
    """Nothing is to be installed: it is the binary that is tried."""


def start(site, cache):
    agent = [site.binary, "agent", "--url", site.url, "--token", site.api_key(), "--data", str(site.folder / "agent")]
    return follower(site, QUERY, "event n=%(n)d", [*agent, "--name", NAME, "--tag", f"service={NAME}", str(site.folder / "shop.log")])
