"""Sends events with `helpers.bulk` of elasticsearch-py or opensearch-py, each chunk until it is acknowledged.

usage: bulk_helpers.py MODULE URL USER PASSWORD EVENTS NAME
"""

import importlib
import sys
import time

module_name, url, user, password, events, name = sys.argv[1:]
module = importlib.import_module(module_name)
helpers = importlib.import_module(f"{module_name}.helpers")
CHUNK = 100
PAUSE_S = 0.2

if module_name == "elasticsearch":
    client = module.Elasticsearch(url, basic_auth=(user, password), max_retries=2, retry_on_timeout=True)
else:
    client = module.OpenSearch(url, http_auth=(user, password), max_retries=2, retry_on_timeout=True)
assert client.info()["version"]["number"]
assert client.cluster.health()["status"] == "green"
client.indices.put_index_template(name=name, body={"index_patterns": [f"{name}-*"]})
assert client.indices.exists_index_template(name=name)


def action(n):
    # Half of them as `index`, half as `create`: what is sent again must be stored once either way.
    kind = "index" if n % 2 else "create"
    return {"_op_type": kind, "_index": f"{name}-logs", "_id": f"{name}-{n}", "n": n, "service": name, "message": f"event {n}"}


def send(chunk):
    while True:
        try:
            _, errors = helpers.bulk(client, chunk, raise_on_error=False, chunk_size=CHUNK)
        except (module.exceptions.ConnectionError, module.exceptions.TransportError):
            time.sleep(PAUSE_S)
            continue
        # 409: it was stored before the connection broke.
        failed = [error for error in errors if next(iter(error.values()))["status"] != 409]
        assert not failed, failed[:3]
        return


for first in range(0, int(events), CHUNK):
    send([action(n) for n in range(first, min(first + CHUNK, int(events)))])
client.indices.refresh(index=f"{name}-logs")
