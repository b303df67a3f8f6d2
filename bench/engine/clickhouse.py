"""Embedded ClickHouse, asked line by line: {"ingest": file}, {"query": sql} or {"execute": sql}; answers are JSON lines with `ms`."""

import json
import sys
import time

from chdb.session import Session

# Sorted by type and time, which serves the newest of a type and every group-by within one; needles have their own indices.
TABLE = """
CREATE TABLE IF NOT EXISTS logs (
    timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    log_type LowCardinality(String), level LowCardinality(String), service LowCardinality(String),
    host LowCardinality(String), environment LowCardinality(String), message String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)), session_id String CODEC(ZSTD(1)), user_id String CODEC(ZSTD(1)), client_ip IPv4 CODEC(ZSTD(1)),
    transaction_id String CODEC(ZSTD(1)), order_id String CODEC(ZSTD(1)), amount Decimal(18, 4) CODEC(ZSTD(1)),
    currency LowCardinality(String), payment_method LowCardinality(String), status LowCardinality(String),
    card_bin String CODEC(ZSTD(1)), card_last4 String CODEC(ZSTD(1)),
    action LowCardinality(String), page LowCardinality(String), referrer LowCardinality(String), product_id String CODEC(ZSTD(1)),
    search_query String CODEC(ZSTD(1)), duration_ms UInt32 CODEC(ZSTD(1)),
    endpoint LowCardinality(String), method LowCardinality(String), status_code UInt16 CODEC(ZSTD(1)),
    response_time_ms Float64 CODEC(ZSTD(1)), db_query_time_ms Float64 CODEC(ZSTD(1)), cache_hit UInt8 CODEC(ZSTD(1)),
    error_type LowCardinality(String), error_code UInt16 CODEC(ZSTD(1)), stack_trace String CODEC(ZSTD(1)),
    INDEX by_transaction transaction_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_address client_ip TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_word message TYPE tokenbf_v1(16384, 3, 0) GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(timestamp) ORDER BY (log_type, timestamp)
"""
STRUCTURE = """
`@timestamp` DateTime64(3, 'UTC'), log_type String, level String, service String, host String, environment String, message String,
trace_id String, session_id String, user_id String, client_ip IPv4, transaction_id String, order_id String, amount Decimal(18, 4),
currency String, payment_method String, status String, card_bin String, card_last4 String, action String, page String, referrer String,
product_id String, search_query String, duration_ms UInt32, endpoint String, method String, status_code UInt16, response_time_ms Float64,
db_query_time_ms Float64, cache_hit Bool, error_type String, error_code UInt16, stack_trace String
"""
NAMES = [column.split()[0] for column in STRUCTURE.replace("(3, 'UTC')", "").replace("(18, 4)", "").split(",")]


def ingest(session, file):
    session.query(TABLE)
    stored = ", ".join("timestamp" if name == "`@timestamp`" else name for name in NAMES)
    source = f"file('{file}', JSONEachRow, $${STRUCTURE}$$)"
    session.query(f"INSERT INTO logs ({stored}) SELECT {', '.join(NAMES)} FROM {source} SETTINGS date_time_input_format = 'best_effort'")


def answer(session, demand):
    begun = time.perf_counter()
    if "ingest" in demand:
        ingest(session, demand["ingest"])
    elif "execute" in demand:
        session.query(demand["execute"])
    else:
        text = session.query(demand["query"] + " SETTINGS use_query_cache = 0, use_query_condition_cache = 0", "JSONCompact").bytes()
        return {"ms": (time.perf_counter() - begun) * 1000, "answer": json.loads(text)}
    return {"ms": (time.perf_counter() - begun) * 1000}


def main():
    session = Session(sys.argv[1])
    for line in sys.stdin:
        try:
            print(json.dumps(answer(session, json.loads(line))), flush=True)
        except Exception as error:  # a question that fails must be told, not end the process
            print(json.dumps({"error": str(error)}), flush=True)
    session.close()


main()
