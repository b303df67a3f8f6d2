#!/usr/bin/env bash
# The server on the given address and the UI with live reload in front of it; both end together.
set -eu -o pipefail
cd "$(dirname "$0")/.."
listen=$1
cargo build --bin vigie
"${CARGO_TARGET_DIR:-target}/debug/vigie" serve --demo --data data --listen "$listen" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null' EXIT
cd web
[ -d node_modules ] || npm ci --no-audit --no-fund
VIGIE_URL="http://$listen" npm run dev
