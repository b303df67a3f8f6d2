"""Reads parts with independent readers of Parquet, pyarrow and DuckDB, and compares them with what the server answers.

Usage: check-readers.py BINARY. Starts the server on a folder of its own with generated events.
"""

import collections
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import duckdb
import pyarrow
import pyarrow.parquet as parquet

EVENTS = 200_000
# Events of one request.
BATCH = 20_000
# What the largest part of a day and type may have of the rows of the others together for all to become one, as the engine has it.
LARGEST_RATIO_MAX = 8
# What a frame of zstd begins with.
FRAME = bytes.fromhex("28b52ffd")
PASSWORD = "quiet-lantern-42-orbit"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def call(url, token=None, body=None, kind="application/json"):
    headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, data=body, headers=headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def wait_until(is_true, seconds, what):
    end = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > end:
            sys.exit(f"{what} did not happen within {seconds} s")
        time.sleep(0.1)


def is_ready(url):
    try:
        return urllib.request.urlopen(f"{url}/readyz").status == 200
    except OSError:
        return False


def blocks_of(part):
    """Blocks of the dictionary of a part that has the most."""
    group, bytes = parquet.read_metadata(part).row_group(0), part.read_bytes()
    columns = [group.column(number) for number in range(group.num_columns)]
    dictionaries = [bytes[column.dictionary_page_offset:column.data_page_offset] for column in columns if column.has_dictionary_page]
    return max(dictionary.count(FRAME) for dictionary in dictionaries)


def is_gathered(folder):
    """Whether the parts of each day and type are one, or one is so large that the others are not worth writing it again."""
    rows = collections.defaultdict(list)
    for part in folder.glob("logs/indices/*/*.parquet"):
        try:
            rows[part.parent, part.name.rsplit("-", 1)[0]].append(parquet.read_metadata(part).num_rows)
        except (FileNotFoundError, pyarrow.ArrowInvalid):
            # It was just replaced, or is being written.
            return False
    return all(len(counts) == 1 or max(counts) > LARGEST_RATIO_MAX * (sum(counts) - max(counts)) for counts in rows.values())


def compare(folder, url, token):
    parts = sorted(folder.glob("logs/indices/*/*.parquet"))
    tables = {part: parquet.read_table(part) for part in parts}
    rows = sum(table.num_rows for table in tables.values())
    glob = str(folder / "logs/indices/*/*.parquet")
    by_duckdb = duckdb.sql(f"select count(*) from read_parquet('{glob}', union_by_name = true)").fetchall()[0][0]
    assert rows == by_duckdb == EVENTS, (rows, by_duckdb, EVENTS)
    asked = {"services": {"terms": {"field": "service", "size": 100}}, "revenue": {"stats": {"field": "amount"}}}
    answer = call(f"{url}/api/search/aggregate", token, json.dumps({"aggregations": asked}).encode())
    counts = {bucket["key"]: bucket["count"] for bucket in answer["aggregations"]["services"]["buckets"]}
    found = dict(duckdb.sql(f"select service, count(*) from read_parquet('{glob}', union_by_name = true) where service is not null group by 1").fetchall())
    assert counts == found, (counts, found)
    revenue = duckdb.sql(f"select count(amount), sum(amount) from read_parquet('{glob}', union_by_name = true)").fetchall()[0]
    stats = answer["aggregations"]["revenue"]
    assert stats["count"] == revenue[0] and abs(stats["sum"] - float(revenue[1])) < 0.01, (stats, revenue)
    # Addresses of version 4 are numbers in a column of their own.
    address = "coalesce(client_ip, (n >> 24) || '.' || (n >> 16 & 255) || '.' || (n >> 8 & 255) || '.' || (n & 255))"
    parts_read = f"(select client_ip, \"client_ip#v4\" as n from read_parquet('{glob}', union_by_name = true))"
    found = [count for _, count in duckdb.sql(f"select {address} as address, count(*) from {parts_read} where n is not null or client_ip is not null group by 1 order by 2 desc limit 50").fetchall()]
    asked = {"addresses": {"terms": {"field": "client_ip", "size": 50}}, "distinct": {"cardinality": {"field": "client_ip"}}}
    answer = call(f"{url}/api/search/aggregate", token, json.dumps({"aggregations": asked}).encode())["aggregations"]
    assert [bucket["count"] for bucket in answer["addresses"]["buckets"]] == found, (answer["addresses"], found)
    distinct = duckdb.sql(f"select count(distinct {address}) from {parts_read}").fetchall()[0][0]
    assert answer["distinct"]["value"] == distinct, (answer["distinct"], distinct)
    blocks = max(blocks_of(part) for part in parts)
    assert blocks > 1, "a large dictionary lies in blocks"
    for table in tables.values():
        times = table.column("@timestamp").cast("int64").to_pylist()
        assert times == sorted(times), "rows are in time order"
    print(f"{len(parts)} parts, {rows} rows: pyarrow, DuckDB and the server agree")


def main():
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        events = folder / "events.ndjson"
        subprocess.run([binary, "generate", "--events", str(EVENTS), "--seed", "3", "--out", events], check=True, capture_output=True)
        url = f"http://127.0.0.1:{free_port()}"
        # Decisions about payments are events too, and would be counted.
        environment = os.environ | {"VIGIE_ADMIN_PASSWORD": PASSWORD, "VIGIE_LOG_LEVEL": "error", "VIGIE_STORAGE_FLUSH_SECONDS": "1", "VIGIE_STORAGE_GATHER_AFTER_S": "1", "VIGIE_FRAUD_ENABLED": "false"}
        server = subprocess.Popen(
            [binary, "serve", "--data", folder / "data", "--listen", url.removeprefix("http://")],
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: is_ready(url), 30, "start")
            login = {"username": "admin@localhost", "password": PASSWORD}
            token = call(f"{url}/api/auth/login", body=json.dumps(login).encode())["access_token"]
            lines = events.read_bytes().splitlines(keepends=True)
            for first in range(0, len(lines), BATCH):
                call(f"{url}/api/logs/ingest?any_time=true", token, b"".join(lines[first : first + BATCH]), "application/x-ndjson")
            log = folder / "data/logs/wal"
            wait_until(lambda: sum(file.stat().st_size for file in log.iterdir()) == 0, 60, "writing parts")
            # Each of them waits for its turn, one every ten seconds.
            wait_until(lambda: is_gathered(folder / "data"), 300, "making one part of each day and type")
            compare(folder / "data", url, token)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


if __name__ == "__main__":
    main()
