"""Curator lists Vigie's indices with their sizes, and picks and deletes those that filters name.

usage: curator.py CURATOR_CLI URL USER PASSWORD
"""

import datetime
import json
import subprocess
import sys

from elasticsearch_calls import Calls, shop_events

EVENTS = 300
DAYS = 3


def main(program, url, user, password):
    calls = Calls(url, user, password)

    def curator(*arguments):
        command = [program, "--hosts", url, "--username", user, "--password", password, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        print(done.stdout, done.stderr, sep="")
        return done

    def shown(*arguments, **by):
        # Without a filter that makes it look at indices, this version of Curator knows nothing of any, and breaks off.
        filters = [{"filtertype": "opened", "exclude": False}, *([by] if by else [])]
        done = curator("show-indices", "--ignore_empty_list", "--filter_list", json.dumps(filters), *arguments)
        assert done.returncode == 0, done.returncode
        return [line.split() for line in done.stdout.splitlines() if line.strip()]

    today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - datetime.timedelta(days=back) for back in range(DAYS, 0, -1)]
    for number, day in enumerate(days):
        calls.store("ecommerce-logs", [{**event, "n": f"{number}-{event['n']}"} for event in shop_events(EVENTS, day)])
    calls("PUT", "/made-2001.02.03", {"settings": {"number_of_replicas": 0}})
    names = [f"ecommerce-logs-{day:%Y.%m.%d}" for day in days]

    assert shown() == [[name] for name in [*names, "made-2001.02.03"]], "the list of indices"
    table = {row[0]: row for row in shown("--verbose", "--search_pattern", "ecommerce-logs-*", filtertype="empty", exclude=True)}
    assert sorted(table) == names, table
    for name in names:
        assert table[name][1] == "open" and str(EVENTS) in table[name], table[name]

    def picked(**by):
        return [row[0] for row in shown(**by)]

    age = {"filtertype": "age", "direction": "older", "unit": "days", "unit_count": 2}
    assert picked(filtertype="pattern", kind="prefix", value="ecommerce-logs-") == names
    assert picked(**age, source="name", timestring="%Y.%m.%d") == [*names[:2], "made-2001.02.03"]
    assert picked(**age, source="creation_date") == names[:2]
    assert picked(filtertype="empty", exclude=False) == ["made-2001.02.03"]

    by_name = '[{"filtertype": "pattern", "kind": "prefix", "value": "%s"}]'
    assert curator("delete-indices", "--filter_list", by_name % "made-").returncode == 0
    assert shown() == [[name] for name in names]
    assert curator("delete-indices", "--filter_list", by_name % names[0]).returncode == 0
    assert shown() == [[name] for name in names[1:]]
    assert calls.count("ecommerce-logs-*") == (DAYS - 1) * EVENTS
    print("curator: every list is right")


if __name__ == "__main__":
    main(*sys.argv[1:])
