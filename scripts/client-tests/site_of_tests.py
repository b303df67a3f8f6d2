"""What the files of clients have in common: where to send, and how packages are installed apart from the system's."""

import base64
import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent


class Skip(Exception):
    """Why a client cannot be tried here."""


@dataclasses.dataclass(frozen=True)
class Site:
    """Where a client sends, and how much."""

    url: str
    elasticsearch_url: str
    otlp_grpc: str
    otlp_http: str
    beats: str
    gelf_tcp: str
    gelf_udp: str
    forward: str
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
        install([str(python), "-m", "pip", "install", "--quiet", *packages])
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
        install(["npm", "install", "--no-audit", "--no-fund", "--silent", *packages], folder)
        mark.write_text(wanted)
    return folder


def install(command, folder=None):
    """Runs what installs; what it says is why the client is skipped."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Skip(f"{' '.join(command[-3:])} failed: {said[-1] if said else 'without words'}")


def node_sender(site, folder, script, *arguments):
    """Starts a script of `senders/` where its packages are found."""
    copied = folder / script
    shutil.copy(HERE / "senders" / script, copied)
    return logged(site, ["node", str(copied), *arguments])


def python_sender(site, python, script, *arguments):
    """Starts a script of `senders/` with that Python."""
    return logged(site, [str(python), str(HERE / "senders" / script), *arguments])


def logged(site, command):
    log = open(site.folder / "sender.log", "ab")
    return subprocess.Popen(command, stdout=log, stderr=log, cwd=site.folder)
