"""What the files of clients have in common: where to send, and how packages are installed apart from the system's."""

import base64
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
# Every input with a socket: an address of its own is set for each, so that nothing else on the machine is in the way.
INPUTS = [
    "tcp", "udp", "syslog_tcp", "syslog_udp", "beats", "gelf_tcp", "gelf_udp", "forward", "otlp_grpc", "otlp_http",
]
# What a client says, in the site's folder.
LOG = "client.log"
# Time for one program to be fetched and built.
INSTALL_MAX_S = 600


class Skip(Exception):
    """Why a client cannot be tried here."""


@dataclasses.dataclass(frozen=True)
class Site:
    """Where a client sends, and how much."""

    binary: str
    url: str
    elasticsearch_url: str
    tcp: str
    udp: str
    syslog_tcp: str
    syslog_udp: str
    beats: str
    gelf_tcp: str
    gelf_udp: str
    forward: str
    otlp_grpc: str
    otlp_http: str
    user: str
    password: str
    events: int
    folder: pathlib.Path

    def api_key(self):
        """A new API key that may send events."""
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        body = json.dumps({"name": "a client", "scopes": ["ingest"]}).encode()
        return json.load(urllib.request.urlopen(urllib.request.Request(f"{self.url}/api/api-keys", body, headers)))["key"]


def python_venv(cache, name, *packages):
    """The Python of an environment with these packages; made once."""
    venv = cache / f"{name}-venv"
    python = venv / "bin" / "python"
    mark = venv / "installed"
    wanted = " ".join(packages)
    if not (mark.is_file() and mark.read_text() == wanted):
        install([sys.executable, "-m", "venv", "--clear", str(venv)])
        install([str(python), "-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "20", *packages])
        mark.write_text(wanted)
    return python


def node_folder(cache, name, *packages):
    """A folder in which Node finds these packages; made once."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise Skip("node and npm are not installed")
    folder = cache / f"{name}-node"
    mark = folder / "installed"
    wanted = " ".join(packages)
    if not (mark.is_file() and mark.read_text() == wanted):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n')
        install(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1", *packages], folder)
        mark.write_text(wanted)
    return folder


def go_program(cache, name, package=".", *options):
    """A program built from the folder `senders/NAME` and what its go.mod names; made once. The variable VIGIE_TEST_NAME may name one."""
    if given := os.environ.get(f"VIGIE_TEST_{name.upper()}"):
        if not pathlib.Path(given).is_file():
            raise Skip(f"VIGIE_TEST_{name.upper()} names {given}, which is no file")
        return pathlib.Path(given)
    if not shutil.which("go"):
        raise Skip("go is not installed")
    sources, binary = HERE / "senders" / name, cache / name
    newest = max(file.stat().st_mtime for file in sources.iterdir())
    if not (binary.is_file() and binary.stat().st_mtime > newest):
        copied = shutil.copytree(sources, cache / f"{name}-sources", dirs_exist_ok=True)
        install(["go", "build", "-mod=mod", *options, "-o", str(binary), package], copied)
    return binary


def debian_root(cache, name, program, *packages):
    """The folder below which a program of Debian and what it needs lie: the system's own, or packages unpacked in the cache."""
    for root in [pathlib.Path("/"), cache / name / "root"]:
        if all(next(root.glob(path), None) for path in program):
            return root
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise Skip(f"{name} is not installed, and there is no apt-get to fetch it")
    folder = cache / name
    folder.mkdir(parents=True, exist_ok=True)
    install(["apt-get", "download", *packages], folder)
    for package in folder.glob("*.deb"):
        install(["dpkg", "-x", str(package), str(folder / "root")])
    if not all(next((folder / "root").glob(path), None) for path in program):
        raise Skip(f"Debian's packages of {name} lack one of {', '.join(program)}")
    return folder / "root"


def install(command, folder=None):
    """Runs what installs; what it says is why the client is skipped."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_MAX_S)
    except subprocess.TimeoutExpired:
        raise Skip(f"{pathlib.Path(command[0]).name} … {command[-1]} took more than {INSTALL_MAX_S} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Skip(f"{pathlib.Path(command[0]).name} … {command[-1]} failed: {said[-1] if said else 'without words'}")


def node_sender(site, folder, script, *arguments):
    """Starts a script of `senders/` where its packages are found."""
    copied = folder / script
    shutil.copy(HERE / "senders" / script, copied)
    return logged(site, ["node", str(copied), *arguments])


def python_sender(site, python, script, *arguments):
    """Starts a script of `senders/` with that Python."""
    return logged(site, [str(python), str(HERE / "senders" / script), *arguments])


def node_asker(site, folder, script, *arguments):
    """Starts a script of `askers/` where its packages are found."""
    copied = folder / script
    shutil.copy(HERE / "askers" / script, copied)
    return logged(site, ["node", str(copied), *arguments])


def python_asker(site, python, script, *arguments):
    """Starts a script of `askers/` with that Python."""
    return logged(site, [str(python), str(HERE / "askers" / script), *map(str, arguments)])


def follower(site, query, line, command, place="shop.log"):
    """Starts a program that follows `shop.log` in the site's folder, or another place, and writes lines to it; ends when all of them are stored.

    In `line`, `%(n)d` is the event's number.
    """
    arguments = [site.url, site.user, site.password, query, str(site.events), line, place, *command]
    return python_sender(site, sys.executable, "follow_file.py", *arguments)


def logged(site, command):
    log = open(site.folder / LOG, "ab")
    return subprocess.Popen(command, stdout=log, stderr=log, cwd=site.folder)
