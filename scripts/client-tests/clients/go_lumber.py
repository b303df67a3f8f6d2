"""go-lumber, the Lumberjack 2 client of the Beats' authors, with events as Filebeat makes them."""

from site_of_tests import go_program, logged

NAME = "go-lumber"
QUERY = f'service:"{NAME}"'
# Each event says where it was read.
EXACTLY_ONCE = True
IS_INTERRUPTED = True


def prepare(cache):
    return go_program(cache, "go_lumber")


def start(site, cache):
    return logged(site, [str(prepare(cache)), site.beats, str(site.events), NAME])
