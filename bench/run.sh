#!/usr/bin/env bash
# Measures the release binary and prints a table against the targets. Everything lives in a temporary folder.
set -eu -o pipefail
cd "$(dirname "$0")/.."
exec node bench/foundation.mjs "${CARGO_TARGET_DIR:-target}/release/vigie"
