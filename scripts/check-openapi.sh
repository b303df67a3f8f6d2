#!/usr/bin/env bash
# Fails when the OpenAPI document or the web types made from it are not what the code says.
set -eu -o pipefail
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
cargo run --quiet --bin vigie -- openapi > "$fresh/openapi.json"
if ! diff -q "$fresh/openapi.json" web/src/api/openapi.json >/dev/null; then
  echo "web/src/api/openapi.json is not what the code says; run 'make openapi' and commit the result" >&2
  exit 1
fi
cp web/src/api/schema.d.ts "$fresh/schema.d.ts"
(cd web && npx --no-install openapi-typescript src/api/openapi.json --output "$fresh/new.d.ts" >/dev/null 2>&1)
if ! diff -q "$fresh/schema.d.ts" "$fresh/new.d.ts" >/dev/null; then
  echo "web/src/api/schema.d.ts is not what the document says; run 'make openapi' and commit the result" >&2
  exit 1
fi
echo "current"
