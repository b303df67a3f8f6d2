"""What the files of rsyslog's outputs have in common: it follows a file and gives each line to one action."""

from site_of_tests import debian_root, follower

PACKAGES = ["rsyslog", "rsyslog-elasticsearch", "libestr0", "libfastjson4"]
MODULES = "usr/lib/*/rsyslog/omelasticsearch.so"


def prepare(cache):
    return debian_root(cache, "rsyslog", ["usr/sbin/rsyslogd", MODULES], *PACKAGES)


def start(site, cache, query, action):
    """Starts it with the action, which reads the line as `msg`."""
    root = prepare(cache)
    modules = next(root.glob(MODULES)).parent
    rules = site.folder / "rsyslog.conf"
    rules.write_text(f"""
global(workDirectory="{site.folder}")
module(load="imfile")
input(type="imfile" File="{site.folder}/shop.log" Tag="shop" readMode="0")
{action}
""")
    command = ["env", f"LD_LIBRARY_PATH={modules.parent}", str(root / "usr/sbin/rsyslogd"), "-n"]
    command += ["-f", str(rules), "-i", str(site.folder / "rsyslog.pid"), "-M", str(modules)]
    return follower(site, query, "%(n)d", command)
