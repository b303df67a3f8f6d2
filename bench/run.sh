#!/usr/bin/env bash
# Measures the binary as it is shipped (profile "dist"; VIGIE_BIN names another) and prints tables against the targets.
# Everything lives in a temporary folder.
#   bench/run.sh                 the foundation: start, memory, durable ingest, common queries
#   bench/run.sh micro [FILTER]  single steps, one at a time, compared with the run before
#   bench/run.sh parts           opening 90 days of 24 parts, and what they cost while nothing happens
#   bench/run.sh inputs [ARG…]   how fast each input takes events in
#   bench/run.sh sql [ARG…]      statements of SQL over two million events
#   bench/run.sh exports [ARG…]  exports, analytics, performance and patterns over two million events
#   bench/run.sh mix [ARG…]      what people ask all day while events arrive, and what the cache saves a dashboard
#   bench/run.sh fraud FILE      features and models on a Parquet file of labelled card payments (`make fraud-bench`)
#   bench/run.sh trees FILE      Vigie's boosted trees beside forust's on the same rows of that file
#   bench/run.sh fraud-speeds      judging payments: single decisions, over HTTP, rules tried on the past, training, memory
#   bench/run.sh engine [ARG…]   the engine beside its peers on the same events (bench/engine/engine.mjs says what ARG may be)
set -eu -o pipefail
cd "$(dirname "$0")/.."
binary=${VIGIE_BIN:-${CARGO_TARGET_DIR:-target}/dist/vigie}
case ${1:-foundation} in
  foundation) exec node bench/foundation.mjs "$binary" ;;
  micro) shift; exec cargo bench --package vigie-micro-bench --bench steps -- "$@" ;;
  parts)
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    many_parts() { cargo run --quiet --release --package vigie-micro-bench --example many_parts -- "$@"; }
    many_parts write "$folder" 90 24 500
    echo "$(find "$folder" -name '*.parquet' | wc -l) parts"
    many_parts open "$folder"
    ;;
  inputs)
    shift
    cargo build --quiet --release --package vigie-micro-bench --example send_datagrams
    exec node bench/inputs.mjs "$binary" --sender "${CARGO_TARGET_DIR:-target}/release/examples/send_datagrams" "$@"
    ;;
  fraud) shift; exec cargo run --quiet --release --package vigie-micro-bench --example judge_payments -- "$@" ;;
  trees)
    shift
    features=$(mktemp)
    trap 'rm -f "$features"' EXIT
    cargo run --quiet --release --package vigie-micro-bench --example judge_payments -- "$1" --features "$features"
    cargo run --quiet --release --manifest-path bench/compare/trees/Cargo.toml -- "$features"
    ;;
  fraud-speeds)
    cargo run --quiet --release --package vigie-micro-bench --example fraud_speeds
    exec node bench/fraud.mjs "$binary"
    ;;
  sql) shift; exec node bench/sql.mjs "$binary" "$@" ;;
  exports) shift; exec node bench/exports.mjs "$binary" "$@" ;;
  mix) shift; exec node bench/mix.mjs "$binary" "$@" ;;
  engine) shift; exec node bench/engine/engine.mjs --binary "$binary" "$@" ;;
  *) echo "bench: there is no \"$1\"; leave it out or say what the head of bench/run.sh lists" >&2; exit 2 ;;
esac
