"""rsyslog with omelasticsearch, unpacked from Debian's packages when it is not installed.

It is not interrupted: of what rsyslog 8.2302 takes up while the connection is broken, the first few messages never come,
with `retryfailures` or without, and its own file of errors does not name them.
"""

import pathlib
import shutil

from site_of_tests import Skip, install, python_sender

QUERY = 'service:"rsyslog"'
EXACTLY_ONCE = True
IS_INTERRUPTED = False

PACKAGES = ["rsyslog", "rsyslog-elasticsearch", "libestr0", "libfastjson4"]


def prepare(cache):
    """The folder below which rsyslog's files lie."""
    for root in [pathlib.Path("/"), cache / "rsyslog" / "root"]:
        if modules(root):
            return root
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise Skip("rsyslog with omelasticsearch is not installed, and there is no apt-get to fetch it")
    folder = cache / "rsyslog"
    folder.mkdir(parents=True, exist_ok=True)
    install(["apt-get", "download", *PACKAGES], folder)
    for package in folder.glob("*.deb"):
        install(["dpkg", "-x", str(package), str(folder / "root")])
    if not modules(folder / "root"):
        raise Skip("Debian's packages of rsyslog hold no omelasticsearch")
    return folder / "root"


def modules(root):
    """The folder of its modules, if both it and the module are there."""
    found = next(root.glob("usr/lib/*/rsyslog/omelasticsearch.so"), None)
    return found.parent if found and (root / "usr/sbin/rsyslogd").is_file() else None


def start(site, cache):
    root = prepare(cache)
    arguments = [str(root), str(modules(root)), site.elasticsearch_url, site.user, site.password, str(site.events)]
    return python_sender(site, shutil.which("python3"), "rsyslog.py", *arguments)
