"""Calls of Elasticsearch's API that the askers of other programs make for themselves: to store what those find, and to see what those did."""

import base64
import datetime
import json
import urllib.request


class Calls:
    def __init__(self, url, user, password):
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.url, self.headers = url, {"Authorization": f"Basic {login}", "Content-Type": "application/json"}

    def __call__(self, method, path, body=None):
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, self.headers, method=method)
        return json.load(urllib.request.urlopen(request))

    def store(self, index, events):
        """Stores events, which have an `n`, under that as their id."""
        lines = [line for event in events for line in ({"create": {"_index": index, "_id": str(event["n"])}}, event)]
        answer = self("POST", "/_bulk", "".join(f"{json.dumps(line)}\n" for line in lines).encode())
        assert not answer["errors"], [item for item in answer["items"] if "error" in item["create"]][:1]

    def count(self, index, query=None):
        return self("POST", f"/{index}/_count", {"query": query or {"match_all": {}}})["count"]

    def sources(self, index):
        """What was stored under that name, by `n`."""
        hits = self("POST", f"/{index}/_search", {"size": 10_000, "sort": "n"})["hits"]["hits"]
        return {hit["_source"]["n"]: hit["_source"] for hit in hits}


def shop_events(count, begin):
    """Events of a shop, one a second from then on."""
    return [
        {
            "@timestamp": (begin + datetime.timedelta(seconds=number)).isoformat(),
            "message": f"payment {number} took {number % 90} ms",
            "level": "error" if number % 10 == 0 else "info",
            "service": ["cart", "till", "stock"][number % 3],
            "amount": number / 4,
            "n": number,
        }
        for number in range(count)
    ]
