#!/usr/bin/env bash
# Parts are ordinary Parquet: reads some with independent readers. Installs these once, apart from the system's Python.
set -eu -o pipefail
cd "$(dirname "$0")/.."
venv=${XDG_CACHE_HOME:-$HOME/.cache}/vigie/readers-venv
if ! "$venv/bin/python" -c 'import duckdb, pyarrow' 2>/dev/null; then
  command -v python3 >/dev/null || { echo "missing: python3; on Debian: apt-get install python3-venv" >&2; exit 1; }
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet duckdb pyarrow
fi
exec "$venv/bin/python" scripts/check-readers.py "${CARGO_TARGET_DIR:-target}/release/vigie"
