#!/usr/bin/env bash
# Runs libFuzzer on targets of crates/fuzzing, beginning with their valid inputs. Needs cargo-fuzz and a nightly toolchain.
#
# usage: fuzz.sh SECONDS_PER_TARGET [TARGET…]      without targets: every one
set -eu -o pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: fuzz.sh SECONDS_PER_TARGET [TARGET…]}
shift
cargo +nightly fuzz --version >/dev/null 2>&1 || {
  echo "missing: cargo-fuzz with a nightly toolchain; rustup toolchain install nightly && cargo install cargo-fuzz" >&2
  exit 1
}
if [ $# = 0 ]; then
  set -- $(cd fuzz/fuzz_targets && printf '%s\n' *.rs | sed 's/\.rs$//')
fi

cargo build --quiet --workspace --example seeds
"${CARGO_TARGET_DIR:-target}/debug/examples/seeds" fuzz/corpus
# Ours is safe code, so what sanitizers find is not there to be found; without them ten times as much is tried.
failed=()
for target in "$@"; do
  log=$(mktemp)
  # A hang is ten seconds, and memory beyond 1 GiB is a fault; an input is as long as what smoke tests give, and more.
  if CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/fuzz" cargo +nightly fuzz run -s none "$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 >"$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "passed   $target: $runs runs, at most $(sed -n 's/^stat::peak_rss_mb: *//p' "$log") MB"
    rm "$log"
  else
    failed+=("$target")
    echo "failed   $target: $(grep -aE '^thread|panicked|ERROR: libFuzzer|^error' "$log" | head -1); its words are in $log"
  fi
done
echo "$(($# - ${#failed[@]})) passed, ${#failed[@]} failed"
[ ${#failed[@]} = 0 ]
