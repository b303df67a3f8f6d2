#!/usr/bin/env bash
# run.sh VIGIE RUNNER TESTS API [ARGUMENT …]: starts Vigie on a free port of 127.0.0.1 with a data folder of its own, runs the public REST
# tests of the folder TESTS against it, with the descriptions of calls in API, and prints a table of what passed. Further arguments go to
# the runner: --only search, --at-least 50 …
# run.sh --anew: what the runner calls to have Vigie begin with nothing; works inside a run only.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
PASSWORD=a-lantern-for-the-tests

stop() {
  [ -s "$REST_TESTS_DIR/pid" ] || return 0
  local pid; pid=$(cat "$REST_TESTS_DIR/pid")
  kill -9 "$pid" 2>/dev/null || true
  # Its threads may outlive it for a moment; what counts is that nobody listens any more.
  while (: <"/dev/tcp/127.0.0.1/$REST_TESTS_PORT") 2>/dev/null; do sleep 0.01; done
}

start() {
  rm -rf "$REST_TESTS_DIR/data"
  VIGIE_ADMIN_PASSWORD=$PASSWORD VIGIE_ELASTICSEARCH_API_NODE_ATTRIBUTES=testattr=test "$REST_TESTS_VIGIE" serve --data "$REST_TESTS_DIR/data" --listen "127.0.0.1:$REST_TESTS_PORT" \
    </dev/null >"$REST_TESTS_DIR/log" 2>&1 &
  echo $! >"$REST_TESTS_DIR/pid"
  for _ in $(seq 600); do
    if curl -sf -o /dev/null "http://127.0.0.1:$REST_TESTS_PORT/readyz"; then return; fi
    if ! kill -0 "$(cat "$REST_TESTS_DIR/pid")" 2>/dev/null; then break; fi
    sleep 0.02
  done
  echo "rest-tests: vigie did not start:" >&2; tail -n 20 "$REST_TESTS_DIR/log" >&2; exit 1
}

if [ "${1:-}" = --anew ]; then stop; start; exit; fi
if [ $# -lt 4 ]; then sed -n '2,5s/^# //p' "$0" >&2; exit 2; fi
export REST_TESTS_VIGIE=$1 REST_TESTS_DIR REST_TESTS_PORT
runner=$2 tests=$3 api=$4; shift 4
REST_TESTS_DIR=$(mktemp -d)
REST_TESTS_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
trap 'stop; rm -rf "$REST_TESTS_DIR"' EXIT
start
# The tests are of OpenSearch 3.6, whose calls and answers these are.
"$runner" --url "http://127.0.0.1:$REST_TESTS_PORT/elasticsearch" --auth "admin@localhost:$PASSWORD" --version 3.6.0 \
  --tests "$tests" --api "$api" --reasons "$here/differences.txt" --reset "$here/run.sh --anew" "$@"
