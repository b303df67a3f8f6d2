#!/usr/bin/env bash
# Measures the release binary and prints tables against the targets. Everything lives in a temporary folder.
#   bench/run.sh                 the foundation: start, memory, durable ingest, common queries
#   bench/run.sh micro [FILTER]  single steps, one at a time, compared with the run before
#   bench/run.sh engine [ARG…]   the engine beside its peers on the same events (bench/engine/engine.mjs says what ARG may be)
set -eu -o pipefail
cd "$(dirname "$0")/.."
binary=${CARGO_TARGET_DIR:-target}/release/vigie
case ${1:-foundation} in
  foundation) exec node bench/foundation.mjs "$binary" ;;
  micro) shift; exec cargo bench --package vigie-micro-bench --bench steps -- "$@" ;;
  engine) shift; exec node bench/engine/engine.mjs --binary "$binary" "$@" ;;
  *) echo "bench: there is no \"$1\"; leave it out or say \"micro\" or \"engine\"" >&2; exit 2 ;;
esac
