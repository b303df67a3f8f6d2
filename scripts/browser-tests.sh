#!/usr/bin/env bash
# Runs the browser tests against the debug binary. Installs Chromium when it can, says so when it cannot.
set -eu -o pipefail
cd "$(dirname "$0")/.."

find_browser() {
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" 2>/dev/null && return
  done
  return 1
}

browser=$(find_browser || true)
if [ -z "$browser" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Chromium is missing; installing it with apt-get …"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/dev/null 2>&1 || true
  browser=$(find_browser || true)
fi
if [ -z "$browser" ]; then
  echo "The browser tests did not run: no Chromium was found and it could not be installed here."
  echo "Install it (on Debian: apt-get install chromium) and run 'make test-e2e'."
  # A machine that checks changes must not pass without them.
  [ -n "${CI:-}" ] && exit 1
  exit 0
fi

target=${CARGO_TARGET_DIR:-$PWD/target}
export VIGIE_BIN="$target/debug/vigie"
export CHROMIUM="$browser"
cd web && npm run --silent e2e
