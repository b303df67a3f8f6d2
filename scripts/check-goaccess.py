#!/usr/bin/env python3
"""Compares what Vigie counts of a web access log with what GoAccess counts: hits by status, by hour and by kind of user agent.

Statuses and hours must be equal. User agents are told by rules of different origin, so each one is told by both and the differences are
counted; a kind of difference that is not explained in EXPLAINED fails.

usage: check-goaccess.py VIGIE ACCESS_LOG (combined format, may be packed with gzip)
"""

import base64
import collections
import concurrent.futures
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "client-tests"))

from run import PASSWORD, USER, Vigie  # noqa: E402

# Names that Vigie gives, by the families of GoAccess. Whatever else has a name is one of the others.
FAMILIES = {
    "Chrome": ("Chrome", "Chromium"),
    "Firefox": ("Firefox", "Iceweasel"),
    # Internet Explorer with a plugin that shows some pages as Chrome does.
    "MSIE": ("IE", "Chrome Frame"),
    # Android's own browser calls itself Safari too.
    "Safari": ("Safari", "Mobile Safari", "Android"),
    "Opera": ("Opera",),
}
BROWSERS = tuple(FAMILIES)
# GoAccess's family, Vigie's, and why they differ.
EXPLAINED = [
    (("Others", "Unknown", *BROWSERS), ("Crawlers",), "GoAccess takes a crawler that it does not know for the browser that it pretends to be"),
    (("Others",), ("Unknown",), "GoAccess counts `Mozilla/5.0` and the like as a browser; Vigie gives no name to what names none"),
    (("Crawlers",), ("Unknown", "Others"), "programs and feed readers that name a web address are crawlers for GoAccess; Vigie's list lacks them"),
    (("Crawlers",), BROWSERS, "GoAccess takes an agent with a web address for a crawler; Vigie goes by the browser that it names"),
    (("Unknown",), ("Others",), "browsers of old telephones that GoAccess does not know"),
    (BROWSERS, ("Others",), "browsers built on another one, which Vigie tells by their own names"),
    (("Others",), ("Safari",), "views of pages within applications of telephones, which do not say `Safari`"),
    (("MSIE",), ("Opera",), "an Opera that pretends to be Internet Explorer"),
]
AGENTS_MAX = 10_000


def goaccess(log):
    """The report of GoAccess about a log."""
    report = log.with_suffix(".json")
    command = ["goaccess", str(log), "--no-global-config", "--log-format=COMBINED", "--date-spec=hr", "--no-progress", "-o", str(report)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env={**os.environ, "TZ": "UTC"})
    # What it quotes of user agents is no UTF-8 when they are not.
    return json.loads(report.read_text(errors="replace"))


def hits(panel):
    return {entry["data"]: entry["hits"]["count"] for entry in panel}


def agent_of(line):
    return line.rsplit('"', 2)[1]


def families_by_goaccess(agents, folder):
    """The family of each user agent: GoAccess is asked about a log of one line each."""
    def family(numbered):
        number, line = numbered
        log = folder / f"agent-{number}.log"
        log.write_text(line + "\n")
        panel = goaccess(log)["browsers"]["data"]
        # A feed reader fetches by itself, as a crawler does; an agent without a letter is in no family.
        return {"Feeds": "Crawlers"}.get(panel[0]["data"], panel[0]["data"]) if panel else "Unknown"

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(agents, pool.map(family, enumerate(agents.values()))))


def family_by_vigie(name, is_bot):
    if is_bot:
        return "Crawlers"
    if name is None:
        return "Unknown"
    is_of = lambda beginning: name == beginning or name.startswith(f"{beginning} ")  # noqa: E731
    # The longest beginning counts, or `Chrome Frame` would be Chrome.
    known = [(len(beginning), family) for family, names in FAMILIES.items() for beginning in names if is_of(beginning)]
    return max(known)[1] if known else "Others"


class Asked:
    """A Vigie that has the log, and what is asked of it."""

    def __init__(self, binary, folder, log):
        (folder / "data").mkdir()
        self.vigie = Vigie(binary, folder / "data", "")
        self.vigie.start()
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.headers = {"Authorization": f"Basic {login}"}
        self.taken = self.post("/api/logs/ingest?any_time=true&format=access_log", log, "text/plain")

    def post(self, path, body, kind):
        request = urllib.request.Request(f"{self.vigie.url}{path}", body, {**self.headers, "Content-Type": kind})
        return json.load(urllib.request.urlopen(request))

    def buckets(self, question):
        body = json.dumps({"aggregations": {"asked": question}}).encode()
        answer = self.post("/api/search/aggregate", body, "application/json")["aggregations"]["asked"]
        if answer.get("other_count"):
            sys.exit(f"{answer['other_count']} events are in buckets that were not asked for; raise AGENTS_MAX")
        return answer["buckets"]

    def agents(self):
        """Name and whether it is a bot of each user agent."""
        one = lambda field: {"terms": {"field": field, "size": 1}}  # noqa: E731
        inner = {"name": one("user_agent.name"), "bot": one("user_agent.is_bot")}
        first = lambda bucket, name: next((found["key"] for found in bucket["aggregations"][name]["buckets"]), None)  # noqa: E731
        buckets = self.buckets({"terms": {"field": "user_agent", "size": AGENTS_MAX}, "aggregations": inner})
        return {bucket["key"]: (first(bucket, "name"), bool(first(bucket, "bot"))) for bucket in buckets}


def compare(what, ours, theirs):
    different = {key: (ours.get(key, 0), theirs.get(key, 0)) for key in ours | theirs if ours.get(key, 0) != theirs.get(key, 0)}
    print(f"{what}: {len(theirs)}, {'all equal' if not different else f'Vigie and GoAccess differ in {different}'}")
    return not different


def compare_agents(asked, lines, folder):
    counts = collections.Counter(agent_of(line) for line in lines)
    theirs = families_by_goaccess({agent_of(line): line for line in lines}, folder)
    told = asked.agents()
    pairs = collections.defaultdict(list)
    for agent, count in counts.items():
        pairs[theirs[agent], family_by_vigie(*told.get(agent, (None, False)))].append((count, agent))
    sum_of = lambda found: sum(count for count, _ in found)  # noqa: E731
    equal = sum(sum_of(found) for (left, right), found in pairs.items() if left == right)
    print(f"kinds of {len(counts)} user agents: equal for {equal} of {len(lines)} hits")
    is_explained = True
    for (left, right), found in sorted(pairs.items(), key=lambda pair: -sum_of(pair[1])):
        if left == right:
            continue
        reason = next((reason for lefts, rights, reason in EXPLAINED if left in lefts and right in rights), None)
        is_explained = is_explained and reason is not None
        print(f"  {sum_of(found):6} {left} for GoAccess, {right} for Vigie: {reason or 'NOT EXPLAINED'}; such as {max(found)[1]!r}")
    return is_explained


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if not shutil.which("goaccess"):
        sys.exit("missing: goaccess; on Debian: apt-get install goaccess")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vigie-goaccess-"))
    content = pathlib.Path(sys.argv[2]).read_bytes()
    content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    log = folder / "access.log"
    log.write_bytes(content)
    report = goaccess(log)
    asked = Asked(str(pathlib.Path(sys.argv[1]).resolve()), folder, content)
    try:
        total = {"lines": asked.taken["accepted"]}
        is_equal = [
            compare("lines taken", total, {"lines": report["general"]["valid_requests"]}),
            compare(
                "statuses",
                {bucket["key"]: bucket["count"] for bucket in asked.buckets({"terms": {"field": "status_code", "size": 100}})},
                {int(key[:3]): count for group in report["status_codes"]["data"] for key, count in hits(group["items"]).items()},
            ),
            compare(
                "hours",
                {hour(bucket): bucket["count"] for bucket in asked.buckets({"date_histogram": {"interval": "1h"}}) if bucket["count"]},
                hits(report["visitors"]["data"]),
            ),
            compare_agents(asked, content.decode(errors="replace").splitlines(), folder),
        ]
    finally:
        asked.vigie.kill()
    shutil.rmtree(folder)
    sys.exit(0 if all(is_equal) else 1)


def hour(bucket):
    """As GoAccess writes it: 2015051710."""
    return bucket["key_as_string"][:13].translate(str.maketrans("", "", "-T"))


if __name__ == "__main__":
    main()
