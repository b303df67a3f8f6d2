"""Asks Vigie through the official library of Elasticsearch or OpenSearch that is installed, and checks the answers.

Usage: python search.py URL USER PASSWORD
Events are sent with `helpers.bulk`, then found by search, aggregations, scroll, point in time, `_msearch`, async search and by id.
"""

import datetime
import sys
import uuid

EVENTS = 2_500


def connect(url, user, password):
    try:
        import elasticsearch.helpers

        return elasticsearch.Elasticsearch(url, basic_auth=(user, password)), elasticsearch.helpers, "elasticsearch"
    except ImportError:
        import opensearchpy.helpers

        return opensearchpy.OpenSearch(url, http_auth=(user, password)), opensearchpy.helpers, "opensearch"


def ask(client, library, index, **body):
    if library == "opensearch":
        return client.search(index=index, body=body)
    return client.search(index=index, **body)


def check_async(client, library, mine):
    """A search is begun, asked for by its id, and forgotten when it is deleted."""
    body = {"query": mine, "size": 1, "aggs": {"money": {"sum": {"field": "amount"}}}}
    if library == "elasticsearch":
        calls = client.async_search
        at_once = calls.submit(index="shop", wait_for_completion_timeout="1m", **body)
        assert "id" not in at_once and not at_once["is_running"], at_once
        begun = calls.submit(index="shop", wait_for_completion_timeout="0s", keep_on_completion=True, keep_alive="5m", **body)
        found = calls.get(id=begun["id"], wait_for_completion_timeout="1m")
        assert not found["is_partial"], found
        assert calls.status(id=begun["id"])["completion_status"] == 200
    else:
        calls = client.plugins.asynchronous_search
        wanted = {"index": "shop", "wait_for_completion_timeout": "0s", "keep_on_completion": "true", "keep_alive": "5m"}
        begun = calls.search(body=body, params=wanted)
        found = calls.get(id=begun["id"], params={"wait_for_completion_timeout": "1m"})
        assert found["state"] == "STORE_RESIDENT", found
    assert found["response"]["hits"]["total"]["value"] == EVENTS, found["response"]["hits"]["total"]
    assert found["response"]["aggregations"]["money"]["value"] == sum(range(EVENTS)) / 4
    assert calls.delete(id=begun["id"])["acknowledged"]
    try:
        calls.get(id=begun["id"])
    except Exception as gone:  # noqa: BLE001 (each library has a class of its own)
        assert getattr(gone, "status_code", None) == 404, gone
    else:
        raise AssertionError("a search that was deleted is still there")


def main(url, user, password):
    client, helpers, library = connect(url, user, password)
    assert client.info()["version"]["number"]
    run = f"{library}-{uuid.uuid4()}"
    begun = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=2)
    events = (
        {
            "_op_type": "create",
            "_index": "shop",
            "_id": f"{run}-{number}",
            "@timestamp": (begun + datetime.timedelta(seconds=number)).isoformat(),
            "message": f"payment {number} took {number % 90} ms",
            "service": ["cart", "till", "stock"][number % 3],
            "level": "error" if number % 10 == 0 else "info",
            "amount": number / 4,
            "run": run,
        }
        for number in range(EVENTS)
    )
    stored, failed = helpers.bulk(client, events, refresh="wait_for")
    assert (stored, failed) == (EVENTS, []), (stored, failed)

    mine = {"term": {"run": run}}
    errors = {"bool": {"filter": [mine, {"term": {"level.keyword": "ERROR"}}]}}
    found = ask(client, library, "shop", query=errors, size=5, sort=[{"@timestamp": "desc"}])
    assert found["hits"]["total"]["value"] == EVENTS // 10, found["hits"]["total"]
    assert found["hits"]["hits"][0]["_id"] == f"{run}-{EVENTS - 10}", found["hits"]["hits"][0]

    found = ask(
        client,
        library,
        "ecommerce-logs-*",
        query=mine,
        size=0,
        aggs={
            "minutes": {
                "date_histogram": {"field": "@timestamp", "fixed_interval": "10m", "min_doc_count": 1},
                "aggs": {"services": {"terms": {"field": "service"}, "aggs": {"money": {"sum": {"field": "amount"}}}}},
            },
            "services": {"cardinality": {"field": "service"}},
            "half": {"percentiles": {"field": "amount", "percents": [50]}},
        },
    )
    buckets = found["aggregations"]["minutes"]["buckets"]
    assert sum(bucket["doc_count"] for bucket in buckets) == EVENTS
    money = sum(service["money"]["value"] for bucket in buckets for service in bucket["services"]["buckets"])
    assert money == sum(range(EVENTS)) / 4, money
    assert found["aggregations"]["services"]["value"] == 3
    assert found["aggregations"]["half"]["values"]["50.0"] == (EVENTS - 1) / 8

    ids = [hit["_id"] for hit in helpers.scan(client, index="shop", query={"query": mine}, size=700)]
    assert len(ids) == len(set(ids)) == EVENTS, (len(ids), len(set(ids)))

    if library == "elasticsearch":
        point = client.open_point_in_time(index="shop", keep_alive="1m")["id"]
        count = client.count(index="shop", query=mine)["count"]
    else:
        point = client.create_pit(index="shop", params={"keep_alive": "1m"})["pit_id"]
        count = client.count(index="shop", body={"query": mine})["count"]
    assert count == EVENTS, count
    seen, after = [], None
    while True:
        body = {"query": mine, "size": 700, "pit": {"id": point, "keep_alive": "1m"}, "sort": [{"@timestamp": "asc"}]}
        if after:
            body["search_after"] = after
        hits = (client.search(**body) if library == "elasticsearch" else client.search(body=body))["hits"]["hits"]
        if not hits:
            break
        seen += [hit["_id"] for hit in hits]
        after = hits[-1]["sort"]
    assert seen == [f"{run}-{number}" for number in range(EVENTS)], len(seen)
    if library == "elasticsearch":
        client.close_point_in_time(id=point)
        many = client.msearch(searches=[{"index": "shop"}, {"query": mine, "size": 1}, {}, {"query": {"more_like_this": {"like": "b"}}}])
        caps = client.field_caps(index="ecommerce-logs-*", fields="serv*")
    else:
        client.delete_pit(body={"pit_id": [point]})
        many = client.msearch(body=[{"index": "shop"}, {"query": mine, "size": 1}, {}, {"query": {"more_like_this": {"like": "b"}}}])
        caps = client.field_caps(index="ecommerce-logs-*", fields="serv*")
    assert [answer["status"] for answer in many["responses"]] == [200, 400], many
    assert "keyword" in caps["fields"]["service"], caps
    check_async(client, library, mine)
    assert client.get(index="shop", id=f"{run}-7")["_source"]["amount"] == 1.75
    assert client.exists(index="shop", id=f"{run}-7") and not client.exists(index="shop", id="nothing")
    assert client.indices.exists(index="ecommerce-logs")
    assert client.indices.get_mapping(index="ecommerce-logs-*")
    print(f"{library}: all answers are right")


if __name__ == "__main__":
    main(*sys.argv[1:])
