"""go-lumber, the Lumberjack 2 client of the Beats' authors, with events as Filebeat makes them."""

import shutil

from site_of_tests import HERE, Skip, install, logged

NAME = "go-lumber"
QUERY = f'service:"{NAME}"'
# Each event says where it was read.
EXACTLY_ONCE = True
IS_INTERRUPTED = True


def prepare(cache):
    if not shutil.which("go"):
        raise Skip("go is not installed")
    sources = HERE / "senders" / "lumberjack"
    binary = cache / "go-lumber"
    newest = max(file.stat().st_mtime for file in sources.iterdir())
    if not (binary.is_file() and binary.stat().st_mtime > newest):
        install(["go", "build", "-mod=mod", "-o", str(binary), "."], shutil.copytree(sources, cache / "go-lumber-sources", dirs_exist_ok=True))
    return binary


def start(site, cache):
    return logged(site, [str(prepare(cache)), site.beats, str(site.events), NAME])
