"""elasticdump takes events and a mapping out of Vigie and puts them in again, by a file and straight from index to index.

usage: elasticdump.py ELASTICDUMP URL USER PASSWORD
"""

import datetime
import os
import pathlib
import subprocess
import sys

from elasticsearch_calls import Calls, shop_events

EVENTS = 1_500
# elasticdump reads and writes so many at once.
LIMIT = 400
MAPPING = {"title": {"type": "text"}, "price": {"type": "double"}, "made": {"type": "date"}}


def main(program, url, user, password):
    calls = Calls(url, user, password)

    def dump(source, target, *options):
        login = {f"ELASTICDUMP_{side}_{what}": value for side in ("INPUT", "OUTPUT") for what, value in (("USERNAME", user), ("PASSWORD", password))}
        command = ["node", program, f"--input={source}", f"--output={target}", f"--limit={LIMIT}", *options]
        subprocess.run(command, env={**os.environ, **login}, check=True)

    begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    calls.store("dumped", shop_events(EVENTS, begin))
    stored = calls.sources("dumped")

    dump(f"{url}/dumped", "dumped.ndjson", "--type=data")
    lines = pathlib.Path("dumped.ndjson").read_text().splitlines()
    assert len(lines) == EVENTS, len(lines)
    dump("dumped.ndjson", f"{url}/restored", "--type=data")
    assert calls.sources("restored") == stored, "what was dumped to a file is not what was restored"
    dump("dumped.ndjson", f"{url}/restored", "--type=data", "--bulkAction=index")
    assert calls.count("restored") == EVENTS, "what is restored again is stored once"

    dump(f"{url}/dumped", f"{url}/copied", "--type=data")
    assert calls.sources("copied") == stored, "what was copied is not what was there"
    dump(f"{url}/dumped", f"{url}/paged", "--type=data", "--searchAfter", "--pit")
    assert calls.sources("paged") == stored, "what was read by points in time is not what was there"
    some = '--searchBody={"query": {"term": {"level": "error"}}}'
    dump(f"{url}/dumped", f"{url}/errors", "--type=data", some)
    assert calls.count("errors") == EVENTS // 10, calls.count("errors")

    calls("PUT", "/mapped", {"mappings": {"properties": MAPPING}})
    dump(f"{url}/mapped", "mapping.json", "--type=mapping")
    dump("mapping.json", f"{url}/mapped-again", "--type=mapping")
    again = calls("GET", "/mapped-again/_mapping")["mapped-again"]["mappings"]["properties"]
    assert again == MAPPING, again
    dump(f"{url}/dumped", f"{url}/typed", "--type=mapping")
    typed = calls("GET", "/typed/_mapping")["typed"]["mappings"]["properties"]
    assert typed["@timestamp"]["type"] == "date" and typed["amount"]["type"] == "double", typed
    calls("POST", "/_aliases", {"actions": [{"add": {"index": "mapped", "alias": "shown"}}]})
    dump(f"{url}/mapped", "aliases.json", "--type=alias")
    assert "shown" in pathlib.Path("aliases.json").read_text()
    dump(f"{url}/mapped", f"{url}/set", "--type=settings")
    assert calls("GET", "/set/_settings")["set"]
    print("elasticdump: everything came out and in again")


if __name__ == "__main__":
    main(*sys.argv[1:])
