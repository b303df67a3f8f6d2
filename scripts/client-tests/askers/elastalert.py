"""ElastAlert 2 makes its indices in Vigie, polls it by rules, alerts, remembers what it did there, and stays silent as long as it is told to.

usage: elastalert.py FOLDER_OF_PROGRAMS HOST PORT USER PASSWORD
"""

import datetime
import json
import pathlib
import subprocess
import sys

from elasticsearch_calls import Calls, shop_events

EVENTS = 600
# A rule is run so often, at first within 15 s, and counts in steps of that length.
EVERY_S = 20
# It ends when less than such a step is left of this.
RUN_S = 45
RULES = {
    # Downloads the events themselves.
    "many-errors": {"type": "frequency", "num_events": 20, "filter": [{"term": {"level": "ERROR"}}]},
    # Asks for counts.
    "traffic": {"type": "frequency", "num_events": 100, "use_count_query": True, "filter": [{"match_all": {}}]},
    # Asks for terms.
    "busy-service": {
        "type": "frequency", "num_events": 50, "use_terms_query": True, "query_key": "service", "terms_size": 10, "filter": [{"match_all": {}}],
    },
    "silence": {"type": "flatline", "threshold": 1, "filter": [{"query_string": {"query": "service:nobody"}}]},
    "dear": {"type": "metric_aggregation", "metric_agg_key": "amount", "metric_agg_type": "max", "max_threshold": 10, "filter": []},
    "new": {"type": "new_term", "fields": ["service"], "terms_window_size": {"days": 1}, "filter": []},
    "any": {"type": "any", "filter": [{"query": {"query_string": {"query": "message:payment AND n:7"}}}]},
}
# Alerts that wait for each other: each is stored, and deleted once all of them were sent.
LATER = {"type": "any", "aggregation": {"seconds": 5}, "filter": [{"query": {"query_string": {"query": "n:(11 OR 12 OR 13)"}}}]}
# Said when it is told to end while a rule is due.
AT_ITS_END = "cannot schedule new futures after shutdown"


def soon():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=RUN_S)).isoformat()


def main(programs, host, port, user, password):
    calls = Calls(f"http://{host}:{port}", user, password)
    begin = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(minutes=40)
    calls.store("shop", shop_events(EVENTS, begin))
    config = {
        "es_host": host, "es_port": int(port), "es_username": user, "es_password": password,
        "writeback_index": "elastalert", "run_every": {"seconds": EVERY_S}, "buffer_time": {"minutes": 5},
        "rules_folder": "rules", "alert_time_limit": {"days": 2}, "max_query_size": 50, "scroll_keepalive": "1m",
    }
    pathlib.Path("config.yaml").write_text(json.dumps(config))
    pathlib.Path("rules").mkdir()
    for name, rule in {**RULES, "later": LATER}.items():
        common = {"name": name, "index": "shop", "timeframe": {"minutes": 5}, "alert": ["debug"], "realert": {"minutes": 60}}
        pathlib.Path("rules", f"{name}.yaml").write_text(json.dumps({**common, **rule}))

    def run(program, *arguments):
        done = subprocess.run([str(pathlib.Path(programs, program)), "--config", "config.yaml", *arguments], capture_output=True, text=True)
        print(done.stdout, done.stderr, sep="")
        assert done.returncode == 0, f"{program} ended with {done.returncode}"
        tracebacks, at_its_end = done.stderr.count("Traceback"), done.stderr.count(f"RuntimeError: {AT_ITS_END}")
        assert tracebacks == at_its_end and "ERROR:elastalert" not in done.stderr, done.stderr[-1_000:]
        return done.stderr + done.stdout

    run("elastalert-create-index", "--index", "elastalert")
    made = sorted(index["index"] for index in calls("GET", "/_cat/indices/elastalert*?format=json"))
    assert made == ["elastalert", "elastalert_error", "elastalert_past", "elastalert_silence", "elastalert_status"], made
    said = run("elastalert", "--verbose", "--start", begin.isoformat(), "--end", soon())
    for name in RULES:
        alerts = calls.count("elastalert", {"bool": {"filter": [{"term": {"rule_name": name}}, {"term": {"alert_sent": True}}]}})
        assert alerts > 0, f"{name}: {alerts} alerts; it said {said[-1_000:]}"
        assert calls.count("elastalert_status", {"term": {"rule_name": name}}) > 0, f"{name} left no status"
        # Alerted once, and silent from then on: also when it is run again, by what it finds of itself.
        assert calls.count("elastalert_silence", {"prefix": {"rule_name": name}}) > 0, f"{name} is not silent"
    waiting = calls.count("elastalert", {"bool": {"filter": [{"term": {"rule_name": "later"}}, {"term": {"alert_sent": False}}]}})
    sent = calls.count("elastalert", {"bool": {"filter": [{"term": {"rule_name": "later"}}, {"term": {"alert_sent": True}}]}})
    assert waiting == 0 < sent, f"{waiting} alerts that were sent together are still there, {sent} were sent"
    before = calls.count("elastalert", {"term": {"alert_sent": True}})
    run("elastalert", "--verbose", "--start", begin.isoformat(), "--end", soon())
    assert calls.count("elastalert", {"term": {"alert_sent": True}}) == before, "it alerted again while it was to be silent"
    assert calls.count("elastalert_error") == 0, calls.sources("elastalert_error")
    print("elastalert: every rule was answered")


if __name__ == "__main__":
    main(*sys.argv[1:])
