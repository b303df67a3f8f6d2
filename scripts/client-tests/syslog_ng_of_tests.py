"""What the files of syslog-ng's destinations have in common: it follows a file and gives each line to one destination."""

from site_of_tests import debian_root, follower

PACKAGES = ["syslog-ng-core", "syslog-ng-mod-http", "syslog-ng-scl", "libivykis0", "libnet1", "libpcre3", "libwrap0"]
MODULES = "usr/lib/syslog-ng/*/libhttp.so"
# What syslog-ng calls `elasticsearch-http` is in the library of its configuration.
LIBRARY = "usr/share/syslog-ng/include/scl/elasticsearch/elastic-http.conf"


def prepare(cache):
    return debian_root(cache, "syslog-ng", ["usr/sbin/syslog-ng", MODULES, LIBRARY], *PACKAGES)


def start(site, cache, query, destination):
    """Starts it with the destination, which reads the line as `MSG`."""
    root, folder = prepare(cache), site.folder
    modules = next(root.glob(MODULES)).parent
    rules = folder / "syslog-ng.conf"
    rules.write_text(f"""
@version: {modules.name}
@include "{root / LIBRARY}"
options {{ time-reopen(1); }};
source shop {{ file("{folder}/shop.log" follow-freq(0.1) flags(no-parse)); }};
destination vigie {{ {destination} }};
log {{ source(shop); destination(vigie); flags(flow-control); }};
""")
    libraries = [modules.parent, *root.glob("usr/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu")]
    command = ["env", f"LD_LIBRARY_PATH={':'.join(map(str, libraries))}", str(root / "usr/sbin/syslog-ng"), "--foreground"]
    command += ["--no-caps", f"--module-path={modules}", "-f", str(rules), "-R", str(folder / "syslog-ng.persist")]
    command += ["-p", str(folder / "syslog-ng.pid"), "-c", str(folder / "syslog-ng.ctl")]
    return follower(site, query, "%(n)d", command)
